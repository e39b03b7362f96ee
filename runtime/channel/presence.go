package channel

import (
	"time"

	"github.com/chgen/chgen/runtime/internal/engine"
)

// HandleOption says how a channel with presence is served. The last arguments of its generated Handle function are such
// options: WithPresenceCount, and what the generated Fetch function returns.
type HandleOption func(*engine.Channel)

// WithPresenceCount has clients told how many are present and not who, for channels too big to tell everybody of
// everybody. A generated client gets the number of keys when it has joined, and again when that has changed, at most
// once in each interval and no later than at its end (0 is 1 s). Other clients get nothing: neither presence_state nor
// presence_diff. Handlers list and count as ever.
func WithPresenceCount(interval time.Duration) HandleOption {
	if interval <= 0 {
		interval = time.Second
	}
	return func(c *engine.Channel) { c.CountEvery = interval }
}
