package channel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/channeltest"
	goclient "github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/gen"
	"github.com/chgen/chgen/runtime/pubsub"
)

// truth is everything that was published on a topic, in the order of the bus.
type truth struct {
	mu     sync.Mutex
	bodies []string
}

func (tr *truth) Receive(p pubsub.Publication) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	_, rest, _ := strings.Cut(string(p.Data), `{"body":"`)
	body, _, _ := strings.Cut(rest, `"`)
	tr.bodies = append(tr.bodies, body)
}

func (tr *truth) Lost(pubsub.Position, error) {}

// witness is a Go client that notes what it hears.
type witness struct {
	name    string
	channel *goclient.Channel
	client  *goclient.Client

	mu        sync.Mutex
	heard     []string // bodies, and the verdicts of rejoins
	recovered int
	others    int
}

const (
	verdictTrue  = "recovered"
	verdictFalse = "not recovered"
)

func (w *witness) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, what)
	switch what {
	case verdictTrue:
		w.recovered++
	case verdictFalse:
		w.others++
	}
}

// check compares what was heard with what was published: in order, nothing twice, and nothing left out but where a
// verdict says so, and what this client itself has kept from itself.
func (w *witness) check(t *testing.T, published []string) {
	t.Helper()
	place := make(map[string]int, len(published))
	for i, body := range published {
		place[body] = i
	}
	last, excused := -1, true // whoever joins for the first time begins anywhere
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, what := range append(w.heard, "") {
		at := len(published)
		switch what {
		case verdictTrue:
			continue
		case verdictFalse:
			excused = true
			continue
		case "": // the end
		default:
			at = place[what]
		}
		if at <= last {
			t.Fatalf("%s: %s came after %s", w.name, what, published[last])
		}
		for missing := last + 1; missing < at && (!excused || what == ""); missing++ {
			if !strings.HasPrefix(published[missing], "from "+w.name+".") {
				t.Fatalf("%s: %s is missing before %q", w.name, published[missing], what)
			}
		}
		last, excused = at, false
	}
}

// slowly is a Transport whose connections are read from slowly.
type slowly struct{ goclient.Transport }

type slowConn struct{ goclient.Conn }

func (s slowly) Dial(ctx context.Context, url string, header http.Header) (goclient.Conn, error) {
	conn, err := s.Transport.Dial(ctx, url, header)
	if err != nil {
		return nil, err
	}
	return slowConn{conn}, nil
}

func (c slowConn) Read() (data []byte, binary bool, err error) {
	<-time.After(20 * time.Millisecond)
	return c.Conn.Read()
}

// scenario is a run of the randomized test.
type scenario struct {
	t         *testing.T
	rand      *rand.Rand
	bus       *flaky
	server    *channel.Server
	spec      *gen.Channel
	truth     *truth
	witnesses []*witness
	stop      chan struct{}
	actors    sync.WaitGroup
}

// TestNothingIsLostInSilence has publishers, clients that drop and return, slow ones, and a bus that loses and fails,
// and then compares what everybody has heard with what was published.
func TestNothingIsLostInSilence(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newScenario(t, seed).run() })
		})
	}
}

func newScenario(t *testing.T, seed uint64) *scenario {
	s := &scenario{
		t:     t,
		rand:  rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a seed is to bring the same again
		bus:   newFlaky(pubsub.New()),
		spec:  &gen.Channel{Name: "Logged", Topic: "log:{id}", History: gen.History{Size: 1000, TTL: time.Minute}},
		truth: &truth{},
		stop:  make(chan struct{}),
	}
	if seed%3 == 2 {
		s.spec.History = gen.History{Size: 20, TTL: 2 * time.Second}
	}
	s.server = channel.NewServer(secret, channel.WithPubSub(s.bus), channel.WithLogger(slog.New(slog.DiscardHandler)),
		channel.WithLimits(channel.Limits{QueueBytes: 4 << 10, MailboxWork: 64}))
	OnConnect(s.server, func(ctx context.Context, _ *http.Request, p ConnectParams) (context.Context, error) {
		return channel.WithID(ctx, p.Name), nil
	})
	r := saying()
	r.join = func(context.Context, *member, RoomJoin) error {
		<-time.After(time.Duration(len(s.spec.Name)) * time.Millisecond) // so that things happen meanwhile
		return nil
	}
	handlers := roomHandlers(r)
	if seed%2 == 0 {
		handlers.Intercepts = nil
	}
	gen.Handle(s.server, s.spec, handlers)
	return s
}

func (s *scenario) run() {
	if _, err := s.bus.PubSub.Subscribe(context.Background(), "log:a", pubsub.History(s.spec.History), s.truth); err != nil {
		s.t.Fatal(err)
	}
	site := channeltest.New(s.t, s.server)
	for i := range 6 {
		s.join(site, i)
	}
	for i := range 3 {
		s.act(func(r *rand.Rand, n int) {
			_ = RoomSender{gen.Broadcast(s.server, s.spec, "a")}.Said(context.Background(), Text{fmt.Sprint("p", i, ".", n)})
			pause(r, 300*time.Millisecond)
		})
	}
	s.act(func(r *rand.Rand, _ int) {
		_ = s.server.Disconnect(context.Background(), s.witnesses[r.IntN(len(s.witnesses))].name)
		pause(r, 500*time.Millisecond)
	})
	s.act(func(r *rand.Rand, _ int) {
		pause(r, 2*time.Second)
		s.bus.lose()
		pause(r, 300*time.Millisecond)
		s.bus.find()
	})
	s.act(func(r *rand.Rand, _ int) {
		pause(r, 3*time.Second)
		s.bus.breakDown(errors.New("broken on purpose"))
		pause(r, 500*time.Millisecond)
		s.bus.breakDown(nil)
	})
	<-time.After(30 * time.Second)
	close(s.stop)
	s.actors.Wait()
	<-time.After(time.Minute) // for everybody to come back
	_ = RoomSender{gen.Broadcast(s.server, s.spec, "a")}.Said(context.Background(), Text{"the end"})
	<-time.After(10 * time.Second)
	s.verdict()
}

func (s *scenario) verdict() {
	recovered, others := 0, 0
	for _, w := range s.witnesses {
		w.check(s.t, s.truth.bodies)
		recovered, others = recovered+w.recovered, others+w.others
	}
	s.t.Logf("%d publications; rejoins: %d recovered, %d not", len(s.truth.bodies), recovered, others)
	if recovered < 5 || s.spec.History.Size == 1000 && others > 0 {
		s.t.Errorf("rejoins: %d recovered, %d did not", recovered, others)
	}
}

// act does something again and again until the scenario stops.
func (s *scenario) act(do func(r *rand.Rand, n int)) {
	r := rand.New(rand.NewPCG(s.rand.Uint64(), 0)) //nolint:gosec // see above
	s.actors.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-s.stop:
				return
			default:
				do(r, n)
			}
		}
	})
}

func pause(r *rand.Rand, upTo time.Duration) { <-time.After(1 + time.Duration(r.Int64N(int64(upTo)))) }

// join has a client join and talk: every third reads slowly, every third takes long over what it reads.
func (s *scenario) join(site *channeltest.Site, i int) {
	w := &witness{name: fmt.Sprint("w", i)}
	opts := []goclient.Option{goclient.WithLogger(slog.New(slog.DiscardHandler))}
	delay := time.Duration(0)
	switch i % 3 {
	case 1:
		opts = append(opts, goclient.WithTransport(slowly{site.Transport()}))
	case 2:
		opts, delay = append(opts, goclient.WithEventQueue(40)), 20*time.Millisecond
	}
	w.client = site.Connect(asParams(w.name), opts...)
	w.channel = goclient.NewChannel(w.client, goclient.Spec{Topic: "log:{id}"}, "a")
	w.channel.On("said", func(p goclient.Payload) error {
		var text Text
		err := p.Decode(&text)
		if delay > 0 { // with the race detector a timer of a bubble that has expired at once crashes the runtime
			<-time.After(delay)
		}
		w.note(text.Body)
		return err
	})
	w.channel.OnRejoin(func(_ goclient.Payload, recovered bool) error {
		verdict := verdictFalse
		if recovered {
			verdict = verdictTrue
		}
		w.note(verdict)
		return nil
	})
	if err := w.channel.Join(s.t.Context(), nil, nil); err != nil {
		s.t.Fatal(err)
	}
	s.witnesses = append(s.witnesses, w)
	s.act(func(r *rand.Rand, n int) {
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		_ = w.channel.Push(ctx, "say", &Text{fmt.Sprint("from ", w.name, ".", n)}, nil)
		pause(r, time.Second)
	})
}

// asParams is connect params with a name.
type asParams string

// AppendJSON implements codec.Marshaler.
func (n asParams) AppendJSON(dst []byte) ([]byte, error) {
	return fmt.Appendf(dst, `{"name":%q}`, string(n)), nil
}
