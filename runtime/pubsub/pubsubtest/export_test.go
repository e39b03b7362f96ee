package pubsubtest

import "time"

// SetPatience shortens how long the suite waits for what a faulty PubSub never does.
func SetPatience(d time.Duration) { patience = d }
