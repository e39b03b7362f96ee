package engine

import (
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/wire"
)

// TestClockLooksInTime has many links looked after that are silent, heard of again and gone at random: each is closed
// exactly when it has been silent for the idle timeout, and none that has gone.
func TestClockLooksInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Limits: Limits{IdleTimeout: time.Minute}})
		type client struct {
			link   *link
			silent time.Duration // since when, on the clock
			gone   bool
		}
		var clients []*client
		for range 500 {
			<-time.After(time.Duration(1+rand.IntN(200)) * time.Millisecond)
			l := &link{hand: newHand, owner: &Conn{srv: s, mount: &s.anywhere, ser: wire.V2}}
			l.Conn, _ = net.Pipe()
			defer func() { _ = l.Conn.Close() }()
			l.owner.out.carrier = l
			l.watchIdle()
			clients = append(clients, &client{link: l, silent: s.clock.now()})
			switch c := clients[rand.IntN(len(clients))]; {
			case c.link.owner.out.isClosing():
			case rand.IntN(4) == 0:
				s.clock.forget(c.link)
				c.gone = true
			default:
				c.link.touch()
				c.silent = s.clock.now()
			}
		}
		for range 600 {
			for i, c := range clients {
				want := !c.gone && s.clock.now()-c.silent > s.anywhere.IdleTimeout
				if got := c.link.owner.out.isClosing(); got != want {
					t.Fatalf("client %d of %d, silent for %v, gone %v: closing is %v", i, len(clients), s.clock.now()-c.silent, c.gone, got)
				}
			}
			<-time.After(100*time.Millisecond + time.Nanosecond)
			synctest.Wait()
		}
		for _, c := range clients {
			s.clock.forget(c.link)
		}
		if s.clock.running || len(s.clock.hands) > 0 || slices.ContainsFunc(clients, func(c *client) bool { return c.link.hand >= 0 }) {
			t.Error("the clock goes on with nobody to look after")
		}
	})
}
