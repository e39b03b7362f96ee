// Package nodestest says whether servers that have a bus in common do together what they are to do: presence, Disconnect,
// long-polling at any node, recovery over a rolling restart, and what they tell when the bus is gone. It runs over real
// brokers; what is hard to see there, the tests of runtime/channel do on a clock under control.
package nodestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/internal/echo"
	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/pubsub"
)

// Connect connects a node to the broker at an address, over which nothing else goes that has another prefix. It is closed
// with the test.
type Connect func(t testing.TB, addr, prefix string) pubsub.PubSub

const (
	heartbeat = 200 * time.Millisecond // of presence
	down      = 4 * time.Second        // a node that is silent for that long is forgotten
	patience  = 30 * time.Second
)

// Run runs the suite on the broker at an address.
func Run(t *testing.T, broker string, connect Connect) {
	for name, test := range map[string]func(*testing.T, *service){
		"PresenceIsTheSameEverywhere":         testPresence,
		"DisconnectReachesEveryNode":          testDisconnect,
		"ASessionIsPolledAtAnyNode":           testPolls,
		"ARollingRestartLosesNothing":         testRollingRestart,
		"WhoeverPublishesHearsOfABusThatFell": testBusDown,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &service{t: t, broker: broker, connect: connect, prefix: rand.Text()}
			for range 3 {
				s.start()
			}
			test(t, s)
		})
	}
}

// service is nodes that have a bus in common.
type service struct {
	t       *testing.T
	broker  string
	connect Connect
	prefix  string
	nodes   []*node
}

// node is a server whose way to the bus can be cut.
type node struct {
	bus    *netfault.Proxy
	server *channel.Server
	web    *httptest.Server
}

// start adds a node.
func (s *service) start() *node {
	s.t.Helper()
	n := &node{bus: netfault.New(s.t, s.broker)}
	n.server = channel.NewServer(
		channel.WithPubSub(s.connect(s.t, n.bus.Addr(), s.prefix)),
		channel.WithSecret([]byte(strings.Repeat("s", 32))),
		channel.WithPresenceTimes(heartbeat, down),
		channel.WithLimits(channel.Limits{DrainBatch: 5, DrainInterval: drainInterval}),
		channel.WithLogger(slog.New(slog.DiscardHandler)),
	)
	echo.Handle(n.server)
	n.web = httptest.NewServer(n.server)
	s.nodes = append(s.nodes, n)
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = n.server.Shutdown(ctx) // whose bus may be gone
		n.web.Close()
	})
	return n
}

func (n *node) addr() string { return n.web.Listener.Addr().String() }

// member is a client in a room.
type member struct {
	name   string
	client *client.Client
	room   *chat.RoomClient

	mu     sync.Mutex
	heard  []string
	closes []error // why connections ended
	denied int     // rejoins that have not recovered
}

// join has a client join a room at an address, of a node or of what stands before several.
func (s *service) join(addr, name, room string) *member {
	s.t.Helper()
	m := s.client(addr, name, room)
	if _, err := m.room.Join(s.t.Context(), chat.RoomJoin{}); err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return m
}

func (s *service) client(addr, name, room string) *member {
	s.t.Helper()
	c, err := client.New("ws://"+addr+"/socket", client.WithParams(&chat.ConnectParams{Name: name}),
		client.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	m := &member{name: name, client: c, room: chat.NewRoomClient(c, chat.RoomTopic{RoomID: room})}
	m.room.OnMessageCreated(func(message chat.Message) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.heard = append(m.heard, message.Body)
	})
	m.room.OnRejoin(func(r client.Rejoined[chat.RoomJoined]) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if !r.Recovered {
			m.denied++
		}
	})
	c.OnState(func(change client.StateChange) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if change.State == client.Reconnecting {
			m.closes = append(m.closes, change.Err)
		}
	})
	return m
}

// say has a member publish.
func (m *member) say(ctx context.Context, text string) error {
	_, err := m.room.SendMessage(ctx, chat.RoomSendMessage{Body: text})
	return err
}

func (m *member) messages() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.heard)
}

// code returns the close code that a connection of m has ended with, 0 for none.
func (m *member) code() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, err := range m.closes {
		if closed, ok := errors.AsType[*client.CloseError](err); ok {
			return closed.Code
		}
	}
	return 0
}

// here is who a member sees, in order.
func (m *member) here() string {
	var names []string
	for name := range m.room.Presence().List() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// until waits for something.
func (s *service) until(what func() string, ok func() bool) {
	s.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-timeout.C:
			s.t.Fatalf("not within %v: %s", patience, what())
		}
	}
}

// sees waits until each of the members sees those who are to be there.
func (s *service) sees(want string, members ...*member) {
	s.t.Helper()
	for _, m := range members {
		s.until(func() string { return fmt.Sprintf("%s sees %q, want %q", m.name, m.here(), want) }, func() bool { return m.here() == want })
	}
}

func testPresence(t *testing.T, s *service) {
	a, b, c := s.join(s.nodes[0].addr(), "a", "r"), s.join(s.nodes[1].addr(), "b", "r"), s.join(s.nodes[2].addr(), "c", "r")
	s.sees("a b c", a, b, c)
	twice := s.join(s.nodes[0].addr(), "b", "r")
	other := s.join(s.nodes[1].addr(), "d", "another room")
	s.sees("d", other)
	if err := twice.room.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.room.SetTyping(t.Context(), chat.RoomSetTyping{Active: true}); err != nil {
		t.Error(err)
	}
	s.until(func() string { return "c sees a type, and one b" }, func() bool {
		list := c.room.Presence().List()
		return len(list["a"]) == 1 && list["a"][0].Typing && len(list["b"]) == 1
	})

	began := time.Now() // the netsplit: as good as a crash for the others
	s.nodes[1].bus.Hold()
	s.sees("a c", a, c)
	if took := time.Since(began); took < down/2 {
		t.Errorf("a node that is silent is forgotten after %v, want about %v", took, down)
	}
	s.sees("b", b)
	late := s.join(s.nodes[0].addr(), "e", "r")
	c.client.Close()
	s.sees("a e", a, late)
	s.nodes[1].bus.Cut()
	s.nodes[1].bus.Release()
	s.sees("a b e", a, b, late)

	if err := s.nodes[1].server.Shutdown(t.Context()); err != nil { // a clean leave; the client finds nobody there again
		t.Error(err)
	}
	s.nodes[1].web.Close()
	began = time.Now()
	s.sees("a e", a, late)
	if took := time.Since(began); took >= down {
		t.Errorf("a node that shuts down is forgotten after %v", took)
	}
}

func testDisconnect(t *testing.T, s *service) {
	var gone, stay []*member
	for i, n := range s.nodes {
		gone = append(gone, s.join(n.addr(), "mallory", "r"))
		stay = append(stay, s.join(n.addr(), fmt.Sprint("alice", i), "r"))
	}
	if err := s.nodes[0].server.Disconnect(t.Context(), "mallory"); err != nil {
		t.Fatal(err)
	}
	for _, m := range gone {
		s.until(func() string { return "the connections that have the id end" }, func() bool { return m.code() == 1001 })
	}
	for _, m := range stay {
		if err := m.say(t.Context(), "still here"); err != nil || m.code() != 0 {
			t.Errorf("%s: %v, closed with %d", m.name, err, m.code())
		}
	}
}

func testBusDown(t *testing.T, s *service) {
	m := s.join(s.nodes[0].addr(), "m", "r")
	other := s.join(s.nodes[1].addr(), "other", "r")
	if err := m.say(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	s.nodes[0].bus.Hold()
	internal := func(err error) bool {
		reply, ok := errors.AsType[*client.ReplyError](err)
		return ok && reply.Code == client.CodeInternal
	}
	if err := m.say(t.Context(), "lost"); !internal(err) {
		t.Errorf("what cannot be carried: got %v, want internal", err)
	}
	ctx := context.WithoutCancel(t.Context())
	err := chat.BroadcastRoom(s.nodes[0].server, chat.RoomTopic{RoomID: "r"}).MessageDeleted(ctx, chat.RoomMessageDeletedEvent{ID: "1"})
	if err == nil {
		t.Error("a broadcast from anywhere that cannot be carried has not failed")
	}
	late := s.client(s.nodes[0].addr(), "late", "a room that nobody is in")
	if _, err := late.room.Join(t.Context(), chat.RoomJoin{}); !internal(err) {
		t.Errorf("a first join: got %v, want internal", err)
	}
	s.nodes[0].bus.Cut()
	s.nodes[0].bus.Release()
	s.until(func() string { return "publications are carried again" }, func() bool { return m.say(t.Context(), "after") == nil })
	for _, m := range []*member{m, other} {
		s.until(func() string { return "they are delivered" }, func() bool { return slices.Contains(m.messages(), "after") })
	}
	s.until(func() string { return "joining succeeds" }, func() bool {
		_, err := late.room.Join(t.Context(), chat.RoomJoin{})
		return err == nil
	})
	if m.denied+other.denied > 0 || m.code() != 0 {
		t.Errorf("%d were told that they have missed something; closed with %d", m.denied+other.denied, m.code())
	}
}
