package channel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
)

var phxRef = regexp.MustCompile(`"(phx_ref|phx_ref_prev)":"([A-Za-z0-9_-]{16})"`)

// refs gives each phx_ref a name, R1, R2, ..., in the order in which they are seen.
type refs struct{ names map[string]string }

func (r *refs) expect(c *client, want ...string) {
	c.t.Helper()
	for _, w := range want {
		raw, _ := c.next()
		got := r.name(raw)
		var g, x any
		if err := errors.Join(json.Unmarshal([]byte(got), &g), json.Unmarshal([]byte(w), &x)); err != nil {
			c.t.Fatal(err)
		}
		if diff := cmp.Diff(x, g); diff != "" {
			c.t.Fatalf("frame (-want +got):\n%s\ngot %s", diff, got)
		}
	}
}

func (r *refs) name(raw string) string {
	return phxRef.ReplaceAllStringFunc(raw, func(s string) string {
		m := phxRef.FindStringSubmatch(s)
		if r.names == nil {
			r.names = map[string]string{}
		}
		if r.names[m[2]] == "" {
			r.names[m[2]] = fmt.Sprint("R", len(r.names)+1)
		}
		return `"` + m[1] + `":"` + r.names[m[2]] + `"`
	})
}

// lobby tracks everybody under their note.
func lobby(t *testing.T) *room {
	return &room{
		join: func(ctx context.Context, m *member, in RoomJoin) error {
			return m.socket.Presence().Track(ctx, in.Note, Text{"online"})
		},
		say: func(ctx context.Context, m *member, in Text) (Text, error) {
			key, status, _ := strings.Cut(in.Body, " ")
			switch status {
			case "untrack":
				return in, m.socket.Presence().Untrack(ctx, key)
			case "track":
				return in, m.socket.Presence().Track(ctx, key, Text{"again"})
			}
			return in, m.socket.Presence().Update(ctx, key, Text{status})
		},
		ping: func(ctx context.Context, m *member) error {
			if err := m.socket.Presence().Track(ctx, "alice", Text{}); !errors.Is(err, channel.ErrAlreadyTracked) {
				t.Errorf("Track twice: %v", err)
			}
			if err := m.socket.Presence().Update(ctx, "bob", Text{}); !errors.Is(err, channel.ErrNotTracked) {
				t.Errorf("Update of another's: %v", err)
			}
			if err := m.socket.Presence().Untrack(ctx, "bob"); !errors.Is(err, channel.ErrNotTracked) {
				t.Errorf("Untrack of another's: %v", err)
			}
			who, err := m.socket.Presence().List(ctx)
			if diff := cmp.Diff(map[string][]Text{"alice": {{"online"}}, "bob": {{"away"}}}, who); diff != "" || err != nil {
				t.Errorf("List: %v (-want +got):\n%s", err, diff)
			}
			return nil
		},
	}
}

func TestPresence(t *testing.T) {
	run(t, lobby(t), func(s *site) {
		var names refs
		a, b := s.connect(), s.connect()
		a.send(`["1","1","room:a","phx_join",{"note":"alice"}]`)
		a.expectReply("1", "ok")
		names.expect(a, `["1",null,"room:a","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"online"}]}}]`)

		b.send(`["7","7","room:a","phx_join",{"note":"bob"}]`)
		b.expectReply("7", "ok")
		names.expect(b, `["7",null,"room:a","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"online"}]},"bob":{"metas":[{"phx_ref":"R2","body":"online"}]}}]`)
		names.expect(a, `[null,null,"room:a","presence_diff",{"joins":{"bob":{"metas":[{"phx_ref":"R2","body":"online"}]}},"leaves":{}}]`)
		b.expectNothing() // its own diff is in the state already

		b.send(`["7","8","room:a","say",{"body":"bob away"}]`)
		diff := `[null,null,"room:a","presence_diff",{"joins":{"bob":{"metas":[{"phx_ref":"R3","phx_ref_prev":"R2","body":"away"}]}},"leaves":{"bob":{"metas":[{"phx_ref":"R2","body":"online"}]}}}]`
		names.expect(b, diff)
		b.expectReply("8", "ok")
		names.expect(a, diff)

		a.send(`["1","2","room:a","ping",{}]`)
		a.expectReply("2", "ok")

		b.send(`["7","9","room:a","phx_leave",{}]`)
		b.expectReply("9", "ok")
		b.expect(`["7","7","room:a","phx_close",{}]`)
		names.expect(a, `[null,null,"room:a","presence_diff",{"joins":{},"leaves":{"bob":{"metas":[{"phx_ref":"R3","phx_ref_prev":"R2","body":"away"}]}}}]`)
		b.expectNothing()

		b.send(`["10","10","room:a","phx_join",{"note":"alice"}]`)
		b.expectReply("10", "ok")
		names.expect(b, `["10",null,"room:a","presence_state",{"alice":{"metas":[{"phx_ref":"R1","body":"online"},{"phx_ref":"R4","body":"online"}]}}]`)
		names.expect(a, `[null,null,"room:a","presence_diff",{"joins":{"alice":{"metas":[{"phx_ref":"R4","body":"online"}]}},"leaves":{}}]`)
		b.close()
		names.expect(a, `[null,null,"room:a","presence_diff",{"joins":{},"leaves":{"alice":{"metas":[{"phx_ref":"R4","body":"online"}]}}}]`)
	})
}

func TestTheEndTakesAllOfAMembersPresenceAwayInOneDiff(t *testing.T) {
	r := lobby(t)
	r.ping = func(context.Context, *member) error { panic("boom") }
	run(t, r, func(s *site) {
		a := s.join("room:a")
		b := s.connect()
		b.send(`["1","1","room:a","phx_join",{"note":"bob"}]`)
		b.expectReply("1", "ok")
		b.send(`["1","2","room:a","say",{"body":"__proto__ track"}]`)
		b.send(`["1","3","room:a","ping",{}]`)
		var names refs
		names.expect(a, `[null,null,"room:a","presence_diff",{"joins":{"bob":{"metas":[{"phx_ref":"R1","body":"online"}]}},"leaves":{}}]`,
			`[null,null,"room:a","presence_diff",{"joins":{"__proto__":{"metas":[{"phx_ref":"R2","body":"again"}]}},"leaves":{}}]`,
			`[null,null,"room:a","presence_diff",{"joins":{},"leaves":{"bob":{"metas":[{"phx_ref":"R1","body":"online"}]},"__proto__":{"metas":[{"phx_ref":"R2","body":"again"}]}}}]`)
		a.expectNothing()
	})
}

// TestStateAndDiffsFitTogether holds D11: whoever applies the diffs that follow the state knows who is here.
func TestStateAndDiffsFitTogether(t *testing.T) {
	run(t, lobby(t), func(s *site) {
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
		synctest.Wait()
		for i, c := range clients {
			if diff := cmp.Diff(n, len(c.presence())); diff != "" {
				t.Errorf("client %d (-want +got): %s", i, diff)
			}
			for key, metas := range c.metas {
				if len(metas) != 1 || metas[0]["body"] != "s2" {
					t.Errorf("client %d has %s as %v, want one with s2", i, key, metas)
				}
			}
		}
	}, channel.WithLimits(channel.Limits{QueueBytes: 1 << 30}))
}
