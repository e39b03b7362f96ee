//go:build race

package compat_test

// everyNth edit is tried: nothing here runs concurrently, and the race detector makes all of them take minutes.
const everyNth = 7
