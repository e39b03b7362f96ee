// Package pubsub carries publications between the nodes of a service: whoever subscribes to a topic, on any node,
// gets what anyone publishes on it. What a publication means is the business of those who publish and subscribe;
// here it is bytes.
//
// # History
//
// Publications may be kept for a while, so that who was away can be given what he missed. A kept publication has a
// position: an epoch and an offset, assigned by whoever orders the publications of all nodes (the process, a Redis
// script, a JetStream stream). Offsets of one topic rise within an epoch; they need not be contiguous. The epoch changes
// whenever the order, or what was kept, can have been lost, so that a position of before is never taken for one of
// after.
//
// PubSub is a small interface so that others can implement it over a broker; package pubsubtest says whether they have
// done it well. New is the default: one process.
package pubsub

import (
	"context"
	"time"
)

// History says how much of a topic is kept: the newest Size publications, each for TTL. Its zero value keeps nothing.
// Everybody who publishes on a topic, subscribes to it or replays it says the same.
type History struct {
	Size int
	TTL  time.Duration
}

// Kept reports whether anything is kept.
func (h History) Kept() bool { return h.Size > 0 }

// Position is a place in the history of a topic: after the publication of that offset. Its zero value is none.
type Position struct {
	Epoch  string // not empty, and without ":"
	Offset uint64 // 0 is the beginning: before everything
}

// Publication is one message on one topic. Fields may be added; readers ignore what they do not know.
type Publication struct {
	// Topic is any non-empty text.
	Topic string

	// Data belongs to the subscribers once it is published: nobody may change it any more.
	Data []byte

	// History says how it is to be kept. Subscribers need not be given it.
	History History

	// Position is where a kept publication stands. The PubSub sets it; zero for one that is not kept.
	Position Position
}

// Subscriber gets the publications of a topic. Calls for one subscription never overlap. They must not block, and must
// not publish, subscribe, replay or cancel on the same PubSub.
type Subscriber interface {
	// Receive is called with each publication. Kept ones come in the order of their offsets, each once, none left out:
	// where that cannot be, Lost is called instead of the first that does not follow.
	Receive(p Publication)

	// Lost is called when publications may have been lost for good: those between what Receive was given last and next.
	// at is the position that the topic stands at: what comes after it will be received. It is zero where the
	// subscription's History is; where it is not, Lost is not called before the position is known.
	//
	// Where a History is, Lost tells of what is kept: that others were lost with it is not told while the kept ones can
	// all be had. Who needs to know of those publishes them on a topic of their own.
	Lost(at Position, err error)
}

// Subscription is a running delivery.
type Subscription interface {
	// Start is the position that the topic stood at when the subscription began: what comes after it is received. It is
	// zero where the subscription's History is, and never elsewhere: a topic on which nothing was published has an epoch.
	Start() Position

	// Cancel ends the delivery. Once it has returned, the subscriber is not being called and is not called again.
	// Cancelling twice is nothing.
	Cancel()
}

// Page is a part of a topic's history.
type Page struct {
	// Publications are those after the position that was asked for, oldest first.
	Publications []Publication

	// Head is the position of the newest publication that is kept or was.
	Head Position

	// Gap says that what came after the position that was asked for is not all kept any more, or that the epoch is
	// another: Publications is empty then, and Head is the place to go on from.
	Gap bool
}

// PubSub is implemented by what can carry publications. All methods may be called concurrently.
//
// Order: what one caller publishes on one topic, each call after the one before has returned, reaches every
// subscription in that order. Kept publications of one topic reach all subscriptions in one and the same order. Kept
// and other publications are in no order to each other but their publisher's.
//
// Delivery is at most once: a subscription gets each publication that is made while it runs, or is told by Lost that
// it may have missed some. What is kept can be had from Replay.
type PubSub interface {
	// Publish hands p to every subscription of its topic, here and on other nodes. A nil error says that p is kept, where
	// it is to be, that it is on its way to the other nodes, and that the subscriptions of this PubSub have received it.
	// After an error it may have reached some, or all.
	Publish(ctx context.Context, p Publication) error

	// Subscribe has every publication on topic that is made after Subscribe has returned received by s.
	Subscribe(ctx context.Context, topic string, history History, s Subscriber) (Subscription, error)

	// Replay returns at most limit of the publications that are kept of topic and came after a position. An error says
	// that nothing is known; a position that cannot be gone on from is no error but a Gap.
	Replay(ctx context.Context, topic string, history History, after Position, limit int) (Page, error)
}
