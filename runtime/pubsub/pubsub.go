// Package pubsub carries publications between the nodes of a service: whoever subscribes to a topic, on any node,
// gets what anyone publishes on it. What a publication means is the business of those who publish and subscribe;
// here it is bytes.
//
// PubSub is a small interface so that others can implement it over a broker. New is the default: one process.
package pubsub

import "context"

// Publication is one message on one topic. Fields may be added; readers ignore what they do not know.
type Publication struct {
	// Topic is any non-empty text.
	Topic string

	// Data belongs to the subscribers once it is published: nobody may change it any more.
	Data []byte
}

// Handler is called with each publication of a topic. Calls for one subscription never overlap. It must not block,
// and must not publish, subscribe or cancel on the same PubSub.
type Handler func(Publication)

// Subscription is a running delivery.
type Subscription interface {
	// Cancel ends the delivery. Once it has returned, the handler is not running and is not called again.
	Cancel()
}

// PubSub is implemented by what can carry publications. All methods may be called concurrently.
//
// Order: what one caller publishes on one topic, each call after the one before has returned, reaches every
// subscription in that order. Between callers, and between topics, each implementation promises what it can.
//
// Delivery is at most once: a subscription gets each publication that is made while it runs, unless the
// implementation loses it, which it must then make known. (Logs that can be read again are for an interface of
// their own, which an implementation may offer beside this one.)
type PubSub interface {
	// Publish hands p to every subscription of its topic, here and on other nodes. A nil error says that p is on its
	// way; the default, which has no other nodes, has then called every handler.
	Publish(ctx context.Context, p Publication) error

	// Subscribe calls handle with every publication on topic that is made after Subscribe has returned.
	Subscribe(ctx context.Context, topic string, handle Handler) (Subscription, error)
}
