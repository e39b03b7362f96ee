package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// room is a chat room whose members hear and see each other.
type room struct{}

func (room) Join(ctx context.Context, socket *chat.RoomSocket, _ chat.RoomJoin) (chat.RoomHandler, chat.RoomJoined, error) {
	if socket.Topic().RoomID == "private" {
		return nil, chat.RoomJoined{}, chat.ErrNotAMember
	}
	you := chat.Author{ID: socket.ID(), Name: socket.ID(), Role: chat.RoleMember}
	err := socket.Presence().Track(ctx, you.ID, chat.RoomPresence{Name: you.Name})
	return &member{socket: socket, you: you}, chat.RoomJoined{You: you}, err
}

type member struct {
	socket *chat.RoomSocket
	you    chat.Author
}

func (m *member) SendMessage(ctx context.Context, in chat.RoomSendMessage) (chat.RoomSendMessageReply, error) {
	switch in.Body {
	case "slow down":
		return chat.RoomSendMessageReply{}, &chat.SlowDownError{RetryAfterMs: 70}
	case "panic":
		panic("as asked")
	}
	message := chat.Message{ID: "1", Author: m.you, Body: in.Body, Attachment: in.Attachment, Mentions: []chat.Author{}, Reactions: map[string]int64{}}
	return chat.RoomSendMessageReply{ID: "1"}, m.socket.Broadcast().MessageCreated(ctx, message)
}

func (m *member) SetTyping(context.Context, chat.RoomSetTyping) error {
	m.socket.Close()
	return nil
}

// serve serves rooms on a port. The name of a client is its id; nobody may be called "nobody".
func serve(t *testing.T) (server *channel.Server, target string) {
	t.Helper()
	server = channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		if params.Name == "nobody" {
			return nil, channel.Refuse("nobody may not")
		}
		return channel.WithID(ctx, params.Name), nil
	})
	chat.HandleRoom(server, room{})
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		web.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server, web.URL + "/socket"
}

func dial(t *testing.T, target, name string) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), target, client.WithParams(&chat.ConnectParams{Name: name}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestClientsMeetOverWebSocket(t *testing.T) {
	t.Parallel()
	_, target := serve(t)
	messages := make(chan chat.Message, 100)
	bob := chat.NewRoomClient(dial(t, target, "bob"), lobby)
	bob.OnMessageCreated(func(m chat.Message) { messages <- m })
	if _, err := bob.Join(t.Context(), chat.RoomJoin{}); err != nil {
		t.Fatal(err)
	}
	ada, joined, err := chat.JoinRoom(t.Context(), dial(t, target, "ada"), lobby, chat.RoomJoin{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(chat.Author{ID: "ada", Name: "ada", Role: chat.RoleMember}, joined.You); diff != "" {
		t.Errorf("you (-want +got):\n%s", diff)
	}

	var senders sync.WaitGroup
	for range 10 {
		senders.Go(func() {
			image := &chat.AttachmentImage{URL: "u", Width: 1, Height: 2}
			if _, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "hello", Attachment: image}); err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait()
	for range 10 {
		if m := <-messages; m.Body != "hello" || m.Author.ID != "ada" || m.Attachment.(*chat.AttachmentImage).Height != 2 {
			t.Errorf("got %+v", m)
		}
	}

	_, err = ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "slow down"})
	if slow, ok := errors.AsType[*chat.SlowDownError](err); !ok || slow.RetryAfterMs != 70 {
		t.Errorf("got %v, want slow_down", err)
	}
	err = ada.Channel().Push(t.Context(), "unheard of", nil, nil)
	if reply, ok := errors.AsType[*client.ReplyError](err); !ok || reply.Code != client.CodeUnknownEvent {
		t.Errorf("got %v, want unknown_event", err)
	}
	err = ada.Channel().Push(t.Context(), "send_message", client.JSON(`{"body":7}`), nil)
	if reply, ok := errors.AsType[*client.ReplyError](err); !ok || reply.Code != client.CodeInvalidPayload || reply.Path != "/body" {
		t.Errorf("got %v, want invalid_payload", err)
	}
	if err := ada.Leave(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusalsOverWebSocketAreFinal(t *testing.T) {
	t.Parallel()
	_, target := serve(t)
	_, err := client.Dial(t.Context(), target, client.WithParams(&chat.ConnectParams{Name: "nobody"}))
	if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Reason != "nobody may not" {
		t.Errorf("got %v, want the hook's reason", err)
	}
	_, err = client.Dial(t.Context(), target, client.WithParams(&chat.ConnectParams{Name: "ada"}),
		client.WithHeader(http.Header{"Origin": {"https://elsewhere.example.com"}}))
	if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Reason != "" {
		t.Errorf("got %v, want a refusal for the 403 that a foreign origin gets", err)
	}
}

func TestAClientComesBackAfterADisconnectOverWebSocket(t *testing.T) {
	t.Parallel()
	server, target := serve(t)
	ada := chat.NewRoomClient(dial(t, target, "ada"), lobby)
	rejoined := make(chan client.Rejoined[chat.RoomJoined], 10)
	ada.OnRejoin(func(r client.Rejoined[chat.RoomJoined]) { rejoined <- r })
	if _, err := ada.Join(t.Context(), chat.RoomJoin{}); err != nil {
		t.Fatal(err)
	}
	if err := server.Disconnect(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if r := <-rejoined; !r.Recovered || r.Reply.You.ID != "ada" {
		t.Errorf("got %+v", r)
	}
	_, err := ada.SendMessage(t.Context(), chat.RoomSendMessage{Body: "panic"})
	if reply, ok := errors.AsType[*client.ReplyError](err); !ok || reply.Code != client.CodeInternal {
		t.Errorf("got %v, want internal", err)
	}
	<-rejoined
	if err := ada.SetTyping(t.Context(), chat.RoomSetTyping{}); err != nil { // which ends the membership after its reply
		t.Error(err)
	}
}
