package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/runtime/pubsub"
)

// messageTopic is where the nodes tell each other what is said; rooms have other topics. What is kept of it fills the gaps
// of a node that was cut off from the PubSub for a while.
const messageTopic = "messages"

var messageHistory = pubsub.History{Size: 1000, TTL: 10 * time.Minute}

// messageLog keeps the latest messages of every room in memory. Each node of the chat has one, and all have the same but
// for what was said before they started. It is safe for concurrent use.
type messageLog struct {
	size int // messages kept for each room
	bus  pubsub.PubSub
	log  *slog.Logger

	mu    sync.Mutex // guards rooms
	rooms map[string][]chat.Message
}

// said is what nodes tell each other.
type said struct {
	Room    string       `json:"room"`
	Message chat.Message `json:"message"`
}

// newMessageLog returns a log of what is said from now on, on all nodes, until the bus is closed.
func newMessageLog(ctx context.Context, bus pubsub.PubSub, size int, log *slog.Logger) (*messageLog, error) {
	l := &messageLog{size: size, bus: bus, log: log, rooms: make(map[string][]chat.Message)}
	_, err := bus.Subscribe(ctx, messageTopic, messageHistory, l)
	return l, err
}

// add stamps message with the time and has every node keep it; it returns when this one has.
func (l *messageLog) add(ctx context.Context, room string, message chat.Message) (chat.Message, error) {
	message.SentAt = time.Now().UTC()
	data, err := json.Marshal(said{room, message})
	if err == nil {
		err = l.bus.Publish(ctx, pubsub.Publication{Topic: messageTopic, Data: data, History: messageHistory})
	}
	return message, err
}

// Receive implements pubsub.Subscriber: it appends a message to its room. The oldest is forgotten where there are too
// many. The log's order is the order of the times.
func (l *messageLog) Receive(p pubsub.Publication) {
	var s said
	if err := json.Unmarshal(p.Data, &s); err != nil {
		l.log.Error("another node says what is no message", "err", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	messages := l.rooms[s.Room]
	at := len(messages)
	for at > 0 && messages[at-1].SentAt.After(s.Message.SentAt) {
		at--
	}
	messages = slices.Insert(messages, at, s.Message)
	if len(messages) > l.size {
		messages = slices.Clone(messages[len(messages)-l.size:])
	}
	l.rooms[s.Room] = messages
}

// Lost implements pubsub.Subscriber.
func (l *messageLog) Lost(_ pubsub.Position, err error) {
	l.log.Warn("who joins may not see all that was said before", "err", err)
}

// after returns the room's messages sent after since, oldest first.
func (l *messageLog) after(room string, since time.Time) []chat.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	var recent []chat.Message
	for _, message := range l.rooms[room] {
		if message.SentAt.After(since) {
			recent = append(recent, message)
		}
	}
	return recent
}
