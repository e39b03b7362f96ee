package channel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
)

// calls notes what a fetch function is called with.
type calls struct{ journal }

// shout is a fetch function that writes bodies in capitals.
func (c *calls) shout(_ context.Context, topic RoomTopic, who map[string][]Text) error {
	var keys []string
	for key, metas := range who {
		for i := range metas {
			keys = append(keys, key+"="+metas[i].Body)
			metas[i].Body = strings.ToUpper(metas[i].Body)
		}
	}
	slices.Sort(keys)
	c.add("%s %s", topic.RoomID, strings.Join(keys, " "))
	return nil
}

func TestFetchChangesWhatClientsGetInOneCall(t *testing.T) {
	run(t, nil, func(s *site) {
		var seen calls
		HandleRoom(s.server, lobby(t), FetchRoomPresences(seen.shout))
		var names refs
		a, b := s.connect(), s.connect()
		a.send(`["1","1","room:a","phx_join",{"note":"alice"}]`)
		a.expectReply("1", "ok")
		names.expect(a, `["1",null,"room:a","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"ONLINE"}]}}]`)
		b.send(`["7","7","room:a","phx_join",{"note":"bob"}]`)
		b.expectReply("7", "ok")
		names.expect(b, `["7",null,"room:a","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"ONLINE"}]},"bob":{"metas":[{"phx_ref":"R2","body":"ONLINE"}]}}]`)
		names.expect(a, `[null,null,"room:a","presence_diff",{"joins":{"bob":{"metas":[{"phx_ref":"R2","body":"ONLINE"}]}},"leaves":{}}]`)
		synctest.Wait()
		seen.reset()

		b.send(`["7","8","room:a","say",{"body":"bob away"}]`)
		diff := `[null,null,"room:a","presence_diff",{"joins":{"bob":{"metas":[{"phx_ref":"R3","phx_ref_prev":"R2","body":"AWAY"}]}},"leaves":{"bob":{"metas":[{"phx_ref":"R2","body":"ONLINE"}]}}}]`
		names.expect(a, diff)
		seen.expect(t, "a bob=away bob=online") // once, for the joins and the leaves

		who, err := ListRoomPresences(context.Background(), s.server, RoomTopic{"a"})
		if diff := cmp.Diff(map[string][]Text{"alice": {{"ONLINE"}}, "bob": {{"AWAY"}}}, who); diff != "" || err != nil {
			t.Errorf("List: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestWhereFetchFailsClientsGetWhatWasTracked(t *testing.T) {
	for name, tc := range map[string]struct {
		fetch func(ctx context.Context, _ RoomTopic, who map[string][]Text) error
		log   string
	}{
		"an error":       {func(context.Context, RoomTopic, map[string][]Text) error { return errors.New("boom") }, "boom"},
		"a panic":        {func(context.Context, RoomTopic, map[string][]Text) error { panic("boom") }, "presence fetch panicked"},
		"Goexit":         {func(context.Context, RoomTopic, map[string][]Text) error { runtime.Goexit(); return nil }, "has not returned"},
		"the deadline":   {func(ctx context.Context, _ RoomTopic, _ map[string][]Text) error { <-ctx.Done(); return ctx.Err() }, "deadline exceeded"},
		"a missing meta": {func(_ context.Context, _ RoomTopic, who map[string][]Text) error { clear(who); return nil }, "now there are 0"},
		"what is too long": {func(_ context.Context, _ RoomTopic, who map[string][]Text) error {
			return setBody(who, strings.Repeat("x", 17))
		}, "16 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, nil, func(s *site) {
				HandleRoom(s.server, lobby(t), FetchRoomPresences(tc.fetch))
				var names refs
				c := s.connect()
				c.send(`["1","1","room:a","phx_join",{"note":"alice"}]`)
				c.expectReply("1", "ok")
				names.expect(c, `["1",null,"room:a","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"online"}]}}]`)
				if s.log.count(tc.log) == 0 {
					t.Errorf("the log does not say %q", tc.log)
				}
			}, channel.WithLimits(channel.Limits{HandlerTimeout: 10 * time.Second}))
		})
	}
}

func setBody(who map[string][]Text, body string) error {
	for _, metas := range who {
		for i := range metas {
			metas[i].Body = body
		}
	}
	return nil
}

// TestASlowFetchHoldsNothingElseUp: other topics, other events of its own topic, and those who change presence.
func TestASlowFetchHoldsNothingElseUp(t *testing.T) {
	run(t, nil, func(s *site) {
		begun, gate := make(chan struct{}), make(chan struct{})
		var seen calls
		HandleRoom(s.server, lobby(t), FetchRoomPresences(func(ctx context.Context, topic RoomTopic, who map[string][]Text) error {
			err := seen.shout(ctx, topic, who)
			if who["alice"] != nil && who["alice"][0].Body == "S0" {
				close(begun)
				<-gate
			}
			return err
		}))
		var names refs
		a := s.connect()
		a.send(`["1","1","room:slow","phx_join",{"note":"alice"}]`)
		a.expectReply("1", "ok")
		names.expect(a, `["1",null,"room:slow","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"ONLINE"}]}}]`)
		synctest.Wait()
		seen.reset()
		a.send(`["1","2","room:slow","say",{"body":"alice s0"}]`)
		a.expectReply("2", "ok")
		<-begun
		for _, ref := range []string{"3", "4"} {
			a.send(`["1","` + ref + `","room:slow","say",{"body":"alice s` + ref + `"}]`)
			a.expectReply(ref, "ok")
		}
		a.send(`["9","9","room:b","phx_join",{"note":"bob"}]`)
		a.expectReply("9", "ok")
		if _, frame := a.next(); frame[2] != "room:b" || frame[3] != "presence_state" {
			t.Errorf("got %v, want the state of the other topic", frame)
		}
		close(gate)
		names.expect(a, `[null,null,"room:slow","presence_diff",{"joins":{"alice":{"metas":[{"phx_ref":"R2","phx_ref_prev":"R1","body":"S0"}]}},"leaves":{"alice":{"metas":[{"phx_ref":"R1","body":"ONLINE"}]}}}]`)
		// What has changed meanwhile comes at once, without what has come and gone.
		raw, frame := a.next()
		if got := names.name(raw); frame[3] != "presence_diff" || !strings.Contains(got, `"body":"S4"`) || strings.Contains(got, "S3") {
			t.Errorf("got %s, want one diff from S0 to S4", got)
		}
		a.expectNothing()
		seen.expect(t, "slow alice=online alice=s0", "b bob=online", "b bob=online", "slow alice=s0 alice=s4")
	})
}

// TestFetchedStateAndDiffsFitTogether is TestStateAndDiffsFitTogether with a fetch function.
func TestFetchedStateAndDiffsFitTogether(t *testing.T) {
	run(t, nil, func(s *site) {
		var seen calls
		HandleRoom(s.server, lobby(t), FetchRoomPresences(func(ctx context.Context, topic RoomTopic, who map[string][]Text) error {
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
			return seen.shout(ctx, topic, who)
		}))
		const n = 20
		clients := make([]*client, n)
		for i := range clients {
			clients[i] = s.connect()
		}
		for i, c := range clients {
			c.send(fmt.Sprintf(`["1","1","room:a","phx_join",{"note":"u%d"}]`, i))
			for j := range 3 {
				c.send(fmt.Sprintf(`["1","%d","room:a","say",{"body":"u%d s%d"}]`, j+2, i, j))
			}
		}
		<-time.After(time.Second)
		clients[0].close()
		<-time.After(time.Second)
		for i, c := range clients[1:] {
			if diff := cmp.Diff(n-1, len(c.presence())); diff != "" {
				t.Errorf("client %d (-want +got): %s", i+1, diff)
			}
			for key, metas := range c.metas {
				if len(metas) != 1 || metas[0]["body"] != "S2" {
					t.Errorf("client %d has %s as %v, want one with S2", i+1, key, metas)
				}
			}
		}
	})
}

func TestFetchEndsWithTheTopic(t *testing.T) {
	run(t, nil, func(s *site) {
		ended := make(chan error, 10)
		HandleRoom(s.server, lobby(t), FetchRoomPresences(func(ctx context.Context, _ RoomTopic, _ map[string][]Text) error {
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}))
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"note":"alice"}]`)
		c.expectReply("1", "ok")
		synctest.Wait() // until it is called
		c.close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
		synctest.Wait()
		if n := s.log.count("presence fetch failed"); n != 0 {
			t.Errorf("%d log entries about it, want none", n)
		}
	})
}

func TestWhoIsThereFromAnywhere(t *testing.T) {
	run(t, lobby(t), func(s *site) {
		for range 2 {
			c := s.connect()
			c.send(`["1","1","room:a","phx_join",{"note":"alice"}]`)
			c.expectReply("1", "ok")
		}
		synctest.Wait()
		who, err := ListRoomPresences(context.Background(), s.server, RoomTopic{"a"})
		if diff := cmp.Diff(map[string][]Text{"alice": {{"online"}, {"online"}}}, who); diff != "" || err != nil {
			t.Errorf("List: %v (-want +got):\n%s", err, diff)
		}
		n, err := CountRoomPresences(s.server, RoomTopic{"a"})
		if n != 1 || err != nil {
			t.Errorf("Count: got %d, %v, want 1", n, err)
		}
		if who, err = ListRoomPresences(context.Background(), s.server, RoomTopic{"empty"}); len(who) != 0 || err != nil {
			t.Errorf("nobody: got %v, %v", who, err)
		}
		if _, err := CountRoomPresences(s.server, RoomTopic{""}); err == nil {
			t.Error("a topic that cannot be is counted")
		}
		if _, err := ListRoomPresences(context.Background(), s.server, RoomTopic{"a:b"}); err == nil {
			t.Error("a topic that cannot be is listed")
		}
	})
}

func TestKeysAreSafe(t *testing.T) {
	long := strings.Repeat("k", 10_000)
	var results []error
	r := &room{join: func(ctx context.Context, m *member, _ RoomJoin) error {
		for _, key := range []string{"__proto__", "constructor", "", "\u2028\"\\\x00", long, "\xff"} {
			results = append(results, m.socket.Presence().Track(ctx, key, Text{"x"}))
		}
		return nil
	}}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.expectReply("1", "ok")
		_, frame := c.next()
		state, _ := frame[4].(map[string]any)
		keys := make([]string, 0, len(state))
		for key := range state {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		want := []string{"", "\u2028\"\\\x00", "__proto__", "constructor", long}
		slices.Sort(want)
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		for i, err := range results {
			if (err != nil) != (i == len(results)-1) {
				t.Errorf("key %d: %v", i, err)
			}
		}
		who, err := ListRoomPresences(context.Background(), s.server, RoomTopic{"a"})
		if len(who) != len(want) || err != nil {
			t.Errorf("List: %d keys, %v", len(who), err)
		}
	})
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
}
