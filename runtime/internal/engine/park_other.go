//go:build !linux || chgen_portable

package engine

import "errors"

// canPark says that there is no poller: readers stay.
const canPark = false

type poller struct{}

func (*poller) watch(*link) error { return errors.ErrUnsupported }

func (*poller) forget(*link) {}

func (*poller) wait() {}
