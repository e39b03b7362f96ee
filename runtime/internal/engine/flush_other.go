//go:build !unix

package engine

import "errors"

// writesDirectly says that there is no write that does not wait.
const writesDirectly = false

func writeNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func readNow(uintptr, []byte) (n int, again bool, err error) { return 0, false, errors.ErrUnsupported }
