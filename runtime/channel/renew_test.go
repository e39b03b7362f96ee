package channel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/gen"
)

type nameKey struct{}

// named is a connect hook that puts the param name into the context, and does what it says.
func named(release <-chan struct{}) func(context.Context, *http.Request, *gen.ConnectQuery) (context.Context, error) {
	return func(ctx context.Context, _ *http.Request, q *gen.ConnectQuery) (context.Context, error) {
		name, _ := q.Get("name")
		switch name {
		case "banned":
			return nil, channel.Refuse("you are banned")
		case "declared":
			return nil, channel.NewError("not_a_member", "Not a member.")
		case "invalid":
			return nil, &codec.Error{Path: "/name", Message: "must be another"}
		case "secret":
			return nil, errors.New("the database is down")
		case "empty":
			return nil, channel.Refuse("")
		case "panic":
			panic("boom")
		case "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		case "wait":
			<-release
		case "other":
			ctx = channel.WithID(ctx, "other")
		}
		if name != "other" {
			ctx = channel.WithID(ctx, "user")
		}
		return context.WithValue(ctx, nameKey{}, name), nil
	}
}

// whoami answers who the context says it is.
func whoami(ctx context.Context, _ *member, _ Text) (Text, error) {
	name, _ := ctx.Value(nameKey{}).(string)
	return Text{name}, nil
}

const (
	asAda  = "/socket/websocket?vsn=2.0.0&chgen=1&name=ada"
	renew  = `[null,"r","phoenix","chgen_params",%s]`
	okay   = `[null,"r","phoenix","phx_reply",{"status":"ok","response":{}}]`
	failed = `[null,"r","phoenix","phx_reply",{"status":"error","response":%s}]`
)

func (c *client) expectName(ref, topic, want string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`["%s","%s","%s","say",{"body":""}]`, topic, ref, topic))
	if got := c.expectReply(ref, "ok")["body"]; got != want {
		c.t.Fatalf("%s is %v, want %s", topic, got, want)
	}
}

func (c *client) joinTopic(topic string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`["%s","%s","%s","phx_join",{}]`, topic, topic, topic))
	c.expectReply(topic, "ok")
	c.expectState()
}

func TestNewParamsServeFromThenOn(t *testing.T) {
	var left string
	r := &room{say: whoami, leave: func(ctx context.Context, _ *member, _ channel.Reason) {
		if left == "" {
			left, _ = ctx.Value(nameKey{}).(string)
		}
	}}
	run(t, r, func(s *site) {
		gen.OnConnect(s.server, named(nil))
		c := s.connectTo(asAda)
		c.joinTopic("room:a")
		c.expectName("1", "room:a", "ada")
		c.send(fmt.Sprintf(renew, `{"name":"bob","age":7,"fine":true,"none":null,"vsn":"9","chgen":"0"}`))
		c.expect(okay)
		c.expectName("2", "room:a", "bob") // a membership that was there already
		c.joinTopic("room:b")
		c.expectName("3", "room:b", "bob")
		c.send(`["room:a","4","room:a","phx_leave",{}]`)
		c.expectReply("4", "ok")
		synctest.Wait()
		if left != "bob" {
			t.Errorf("Leave saw %q, want bob", left)
		}
	})
}

func TestTheMessageAtHandKeepsItsValues(t *testing.T) {
	run(t, nil, func(s *site) {
		begun, finish := make(chan struct{}), make(chan struct{})
		HandleRoom(s.server, &room{say: func(ctx context.Context, m *member, in Text) (Text, error) {
			if in.Body == "wait" {
				close(begun)
				<-finish
			}
			return whoami(ctx, m, in)
		}})
		gen.OnConnect(s.server, named(nil))
		c := s.connectTo(asAda)
		c.joinTopic("room:a")
		c.send(`["room:a","1","room:a","say",{"body":"wait"}]`)
		<-begun
		c.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		c.expect(okay)
		close(finish)
		if got := c.expectReply("1", "ok")["body"]; got != "ada" {
			t.Errorf("the message at hand sees %v, want ada", got)
		}
		c.expectName("2", "room:a", "bob")
	})
}

func TestTheContextAfterARenewalEndsWithTheMembership(t *testing.T) {
	run(t, nil, func(s *site) {
		begun, ended := make(chan struct{}), make(chan error, 1)
		HandleRoom(s.server, &room{say: func(ctx context.Context, _ *member, in Text) (Text, error) {
			close(begun)
			<-ctx.Done()
			ended <- ctx.Err()
			return in, ctx.Err()
		}})
		gen.OnConnect(s.server, named(nil))
		c := s.connectTo(asAda)
		c.joinTopic("room:a")
		c.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		c.expect(okay)
		c.send(`["room:a","1","room:a","say",{"body":""}]`)
		<-begun
		c.close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
	})
}

func TestParamsThatAreRefusedEndTheConnection(t *testing.T) {
	for name, tc := range map[string]struct{ response, reason string }{
		"banned":   {`{"reason":"you are banned"}`, "you are banned"},
		"declared": {`{"reason":"not_a_member","message":"Not a member."}`, "not_a_member"},
		"invalid":  {`{"reason":"invalid_payload","path":"/name","message":"must be another"}`, "name must be another"},
		"secret":   {`{"reason":"refused"}`, "refused"},
		"empty":    {`{"reason":""}`, ""},
		"other":    {`{"reason":"the connection has another id"}`, "the connection has another id"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &room{}, func(s *site) {
				gen.OnConnect(s.server, named(nil))
				c := s.connectTo(asAda)
				c.joinTopic("room:a")
				c.send(fmt.Sprintf(renew, `{"name":"`+name+`"}`))
				c.expect(fmt.Sprintf(failed, tc.response))
				c.expectClose(4403, tc.reason)
			})
		})
	}
}

func TestWhatIsNoVerdictOnNewParamsLeavesTheOldOnes(t *testing.T) {
	for name, tc := range map[string]struct{ payload, response string }{
		"a panic":       {`{"name":"panic"}`, `{"reason":"internal"}`},
		"the deadline":  {`{"name":"slow"}`, `{"reason":"timeout"}`},
		"no object":     {`[]`, `{"reason":"invalid_payload","path":"","message":"must be an object"}`},
		"another value": {`null`, `{"reason":"invalid_payload","path":"","message":"must be an object"}`},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &room{say: whoami}, func(s *site) {
				gen.OnConnect(s.server, named(nil))
				c := s.connectTo(asAda)
				c.joinTopic("room:a")
				c.send(fmt.Sprintf(renew, tc.payload))
				c.expect(fmt.Sprintf(failed, tc.response))
				c.expectName("2", "room:a", "ada")
			})
		})
	}
}

func TestOneRenewalAtATimeHoldsNothingUp(t *testing.T) {
	run(t, &room{say: whoami}, func(s *site) {
		release := make(chan struct{})
		gen.OnConnect(s.server, named(release))
		c := s.connectTo(asAda)
		c.joinTopic("room:a")
		c.send(fmt.Sprintf(renew, `{"name":"wait"}`))
		c.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		c.expect(fmt.Sprintf(failed, `{"reason":"rate_limited"}`))
		c.expectName("1", "room:a", "ada")
		close(release)
		c.expect(okay)
		c.expectName("2", "room:a", "wait")
	})
}

func TestRenewalsCountAsJoins(t *testing.T) {
	run(t, &room{}, func(s *site) {
		gen.OnConnect(s.server, named(nil))
		c := s.connectTo(asAda)
		c.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		c.expect(okay)
		c.send(fmt.Sprintf(renew, `{"name":"eve"}`))
		c.expect(fmt.Sprintf(failed, `{"reason":"rate_limited"}`))
	}, channel.WithLimits(channel.Limits{JoinRate: 1}))
}

// TestARenewalEndsWithItsConnection: the hook hears of it, and nothing is left; the bubble would tell.
func TestARenewalEndsWithItsConnection(t *testing.T) {
	run(t, &room{}, func(s *site) {
		gen.OnConnect(s.server, named(nil))
		c := s.connectTo(asAda)
		c.send(fmt.Sprintf(renew, `{"name":"slow"}`))
		synctest.Wait()
		began := time.Now()
		c.close()
		s.stop()
		if d := time.Since(began); d > time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestOtherClientsHaveNoParamsToRenew(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connect()
		c.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		c.expect(fmt.Sprintf(failed, `{"reason":"unmatched topic"}`))
	})
}

func TestWithoutAHookParamsAreTaken(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connectTo(asAda)
		c.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		c.expect(okay)
	})
}

func TestNewParamsOverLongPoll(t *testing.T) {
	run(t, &room{say: whoami}, func(s *site) {
		gen.OnConnect(s.server, named(nil))
		p := s.joinPoller("room:a", "&chgen=1&name=ada")
		p.send(fmt.Sprintf(renew, `{"name":"bob"}`))
		p.expect(okay)
		p.send(`["1","2","room:a","say",{"body":""}]`)
		p.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"bob"}}]`)
		p.send(fmt.Sprintf(renew, `{"name":"banned"}`))
		p.expect(fmt.Sprintf(failed, `{"reason":"you are banned"}`))
		answer := p.poll()
		if answer.Status != 410 || answer.Code != 4403 || answer.Reason != "you are banned" {
			t.Errorf("got %+v, want 410 with 4403 and the reason", answer)
		}
		p.gone()
	})
}

// TestTheRequestIsThereAgain holds that the hook sees the request that opened the connection, with other params.
func TestTheRequestIsThereAgain(t *testing.T) {
	type seen struct{ Header, Remote, Path, Query, User, Token, Method string }
	for _, transport := range []string{"websocket", "longpoll"} {
		t.Run(transport, func(t *testing.T) {
			run(t, nil, func(s *site) {
				calls := make(chan seen, 2)
				gen.OnConnect(s.server, func(ctx context.Context, r *http.Request, q *gen.ConnectQuery) (context.Context, error) {
					user, _ := q.Get("user_id")
					if path := r.PathValue("user_id"); path != user {
						t.Errorf("the path has %q, the params %q", path, user)
					}
					token, _ := channel.AuthToken(ctx)
					if _, ok := q.Get("chgen"); ok {
						t.Error("the hook gets chgen")
					}
					calls <- seen{strings.Join(r.Header.Values("X-Tenant"), "|"), r.RemoteAddr, r.URL.Path, r.URL.Query().Get("name"), user, token, r.Method}
					r.Header.Del("X-Tenant") // it is the hook's own
					r.URL.Path = "/"
					return ctx, nil
				})
				header := http.Header{"X-Tenant": {"acme", "acme, too"}}
				query := "?vsn=2.0.0&chgen=1&name=ada"
				params := fmt.Sprintf(renew, `{"name":"bob","user_id":"8"}`)
				if transport == "websocket" {
					c := s.connectAs("/ws/7/websocket"+query, header, "phoenix", "base64url.bearer.phx.dG9rZW4")
					c.send(params)
					c.expect(okay)
				} else {
					header.Set("X-Phoenix-AuthToken", "token")
					p := &poller{s: s, path: "/ws/7/longpoll" + query}
					p.token = s.get(p.path, header).Token
					p.send(params)
					p.expect(okay)
				}
				first, again := <-calls, <-calls
				want := seen{"acme|acme, too", first.Remote, "/ws/7/" + transport, "ada", "7", "token", http.MethodGet}
				if diff := cmp.Diff(want, first); diff != "" || first.Remote == "" {
					t.Errorf("at first (-want +got):\n%s", diff)
				}
				want.Query = "bob"
				if diff := cmp.Diff(want, again); diff != "" {
					t.Errorf("again (-want +got):\n%s", diff)
				}
			}, channel.WithMount(channel.Mount{Path: "/ws/{user_id}", AuthToken: true}))
		})
	}
}

func TestPositionsAreTakenOutOfJoinParams(t *testing.T) {
	run(t, &room{join: func(_ context.Context, _ *member, in RoomJoin) error {
		if strings.Contains(in.Note, "_recover") {
			t.Error("the handler sees _recover")
		}
		return nil
	}}, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"_recover":"e:1","note":"n\"\u00e9"}]`)
		if got := c.expectReply("1", "ok")["body"]; got != `n"é` {
			t.Errorf("got %v", got)
		}
	})
}
