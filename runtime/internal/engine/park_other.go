//go:build !linux

package engine

import "errors"

// canPark says that there is no poller: readers stay.
const canPark = false

type poller struct{}

func (*poller) watch(*link) error { return errors.ErrUnsupported }

func (*poller) forget(*link) {}

func (*poller) wait() {}

func readNow(uintptr, []byte) (n int, again bool, err error) { return 0, false, errors.ErrUnsupported }
