package channel_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
)

const countingClient = "/socket/websocket?vsn=2.0.0&chgen=1"

// counted runs a test of a room whose clients are told how many are there. Everybody is there under his note.
func counted(t *testing.T, interval time.Duration, test func(s *site)) {
	t.Helper()
	run(t, nil, func(s *site) {
		HandleRoom(s.server, lobby(t), channel.WithPresenceCount(interval))
		test(s)
	})
}

func (s *site) joinCounted(path, note string) *client {
	s.t.Helper()
	c := s.connectTo(path)
	c.send(`["1","1","room:a","phx_join",{"note":"` + note + `"}]`)
	c.expectReply("1", "ok")
	return c
}

func (c *client) expectCount(n int) {
	c.t.Helper()
	c.expect(fmt.Sprintf(`[null,null,"room:a","chgen_presence_count",{"count":%d}]`, n))
}

func TestCountOnlyTellsGeneratedClientsHowMany(t *testing.T) {
	counted(t, 0, func(s *site) {
		a := s.joinCounted(countingClient, "alice")
		a.expect(`["1",null,"room:a","chgen_presence_count",{"count":1}]`)
		<-time.After(2 * time.Second)
		a.expectNothing() // for nothing has changed

		began := time.Now()
		b := s.joinCounted(countingClient, "bob")
		b.expect(`["1",null,"room:a","chgen_presence_count",{"count":2}]`)
		other := s.joinCounted("/socket/websocket?vsn=2.0.0", "carol")
		s.joinCounted(countingClient, "alice").close()
		a.expectCount(3)
		if d := time.Since(began); d != time.Second {
			t.Errorf("told after %v, want 1 s", d)
		}
		b.expectCount(3)
		other.expectNothing()
		n, err := CountRoomPresences(s.server, RoomTopic{"a"})
		if n != 3 || err != nil {
			t.Errorf("Count: got %d, %v", n, err)
		}
		b.close()
		a.expectCount(2)
		a.expectNothing()
	})
}

// TestWhoeverJoinsMeanwhileHearsOfWhatFollows: what a newcomer was told is not what the others know, so that all are told
// when it is as before again.
func TestWhoeverJoinsMeanwhileHearsOfWhatFollows(t *testing.T) {
	counted(t, 10*time.Second, func(s *site) {
		a := s.joinCounted(countingClient, "alice")
		a.expect(`["1",null,"room:a","chgen_presence_count",{"count":1}]`)
		b := s.joinCounted(countingClient, "bob")
		b.expect(`["1",null,"room:a","chgen_presence_count",{"count":2}]`)
		a.send(`["1","2","room:a","say",{"body":"alice untrack"}]`)
		a.expectReply("2", "ok")
		<-time.After(10 * time.Second)
		a.expectCount(1)
		b.expectCount(1)
	})
}

func TestAnUpdateIsNoChangeOfTheCount(t *testing.T) {
	counted(t, 0, func(s *site) {
		a := s.joinCounted(countingClient, "alice")
		a.expect(`["1",null,"room:a","chgen_presence_count",{"count":1}]`)
		a.send(`["1","2","room:a","say",{"body":"alice away"}]`)
		a.expectReply("2", "ok")
		<-time.After(2 * time.Second)
		a.expectNothing()
		a.send(`["1","3","room:a","phx_leave",{}]`)
		a.expectReply("3", "ok")
		synctest.Wait()
	})
}

func TestHandlersListWhereClientsCount(t *testing.T) {
	var listed int
	r := lobby(t)
	r.ping = func(ctx context.Context, m *member) error {
		who, err := m.socket.Presence().List(ctx)
		listed = len(who)
		return err
	}
	run(t, nil, func(s *site) {
		HandleRoom(s.server, r, channel.WithPresenceCount(0))
		c := s.joinCounted("/socket/websocket?vsn=2.0.0", "alice")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("2", "ok")
		if listed != 1 {
			t.Errorf("%d listed, want 1", listed)
		}
	})
}

// TestOfTheCountsThatWaitTheLatestCounts: a client that reads nothing for a while is told one number, the last.
func TestOfTheCountsThatWaitTheLatestCounts(t *testing.T) {
	counted(t, 0, func(s *site) {
		p := s.poller("&chgen=1")
		p.send(`["1","1","room:a","phx_join",{"note":"alice"}]`)
		for i := range 3 {
			s.joinCounted("/socket/websocket?vsn=2.0.0", fmt.Sprint(i))
			<-time.After(2 * time.Second)
		}
		p.expect(`["1","1","room:a","phx_reply",{"status":"ok","response":{"body":"alice"}}]`,
			`[null,null,"room:a","chgen_presence_count",{"count":4}]`)
	})
}
