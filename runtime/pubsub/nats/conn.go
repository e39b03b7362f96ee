package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

var (
	errInterrupted = errors.New("the connection was interrupted")
	errSlow        = errors.New("messages came faster than they were taken")
)

func (b *bus) connect(ctx context.Context, url string) error {
	b.closed = make(chan struct{})
	opts := append([]nats.Option{
		nats.Name("chgen"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(-1), // what cannot be sent now is an error
		nats.Timeout(b.opts.Timeout), nats.FlusherTimeout(b.opts.Timeout), nats.PingInterval(b.opts.Probe),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.disconnected(err) }),
		nats.ReconnectHandler(func(*nats.Conn) { b.reconnected() }),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.failed(err) }),
	}, b.opts.NATS...)
	conn, err := nats.Connect(url, opts...)
	if err != nil {
		return err
	}
	b.conn = conn
	if b.js, err = jetstream.New(conn); err != nil {
		return err
	}
	if _, err := conn.ChanSubscribe(b.probe(), b.messages); err != nil {
		return err
	}
	b.running.Go(b.dispatch)
	b.running.Go(b.fly)
	if err := b.flush(ctx); err != nil {
		return err
	}
	b.running.Go(b.probing)
	return nil
}

func (b *bus) disconnected(err error) {
	if b.ctx.Err() == nil {
		b.opts.Log.Warn("nats: subscriptions are interrupted", "err", err)
	}
}

// failed takes what the client cannot tell anybody else.
func (b *bus) failed(err error) {
	b.opts.Log.Warn("nats: an error", "err", err)
	if errors.Is(err, nats.ErrSlowConsumer) {
		b.relay.Hole(func(string) bool { return true }, errSlow)
	}
}

// made returns how often the connection has been made anew.
func (b *bus) made() uint64 { return b.conn.Stats().Reconnects }

// reconnected tells the topics of the hole, once the server has all subscriptions again. Where the connection breaks
// again before that, it is called again.
func (b *bus) reconnected() {
	made := b.made()
	b.running.Go(func() {
		err := errors.Join(b.flush(b.ctx), b.checkEpoch())
		b.taking.Lock()
		defer b.taking.Unlock()
		switch {
		case b.made() != made || made <= b.connection:
		case err != nil:
			_ = b.conn.ForceReconnect() // an error says that it is closed
		default:
			b.opts.Log.Info("nats: subscribed again")
			b.relay.Hole(func(string) bool { return true }, errInterrupted)
			b.connection = made
		}
	})
}

// dispatch hands out what arrives, until the bus is closed.
func (b *bus) dispatch() {
	for {
		select {
		case m := <-b.messages:
			b.take(m)
		case <-b.ctx.Done():
			return
		}
	}
}

// take hands one message out. What comes over a connection that the topics have not been told of is a part of the hole
// that they are told of next.
func (b *bus) take(m *nats.Msg) {
	subject, ok := strings.CutPrefix(m.Subject, b.opts.Prefix+".")
	if !ok || len(subject) < 2 {
		return
	}
	kind, name := subject[:2], subject[2:]
	if kind == kindProbe {
		n, _ := strconv.ParseInt(string(m.Data), 10, 64) // what is no number is not the probe
		b.probed.Store(n)
		return
	}
	message := relay.Message{Body: m.Data}
	if kind == kindStored {
		var err error
		if message, name, err = b.stored(name, m); err != nil {
			return
		}
	}
	b.taking.Lock()
	defer b.taking.Unlock()
	if topic, ok := decodeTopic(name); ok && b.connection == b.made() {
		b.relay.Arrived(topic, message)
	}
}

// stored reads what the stream republishes, whose subject is the epoch and the topic.
func (b *bus) stored(name string, m *nats.Msg) (message relay.Message, topic string, err error) {
	epoch, topic, _ := strings.Cut(name, ".")
	sequence, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return message, "", err
	}
	prev, err := strconv.ParseUint(m.Header.Get(jetstream.LastSequenceHeader), 10, 64)
	if err != nil {
		return message, "", err
	}
	b.saw(epoch, sequence)
	return relay.Message{Body: m.Data, Position: pubsub.Position{Epoch: epoch, Offset: sequence}, Prev: prev}, topic, nil
}

// probing publishes a probe now and then, and connects anew where the one before has not come back.
func (b *bus) probing() {
	ticker := time.NewTicker(b.opts.Probe)
	defer ticker.Stop()
	for sent := int64(0); ; {
		select {
		case <-b.ctx.Done():
			return
		case <-ticker.C:
		}
		if b.probed.Load() != sent && b.conn.IsConnected() {
			b.opts.Log.Warn("nats: a probe did not come back")
			_ = b.conn.ForceReconnect() // an error says that it is closed
		}
		sent++
		if b.conn.Publish(b.probe(), strconv.AppendInt(nil, sent, 10)) != nil {
			sent = b.probed.Load() // there is no connection to be checked
		}
	}
}

// Listen implements relay.Bus.
func (b *bus) Listen(ctx context.Context, topic string, history pubsub.History) error {
	if err := b.subscribe(topic, history); err != nil {
		return err
	}
	return b.flush(ctx)
}

func (b *bus) subscribe(topic string, history pubsub.History) error {
	b.listening.Lock()
	defer b.listening.Unlock()
	if b.listening.subs[topic] != nil {
		return nil
	}
	name := encodeTopic(topic)
	subjects := []string{b.subject(kindPlain, name)}
	if history.Kept() {
		subjects = append(subjects, b.subject(kindStored, "*."+name))
	}
	for _, subject := range subjects {
		sub, err := b.conn.ChanSubscribe(subject, b.messages)
		if err != nil {
			return err
		}
		b.listening.subs[topic] = append(b.listening.subs[topic], sub)
	}
	return nil
}

// Ignore implements relay.Bus.
func (b *bus) Ignore(topic string, _ pubsub.History) {
	b.listening.Lock()
	defer b.listening.Unlock()
	for _, sub := range b.listening.subs[topic] {
		_ = sub.Unsubscribe() // an error says that there is no connection
	}
	delete(b.listening.subs, topic)
}

// Send implements relay.Bus.
func (b *bus) Send(ctx context.Context, topic string, body []byte) error {
	made := b.made()
	if err := b.conn.Publish(b.subject(kindPlain, encodeTopic(topic)), body); err != nil {
		return err
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	if b.made() != made {
		return errInterrupted // it may have been under way on the connection before
	}
	return nil
}

// flight is one round trip to the server, which all wait for who sent something before it began.
type flight struct {
	done chan struct{}
	err  error
}

// flush returns when the server has taken everything that was sent. Under load many calls share one round trip.
func (b *bus) flush(ctx context.Context) error {
	b.flushing.Lock()
	f := b.flushing.next
	if f == nil {
		f = &flight{done: make(chan struct{})}
		b.flushing.next = f
	}
	b.flushing.Unlock()
	select {
	case b.flushes <- struct{}{}:
	default:
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("nats: no answer: %w", ctx.Err())
	}
}

// fly makes one round trip after the other while there is somebody who waits for one.
func (b *bus) fly() {
	for {
		select {
		case <-b.flushes:
		case <-b.ctx.Done():
			return
		}
		b.flushing.Lock()
		f := b.flushing.next
		b.flushing.next = nil
		b.flushing.Unlock()
		if f != nil {
			f.err = b.conn.FlushTimeout(b.opts.Timeout)
			close(f.done)
		}
	}
}
