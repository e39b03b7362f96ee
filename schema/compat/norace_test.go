//go:build !race

package compat_test

// everyNth edit is tried: all of them.
const everyNth = 1
