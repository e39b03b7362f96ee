package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/channeltest"
	"github.com/chgen/chgen/runtime/client"
)

// These tests are how handlers are tested: the server runs in memory, typed clients talk to it, and inside a synctest
// bubble the clock moves only when everybody waits.

// inMemory runs a test against the chat.
func inMemory(t *testing.T, test func(t *testing.T, server *channel.Server, site *channeltest.Site)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, err := newServer(t.Context(), nil, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		test(t, server, channeltest.New(t, server))
	})
}

var lobby = chat.RoomTopic{RoomID: "lobby"}

// join opens a socket for somebody and joins a room.
func join(t *testing.T, site *channeltest.Site, name string, topic chat.RoomTopic) (*chat.RoomClient, chat.RoomJoined) {
	t.Helper()
	room, joined, err := chat.JoinRoom(t.Context(), site.Connect(&chat.ConnectParams{Name: name}), topic, chat.RoomJoin{})
	if err != nil {
		t.Fatal(err)
	}
	return room, joined
}

func TestAMessageReachesEveryoneInTheRoom(t *testing.T) {
	inMemory(t, func(t *testing.T, _ *channel.Server, site *channeltest.Site) {
		ada, joined := join(t, site, "ada", lobby)
		bob, _ := join(t, site, "bob", lobby)
		elsewhere, _ := join(t, site, "eve", chat.RoomTopic{RoomID: "elsewhere"})
		atAda := channeltest.Watch(t, ada.OnMessageCreated)
		atBob := channeltest.Watch(t, bob.OnMessageCreated)
		atEve := channeltest.Watch(t, elsewhere.OnMessageCreated)

		sent, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		want := chat.Message{
			ID: sent.ID, Author: joined.You, Body: "hello", SentAt: sent.SentAt,
			Mentions: []chat.Author{}, Reactions: map[string]int64{},
		}
		for who, messages := range map[string]*channeltest.Events[chat.Message]{"ada": atAda, "bob": atBob} {
			if diff := cmp.Diff(want, messages.Next()); diff != "" {
				t.Errorf("%s gets (-want +got):\n%s", who, diff)
			}
		}
		atEve.ExpectNone(time.Minute)
	})
}

func TestAJoinBringsWhatWasSaidSince(t *testing.T) {
	inMemory(t, func(t *testing.T, _ *channel.Server, site *channeltest.Site) {
		ada, _ := join(t, site, "ada", lobby)
		for _, body := range []string{"one", "two", "three"} {
			<-time.After(time.Second) // no more than five a second: the bubble's clock is free
			if _, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: body}); err != nil {
				t.Fatal(err)
			}
		}
		since := time.Now().Add(-1500 * time.Millisecond)
		_, joined, err := chat.JoinRoom(t.Context(), site.Connect(&chat.ConnectParams{Name: "bob"}), lobby, chat.RoomJoin{Since: &since})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, message := range joined.Recent {
			got = append(got, message.Body)
		}
		if diff := cmp.Diff([]string{"two", "three"}, got); diff != "" {
			t.Errorf("recent (-want +got):\n%s", diff)
		}
	})
}

func TestThePrivateRoomRefusesEverybody(t *testing.T) {
	inMemory(t, func(t *testing.T, _ *channel.Server, site *channeltest.Site) {
		c := site.Connect(&chat.ConnectParams{Name: "ada"})
		_, _, err := chat.JoinRoom(t.Context(), c, chat.RoomTopic{RoomID: "private"}, chat.RoomJoin{})
		if !errors.Is(err, chat.ErrNotAMember) {
			t.Errorf("got %v, want %v", err, chat.ErrNotAMember)
		}
	})
}

func TestTheSixthMessageInASecondIsTooMany(t *testing.T) {
	inMemory(t, func(t *testing.T, _ *channel.Server, site *channeltest.Site) {
		ada, _ := join(t, site, "ada", lobby)
		for range messagesPerSecond {
			if _, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "spam"}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "spam"})
		slowDown, ok := errors.AsType[*chat.SlowDownError](err)
		if !ok {
			t.Fatalf("got %v, want slow_down", err)
		}
		<-time.After(time.Duration(slowDown.RetryAfterMs) * time.Millisecond)
		if _, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "spam"}); err != nil {
			t.Errorf("after the wait that the error asks for: %v", err)
		}
	})
}

func TestTypingAndLeavingShowInPresence(t *testing.T) {
	inMemory(t, func(t *testing.T, _ *channel.Server, site *channeltest.Site) {
		ada := chat.NewRoomClient(site.Connect(&chat.ConnectParams{Name: "ada"}), lobby)
		changes := channeltest.Watch(t, ada.Presence().OnChange)
		joined, err := ada.Join(t.Context(), chat.RoomJoin{})
		if err != nil {
			t.Fatal(err)
		}
		id := joined.You.ID
		expect := func(want client.PresenceChange[chat.RoomPresence]) {
			t.Helper()
			if diff := cmp.Diff(want, changes.Next()); diff != "" {
				t.Errorf("presence (-want +got):\n%s", diff)
			}
		}
		type metas = map[string][]chat.RoomPresence
		expect(client.PresenceChange[chat.RoomPresence]{Joined: metas{id: {{Name: "ada"}}}, Left: metas{}})

		bob, joinedAsBob := join(t, site, "bob", lobby)
		bobID := joinedAsBob.You.ID
		expect(client.PresenceChange[chat.RoomPresence]{Joined: metas{bobID: {{Name: "bob"}}}, Left: metas{}})
		if err := bob.SetTyping(t.Context(), chat.RoomSetTyping{Active: true}); err != nil {
			t.Fatal(err)
		}
		expect(client.PresenceChange[chat.RoomPresence]{
			Joined: metas{bobID: {{Name: "bob", Typing: true}}}, Left: metas{bobID: {{Name: "bob"}}},
		})
		if diff := cmp.Diff(metas{id: {{Name: "ada"}}, bobID: {{Name: "bob", Typing: true}}}, ada.Presence().List()); diff != "" {
			t.Errorf("who is here (-want +got):\n%s", diff)
		}
		if err := bob.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect(client.PresenceChange[chat.RoomPresence]{Joined: metas{}, Left: metas{bobID: {{Name: "bob", Typing: true}}}})
	})
}

func TestANameOfSpacesIsRefused(t *testing.T) {
	inMemory(t, func(t *testing.T, _ *channel.Server, site *channeltest.Site) {
		if reason := site.ExpectRefusal(&chat.ConnectParams{Name: "   "}); reason != "a name needs more than spaces" {
			t.Errorf("reason %q", reason)
		}
	})
}

func TestMembersComeBackAfterAShutdown(t *testing.T) {
	inMemory(t, func(t *testing.T, server *channel.Server, site *channeltest.Site) {
		c := site.Connect(&chat.ConnectParams{Name: "ada"})
		if _, _, err := chat.JoinRoom(t.Context(), c, lobby, chat.RoomJoin{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		var wait int
		if _, err := fmt.Sscanf(site.ExpectClose(c, 1012), "retry_after_ms=%d", &wait); err != nil {
			t.Errorf("the close reason says no time to come back: %v", err)
		}
	})
}
