package channel_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/chgen/chgen/runtime/channel"
)

func TestALeaveThatEndsItsGoroutineRunsOnce(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(context.Context, *member, channel.Reason) {
		left.add("leave")
		runtime.Goexit()
	}}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","phx_leave",{}]`)
		c.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`, `["1","1","room:a","phx_close",{}]`)
		left.expect(t, "leave")
	})
}

func TestAReplacedHandlerThatDoesNotReturnIsTakenOffTheTopic(t *testing.T) {
	var release chan struct{}
	r := &room{
		join: func(ctx context.Context, m *member, in RoomJoin) error {
			return m.socket.Presence().Track(ctx, "ada", Text{in.Note})
		},
		ping: func(context.Context, *member) error { <-release; return nil },
	}
	run(t, r, func(s *site) {
		release = make(chan struct{})
		defer close(release)
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"note":"first"}]`)
		c.expectReply("1", "ok")
		c.next() // presence_state
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		c.send(`["3","3","room:a","phx_join",{"note":"second"}]`)
		c.expectReply("3", "ok")
		c.expect(`["1","1","room:a","phx_close",{}]`)
		if present := c.presence()["ada"]; len(present) != 1 || present[0]["body"] != "second" {
			t.Errorf("present is %v, want the second membership alone", present)
		}
		if err := BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{"once"}); err != nil {
			t.Fatal(err)
		}
		c.expect(`[null,null,"room:a","said",{"body":"once"}]`)
		c.expectNothing()
	})
}

func TestOfAChainOfJoinsOnlyTheLastReachesTheHandler(t *testing.T) {
	var release chan struct{}
	joins := &journal{}
	r := &room{
		join: func(_ context.Context, _ *member, in RoomJoin) error { joins.add("%s", in.Note); return nil },
		ping: func(context.Context, *member) error { <-release; return nil },
	}
	run(t, r, func(s *site) {
		release = make(chan struct{})
		defer close(release)
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"note":"first"}]`)
		c.expectReply("1", "ok")
		c.expectState()
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		for _, join := range []string{
			`["3","3","room:a","phx_join",{"note":"third"}]`,
			`["4","4","room:a","phx_join",{"note":"fourth"}]`,
			`["5","5","room:a","phx_join",{"note":"fifth"}]`,
		} {
			c.send(join)
			synctest.Wait()
		}
		answers := map[string]string{}
		for len(answers) < 3 {
			_, frame := c.next()
			if frame[3] == "phx_reply" {
				answers[frame[1].(string)] = frame[4].(map[string]any)["status"].(string)
			}
		}
		if answers["3"] != "error" || answers["4"] != "error" || answers["5"] != "ok" {
			t.Errorf("answers %v, want ok for the last join alone", answers)
		}
		joins.expect(t, "first", "fifth")
	})
}
