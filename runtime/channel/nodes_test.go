package channel_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
)

// nodeBus is one node's end of a bus that several share: down, it carries nothing from the node and nothing to it.
type nodeBus struct {
	*pubsub.Local
	down atomic.Bool
}

var errBusDown = errors.New("the bus is down")

func (b *nodeBus) Publish(ctx context.Context, p pubsub.Publication) error {
	if b.down.Load() {
		return errBusDown
	}
	return b.Local.Publish(ctx, p)
}

func (b *nodeBus) Subscribe(ctx context.Context, topic string, h pubsub.History, to pubsub.Subscriber) (pubsub.Subscription, error) {
	if b.down.Load() {
		return nil, errBusDown
	}
	return b.Local.Subscribe(ctx, topic, h, &nodeSub{b, to})
}

type nodeSub struct {
	bus *nodeBus
	to  pubsub.Subscriber
}

func (s *nodeSub) Receive(p pubsub.Publication) {
	if !s.bus.down.Load() {
		s.to.Receive(p)
	}
}

func (s *nodeSub) Lost(at pubsub.Position, err error) { s.to.Lost(at, err) }

// cluster is several servers on one bus and with one secret.
type cluster struct {
	*testing.T
	sites []*site
	buses []*nodeBus
}

// runNodes runs a test against nodes that know each other.
func runNodes(t *testing.T, size int, room RoomChannel, test func(c *cluster), opts ...channel.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{T: t}
		shared := pubsub.New()
		for range size {
			bus := &nodeBus{Local: shared}
			s := newSite(t, append([]channel.Option{channel.WithPubSub(bus), channel.WithSecret([]byte(strings.Repeat("s", 32)))}, opts...)...)
			HandleRoom(s.server, room)
			c.sites, c.buses = append(c.sites, s), append(c.buses, bus)
			defer s.stop()
		}
		after(time.Second)
		test(c)
	})
}

// after lets time pass, and everything that comes of it.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestPresenceIsTheSameOnEveryNode(t *testing.T) {
	runNodes(t, 2, lobby(t), func(c *cluster) {
		join := func(s *site, note string) *client {
			conn := s.connect()
			conn.send(`["1","1","room:a","phx_join",{"note":"` + note + `"}]`)
			conn.expectReply("1", "ok")
			after(10 * time.Millisecond)
			return conn
		}
		a := join(c.sites[0], "a")
		b := join(c.sites[1], "b")
		a2 := join(c.sites[1], "a")
		for _, conn := range []*client{a, b, a2} {
			if got := conn.presence(); len(got) != 2 || len(got["a"]) != 2 || len(got["b"]) != 1 {
				t.Errorf("got %v, want a twice and b", got)
			}
		}
		a.close()
		after(10 * time.Millisecond)
		for _, conn := range []*client{b, a2} {
			if got := conn.presence(); len(got) != 2 || len(got["a"]) != 1 {
				t.Errorf("got %v, want a and b", got)
			}
		}
		c.buses[1].down.Store(true)
		after(40 * time.Second)
		late := join(c.sites[0], "late")
		if got := late.presence(); len(got) != 1 {
			t.Errorf("got %v, want nobody of the node that is silent", got)
		}
		c.buses[1].down.Store(false)
		after(5 * time.Second)
		if got := late.presence(); len(got) != 3 {
			t.Errorf("got %v, want everybody", got)
		}
	}, channel.WithLimits(channel.Limits{IdleTimeout: time.Hour}), channel.WithPresenceTimes(time.Second, 20*time.Second))
}

func TestDisconnectReachesEveryNode(t *testing.T) {
	runNodes(t, 3, &room{}, func(c *cluster) {
		var clients []*client
		for _, s := range c.sites {
			ids := make(chan string, 2)
			withIDs(s, ids)
			ids <- "user:1"
			ids <- "user:2"
			clients = append(clients, s.connect(), s.connect())
		}
		if err := c.sites[0].server.Disconnect(context.Background(), "user:1"); err != nil {
			t.Fatal(err)
		}
		for i, conn := range clients {
			if i%2 == 0 {
				conn.expectClose(websocket.StatusGoingAway, "")
			} else {
				conn.expectNothing()
			}
		}
		c.buses[1].down.Store(true)
		if err := c.sites[1].server.Disconnect(context.Background(), "user:2"); !errors.Is(err, errBusDown) {
			t.Errorf("got %v, want that the bus is down", err)
		}
		clients[3].expectClose(websocket.StatusGoingAway, "")
		clients[5].expectNothing()
		clients[1].close()
		clients[5].close()
	})
}

// at has the poller's next requests come to a node.
func (p *poller) at(s *site) *poller {
	p.s = s
	return p
}

func TestASessionIsPolledAtAnyNode(t *testing.T) {
	r := &room{ping: func(ctx context.Context, m *member) error { return m.socket.Push().Moved(ctx, Text{"m"}) }}
	runNodes(t, 2, r, func(c *cluster) {
		here, there := c.sites[0], c.sites[1]
		p := here.joinPoller("room:a", "")
		for i := range 4 {
			p.at(c.sites[(i+1)%2]).send(fmt.Sprintf(`["1","%d","room:a","say",{"body":"x"}]`, i))
			p.at(c.sites[i%2]).expect(fmt.Sprintf(`["1","%d","room:a","phx_reply",{"status":"ok","response":{"body":"x"}}]`, i))
		}
		began := time.Now()
		p.at(there).expect() // the window
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("an empty poll took %v, want 10 s", took)
		}
		answered := p.waiting()
		p.at(here).send(`["1","5","room:a","ping",{}]`)
		p.compare(<-answered, `["1",null,"room:a","moved",{"body":"m"}]`, `["1","5","room:a","phx_reply",{"status":"ok","response":{}}]`)

		frame := "\x00\x01\x01\x06\x031" + "6room:abin" + "\x00\xff"
		p.at(there).send(base64.StdEncoding.EncodeToString([]byte(frame)))
		p.expect(base64.StdEncoding.EncodeToString([]byte("\x01\x01\x01\x06\x021" + "6room:aok" + "\x00\xff")))

		older := p.waiting() // two polls: the newer takes over, wherever it is
		newer := p.at(here).waiting()
		p.compare(<-older)
		p.at(there).send(`[null,"7","phoenix","heartbeat",{}]`)
		p.compare(<-newer, `[null,"7","phoenix","phx_reply",{"status":"ok","response":{}}]`)

		if answer := p.at(there).post(strings.Repeat("[]\n", 101)); answer.Status != 413 {
			t.Errorf("got %+v, want 413", answer)
		}
		if answer := p.post("nonsense"); answer.Status != 400 || answer.Reason == "" {
			t.Errorf("got %+v, want 400 and why", answer)
		}
		p.at(there).gone()
	})
}

func TestAGeneratedClientLosesNothingBetweenNodes(t *testing.T) {
	runNodes(t, 2, &room{}, func(c *cluster) {
		p := c.sites[0].joinPoller("room:a", "&chgen=1")
		p.at(c.sites[1]).send(`["1","2","room:a","say",{"body":"x"}]`)
		reply := `["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"x"}}]`
		token := p.token
		p.expect(reply)
		p.token = token // as if the answer had been lost
		p.at(c.sites[0]).expect(reply)
		p.at(c.sites[1]).send(`[null,"3","phoenix","heartbeat",{}]`)
		p.expect(`[null,"3","phoenix","phx_reply",{"status":"ok","response":{}}]`)
	})
}

func TestLargeBatchesAndAnswersGoBetweenNodes(t *testing.T) {
	runNodes(t, 2, &room{}, func(c *cluster) {
		p := c.sites[0].joinPoller("room:a", "").at(c.sites[1])
		var frames, want []string
		body := strings.Repeat("x", 50_000)
		for i := range 15 {
			frames = append(frames, fmt.Sprintf(`["1","%d","room:a","echo","%s"]`, i, body))
			want = append(want, fmt.Sprintf(`["1","%d","room:a","phx_reply",{"status":"ok","response":"%s"}]`, i, body))
		}
		p.send(frames...)
		p.expect(want...)
	})
}

func TestASessionIsGoneWithItsNode(t *testing.T) {
	runNodes(t, 2, &room{}, func(c *cluster) {
		p := c.sites[0].joinPoller("room:a", "").at(c.sites[1])
		waiting := p.waiting()
		c.buses[0].down.Store(true) // as good as crashed
		began := time.Now()
		p.gone()
		if took := time.Since(began); took > 5*time.Second { // for a batch and for a poll
			t.Errorf("it took %v to notice", took)
		}
		if answer := <-waiting; answer == nil || answer.Status != 410 {
			t.Errorf("the poll that waited: %+v, want 410", answer)
		}
	})
}

func TestATokenIsWorthNothingElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := pubsub.New()
		secret := func(s string) channel.Option { return channel.WithSecret([]byte(strings.Repeat(s, 32))) }
		mounts := []channel.Option{channel.WithMount(channel.Mount{Path: "/socket"}), channel.WithMount(channel.Mount{Path: "/other"})}
		here := newSite(t, append(mounts, channel.WithPubSub(shared), secret("a"))...)
		there := newSite(t, append(mounts, channel.WithPubSub(shared), secret("a"))...)
		foreign := newSite(t, append(mounts, channel.WithPubSub(shared), secret("b"))...)
		alone := newSite(t, append(mounts, secret("a"))...)
		for _, s := range []*site{here, there, foreign, alone} {
			HandleRoom(s.server, &room{})
			defer s.stop()
		}
		p := here.joinPoller("room:a", "")
		header := p.header()
		for path, s := range map[string]*site{"/socket/longpoll": foreign, "/socket/longpoll?x": alone, "/other/longpoll": there} {
			if _, answer := s.request(context.Background(), http.MethodPost, path, `[]`, header); answer == nil || answer.Status != 410 {
				t.Errorf("%s: %+v, want 410", path, answer)
			}
		}
		p.at(there).send(`[null,"3","phoenix","heartbeat",{}]`)
	})
}

func TestAPollThatIsGivenUpEndsAtTheOtherNode(t *testing.T) {
	runNodes(t, 2, &room{}, func(c *cluster) {
		p := c.sites[0].joinPoller("room:a", "").at(c.sites[1])
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.s.request(ctx, http.MethodGet, p.path, "", p.header())
		}()
		synctest.Wait()
		cancel()
		<-done
		synctest.Wait()
		p.send(`[null,"3","phoenix","heartbeat",{}]`)
		p.at(c.sites[0]).expect(`[null,"3","phoenix","phx_reply",{"status":"ok","response":{}}]`)
	})
}

// TestClientsMoveWhenANodeIsReplaced has every client of a node that shuts down come to the other, none of them told
// not to (1000), and the session that was polled through it go on.
func TestClientsMoveWhenANodeIsReplaced(t *testing.T) {
	const clients = 30
	limits := channel.Limits{DrainBatch: 10, DrainInterval: time.Second}
	runNodes(t, 2, lobby(t), func(c *cluster) {
		old, other := c.sites[0], c.sites[1]
		watcher := other.connect()
		watcher.send(`["1","1","room:a","phx_join",{"note":"watcher"}]`)
		watcher.expectReply("1", "ok")
		poller := other.joinPoller("room:b", "")
		waiting := poller.at(old).waiting()
		moved := make(chan struct{}, clients)
		for i := range clients {
			conn := old.connect()
			join := fmt.Sprintf(`["1","1","room:a","phx_join",{"note":"%d"}]`, i)
			conn.send(join)
			conn.expectReply("1", "ok")
			go func() {
				for range conn.frames {
				}
				if code := websocket.CloseStatus(conn.err); code != websocket.StatusServiceRestart {
					t.Errorf("client %d is told %v", i, conn.err)
				}
				moved <- struct{}{}
				conn = other.connect()
				conn.send(join)
				conn.expectReply("1", "ok")
			}()
		}
		after(time.Second)
		if got := len(watcher.presence()); got != clients+1 {
			t.Errorf("%d are there before, want %d", got, clients+1)
		}
		start := time.Now()
		if err := old.server.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(start); took < 2*time.Second {
			t.Errorf("draining in three batches took %v", took)
		}
		poller.compare(<-waiting)
		after(time.Second)
		if got := len(watcher.presence()); got != clients+1 || len(moved) != clients {
			t.Errorf("%d are there after, %d have moved, want %d and %d", got, len(moved), clients+1, clients)
		}
		poller.at(other).poll()
	}, channel.WithLimits(limits))
}

// slowBus takes a second for a subscription.
type slowBus struct{ pubsub.PubSub }

func (b slowBus) Subscribe(ctx context.Context, topic string, h pubsub.History, to pubsub.Subscriber) (pubsub.Subscription, error) {
	<-time.After(time.Second)
	return b.PubSub.Subscribe(ctx, topic, h, to)
}

// TestANodeServesNobodyBeforeItHearsTheOthers has clients come to nodes that have just begun.
func TestANodeServesNobodyBeforeItHearsTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := slowBus{pubsub.New()}
		start := func() *site {
			s := newSite(t, channel.WithPubSub(bus), channel.WithSecret([]byte(strings.Repeat("s", 32))))
			HandleRoom(s.server, &room{})
			return s
		}
		here := start()
		defer here.stop()
		ids := make(chan string, 1)
		withIDs(here, ids)
		ids <- "user:1"
		p := here.joinPoller("room:a", "")
		there := start()
		defer there.stop()
		p.at(there).send(`["1","2","room:a","say",{"body":"x"}]`)
		p.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"x"}}]`)
		last := start()
		defer last.stop()
		withIDs(last, ids)
		ids <- "user:2"
		c := last.connect()
		if err := here.server.Disconnect(context.Background(), "user:2"); err != nil {
			t.Fatal(err)
		}
		c.expectClose(websocket.StatusGoingAway, "")
	})
}

func TestAServerWithoutItsBusServesAndComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := pubsub.New()
		bus := &nodeBus{Local: shared}
		bus.down.Store(true)
		s := newSite(t, channel.WithPubSub(bus))
		HandleRoom(s.server, &room{})
		defer s.stop()
		other := newSite(t, channel.WithPubSub(shared))
		ids := make(chan string, 1)
		withIDs(s, ids)
		ids <- "user:1"
		defer other.stop()
		c := s.connect()
		c.send(`[null,"1","phoenix","heartbeat",{}]`)
		c.expectReply("1", "ok")
		if s.log.count("the other nodes cannot be heard") != 1 {
			t.Error("it is not in the log")
		}
		bus.down.Store(false)
		after(10 * time.Second)
		if err := other.server.Disconnect(context.Background(), "user:1"); err != nil {
			t.Fatal(err)
		}
		c.expectClose(websocket.StatusGoingAway, "")
	})
}
