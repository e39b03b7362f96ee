package engine

import "time"

// Limits is channel.Limits: see there. Zero values stand for the defaults.
type Limits struct {
	MaxFrameBytes  int
	IdleTimeout    time.Duration
	QueueBytes     int
	Channels       int
	MailboxPushes  int
	MailboxBytes   int
	MailboxWork    int
	HandlerTimeout time.Duration
	LeaveTimeout   time.Duration
	ReplaceTimeout time.Duration
	CloseTimeout   time.Duration
	Connections    int
	ConnectTimeout time.Duration
	WriteTimeout   time.Duration
	JoinRate       int
	PushRate       int
	DrainBatch     int
	DrainInterval  time.Duration
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxFrameBytes, 64<<10)
	setDefault(&l.IdleTimeout, 60*time.Second)
	setDefault(&l.QueueBytes, 1<<20)
	setDefault(&l.Channels, 100)
	setDefault(&l.MailboxPushes, 64)
	setDefault(&l.MailboxBytes, 1<<20)
	setDefault(&l.MailboxWork, 1024)
	setDefault(&l.HandlerTimeout, 30*time.Second)
	setDefault(&l.LeaveTimeout, 5*time.Second)
	setDefault(&l.ReplaceTimeout, 5*time.Second)
	setDefault(&l.CloseTimeout, 5*time.Second)
	setDefault(&l.Connections, 1_000_000)
	setDefault(&l.ConnectTimeout, 10*time.Second)
	setDefault(&l.WriteTimeout, 30*time.Second)
	setDefault(&l.JoinRate, 1000)
	setDefault(&l.DrainBatch, 10_000)
	setDefault(&l.DrainInterval, 2*time.Second)
	setDefault(&l.PushRate, 100_000)
	return l
}

func setDefault[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}
