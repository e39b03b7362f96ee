package channel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
	"github.com/chgen/chgen/runtime/pubsub"
)

// logged is Room with a history; say broadcasts, or broadcasts from where the body says so.
var logged = gen.Channel{Name: "Logged", Topic: "log:{id}", History: gen.History{Size: 100, TTL: time.Minute}}

var secret = channel.WithSecret([]byte("a secret of at least thirty-two bytes"))

func saying() *room {
	return &room{say: func(ctx context.Context, m *member, in Text) (Text, error) {
		if strings.HasPrefix(in.Body, "from") {
			return in, m.socket.BroadcastFrom().Said(ctx, in)
		}
		return in, m.socket.Broadcast().Said(ctx, in)
	}}
}

// handleLogged serves spec, with the intercept or without.
func handleLogged(s *site, spec *gen.Channel, r *room, intercept bool) {
	handlers := roomHandlers(r)
	if !intercept {
		handlers.Intercepts = nil
	}
	gen.Handle(s.server, spec, handlers)
}

// runLogged runs a test against a server with the channel Logged at log:{id}.
func runLogged(t *testing.T, r *room, intercept bool, test func(s *site), opts ...channel.Option) {
	t.Helper()
	run(t, nil, func(s *site) {
		handleLogged(s, &logged, r, intercept)
		test(s)
	}, append([]channel.Option{secret}, opts...)...)
}

// publish broadcasts on log:a from anywhere.
func (s *site) publish(bodies ...string) {
	s.t.Helper()
	for _, body := range bodies {
		if err := (RoomSender{gen.Broadcast(s.server, &logged, "a")}).Said(context.Background(), Text{body}); err != nil {
			s.t.Errorf("%s: %v", body, err)
		}
	}
}

func numbers(from, to int) []string {
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// follower is a client that follows log:a as a generated one does.
type follower struct {
	*client
	ref      int
	position string
	reply    map[string]any // of the latest join, whole
	heard    []string       // by catchUp
}

const generated = "/socket/websocket?vsn=2.0.0&chgen=1&_client="

// follow opens a socket under a name and joins with what is known of the position.
func (s *site) follow(name, position string) *follower {
	s.t.Helper()
	f := &follower{client: s.connectTo(generated + name)}
	f.join(position)
	return f
}

func (f *follower) join(position string) {
	f.t.Helper()
	f.ref++
	params := "{}"
	if position != "" {
		params = fmt.Sprintf(`{"_recover":%q}`, position)
	}
	f.send(fmt.Sprintf(`["%d","%d","log:a","phx_join",%s]`, f.ref, f.ref, params))
	raw, frame := f.next()
	f.reply, _ = frame[4].(map[string]any)
	if frame[3] != "phx_reply" {
		f.t.Fatalf("got %s, want the reply", raw)
	}
}

// recovery is the third member of the join reply.
func (f *follower) recovery() (position string, recovered bool) {
	f.t.Helper()
	r, ok := f.reply["recovery"].(map[string]any)
	if !ok {
		f.t.Fatalf("got %v, want recovery", f.reply)
	}
	return r["position"].(string), r["recovered"].(bool)
}

// take takes n events, notes the position and returns the bodies.
func (f *follower) take(n int) (bodies []string) {
	f.t.Helper()
	for range n {
		raw, frame := f.next()
		at, ok := frame[1].(string)
		if !ok {
			f.t.Fatalf("got %s, want an event with a position", raw)
		}
		f.position = at
		bodies = append(bodies, frame[4].(map[string]any)["body"].(string))
	}
	return bodies
}

func (f *follower) expectEvents(want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.take(len(want))); diff != "" {
		f.t.Fatalf("events (-want +got):\n%s", diff)
	}
}

// expectRecovered takes the verdict of the join.
func (f *follower) expectRecovered(want bool) (position string) {
	f.t.Helper()
	position, got := f.recovery()
	if got != want {
		f.t.Fatalf("recovered: got %v, want %v", got, want)
	}
	return position
}

// flaky is a PubSub that loses or holds up what it is told to, on its way to one server.
type flaky struct {
	pubsub.PubSub
	replays atomic.Int64
	mu      sync.Mutex
	losing  bool
	holding bool
	broken  error // what Replay and Subscribe return
	subs    map[*flakySub]struct{}
}

func newFlaky(bus pubsub.PubSub) *flaky {
	return &flaky{PubSub: bus, subs: make(map[*flakySub]struct{})}
}

type flakySub struct {
	pubsub.Subscription
	bus  *flaky
	to   pubsub.Subscriber
	head pubsub.Position // that came by
	lost bool
	held []pubsub.Publication
}

func (f *flaky) Subscribe(ctx context.Context, topic string, history pubsub.History, to pubsub.Subscriber) (pubsub.Subscription, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	sub := &flakySub{bus: f, to: to}
	inner, err := f.PubSub.Subscribe(ctx, topic, history, sub)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	sub.Subscription = inner
	if sub.head.Epoch == "" {
		sub.head = inner.Start()
	}
	f.subs[sub] = struct{}{}
	return sub, nil
}

func (f *flaky) Replay(ctx context.Context, topic string, history pubsub.History, at pubsub.Position, limit int) (pubsub.Page, error) {
	f.replays.Add(1)
	if err := f.err(); err != nil {
		return pubsub.Page{}, err
	}
	return f.PubSub.Replay(ctx, topic, history, at, limit)
}

func (f *flaky) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

func (f *flaky) breakDown(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

// lose begins to lose everything.
func (f *flaky) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losing = true
}

// find ends that, and says so.
func (f *flaky) find() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losing = false
	for sub := range f.subs {
		if sub.lost {
			sub.lost = false
			sub.to.Lost(sub.head, errors.New("lost on purpose"))
		}
	}
}

// hold holds up what comes, and release delivers it.
func (f *flaky) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = true
}

func (f *flaky) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = false
	for sub := range f.subs {
		for _, p := range sub.held {
			sub.to.Receive(p)
		}
		sub.held = nil
	}
}

func (sub *flakySub) Receive(p pubsub.Publication) {
	sub.bus.mu.Lock()
	defer sub.bus.mu.Unlock()
	if p.Position.Epoch != "" {
		sub.head = p.Position
	}
	switch {
	case sub.bus.losing:
		sub.lost = true
	case sub.bus.holding:
		sub.held = append(sub.held, p)
	default:
		sub.to.Receive(p)
	}
}

func (sub *flakySub) Lost(at pubsub.Position, err error) { sub.to.Lost(at, err) }

func (sub *flakySub) Cancel() {
	sub.Subscription.Cancel()
	sub.bus.mu.Lock()
	defer sub.bus.mu.Unlock()
	delete(sub.bus.subs, sub)
}
