package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// renewing is a client with a connection, as ada.
func renewing(t *testing.T, s *script) (*client.Client, *line) {
	t.Helper()
	c := s.client(client.WithParams(&chat.ConnectParams{Name: "ada"}))
	result := start(func() error { return c.Connect(t.Context()) })
	l := s.accept()
	l.beat()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	return c, l
}

func (l *line) answerRenewal(t *testing.T, name, status, response string) {
	t.Helper()
	joinRef, ref := l.expect("chgen_params", `{"name":"`+name+`"}`)
	if joinRef != nil {
		t.Errorf("join_ref %v, want null", joinRef)
	}
	l.send(`[null,%q,"phoenix","phx_reply",{"status":%q,"response":%s}]`, ref, status, response)
}

func TestRenewPresentsNewParamsNowAndLater(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c, l := renewing(t, s)
		result := start(func() error { return chat.RenewParams(t.Context(), c, chat.ConnectParams{Name: "bob"}) })
		l.answerRenewal(t, "bob", "ok", `{}`)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		l.fail(errors.New("gone"))
		l = s.accept()
		if got := l.query.Get("name"); got != "bob" {
			t.Errorf("the next attempt presents %q, want bob", got)
		}
	})
}

func TestRenewAsksAgainWhereItIsGivenNothing(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		names := []string{"ada", "bob"}
		c := s.client(client.WithParamsFunc(func(context.Context) (codec.Marshaler, error) {
			name := names[0]
			names = names[1:]
			return &chat.ConnectParams{Name: name}, nil
		}))
		if err := c.Renew(t.Context(), nil); err != nil { // nobody has connected
			t.Fatal(err)
		}
		_ = start(func() error { return c.Connect(t.Context()) })
		l := s.accept()
		result := start(func() error { return c.Renew(t.Context(), nil) })
		l.answerRenewal(t, "bob", "ok", `{}`)
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestARefusedRenewalEndsTheClient(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c, l := renewing(t, s)
		result := start(func() error { return c.Renew(t.Context(), &chat.ConnectParams{Name: "eve"}) })
		l.answerRenewal(t, "eve", "error", `{"reason":"you are banned"}`)
		l.fail(&client.RefusedError{Reason: "you are banned"})
		err := <-result
		if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Reason != "you are banned" {
			t.Errorf("got %v, want the refusal", err)
		}
		err = c.Renew(t.Context(), &chat.ConnectParams{Name: "ada"})
		if _, ok := errors.AsType[*client.RefusedError](err); !ok {
			t.Errorf("after it: got %v, want the refusal", err)
		}
	})
}

func TestRenewalsThatAreNotTakenSayWhy(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c, l := renewing(t, s)
		renew := func() <-chan error {
			return start(func() error { return c.Renew(t.Context(), &chat.ConnectParams{Name: "bob"}) })
		}
		result := renew()
		l.answerRenewal(t, "bob", "error", `{"reason":"timeout"}`)
		err := <-result
		if reply, ok := errors.AsType[*client.ReplyError](err); !ok || reply.Code != client.CodeTimeout {
			t.Errorf("got %v, want timeout", err)
		}
		result = renew()
		l.answerRenewal(t, "bob", "error", `{"reason":"unmatched topic"}`)
		if err := <-result; err == nil {
			t.Error("a server that is not chgen's has taken the params")
		}
		result = renew()
		l.next()
		l.fail(errors.New("gone"))
		wantErr(t, <-result, client.ErrDisconnected)

		s.accept()
		ctx, cancel := context.WithCancel(t.Context())
		result = start(func() error { return c.Renew(ctx, &chat.ConnectParams{Name: "bob"}) })
		cancel()
		wantErr(t, <-result, context.Canceled)
		result = renew()
		c.Close()
		wantErr(t, <-result, client.ErrClosed)

		err = c.Renew(t.Context(), &chat.ConnectParams{Name: ""})
		if _, ok := errors.AsType[*codec.Error](err); !ok {
			t.Errorf("params that the schema forbids: got %v", err)
		}
	})
}

func TestRenewalsAndTokensOverWebSocket(t *testing.T) {
	t.Parallel()
	server := channel.NewServer(channel.WithMount(channel.Mount{Path: "/socket", AuthToken: true}))
	seen := make(chan [2]string, 2)
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		if params.Name == "eve" {
			return nil, channel.Refuse("you are banned")
		}
		token, _ := channel.AuthToken(ctx)
		seen <- [2]string{params.Name, token}
		return ctx, nil
	})
	web := httptest.NewServer(server)
	defer web.Close()
	c, err := client.Dial(t.Context(), web.URL+"/socket", client.WithParams(&chat.ConnectParams{Name: "ada"}), client.WithAuthToken("s3cret/+"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := chat.RenewParams(t.Context(), c, chat.ConnectParams{Name: "bob"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([][2]string{{"ada", "s3cret/+"}, {"bob", "s3cret/+"}}, [][2]string{<-seen, <-seen}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	err = chat.RenewParams(t.Context(), c, chat.ConnectParams{Name: "eve"})
	if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Reason != "you are banned" {
		t.Errorf("got %v, want the refusal", err)
	}
}

func TestTokensAreAskedForBeforeEveryAttempt(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		failure := errors.New("no token")
		c := s.client(client.WithAuthTokenFunc(func(context.Context) (string, error) { return "", failure }))
		wantErr(t, c.Connect(t.Context()), failure)
	})
}
