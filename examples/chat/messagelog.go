package main

import (
	"slices"
	"sync"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
)

// messageLog keeps the latest messages of every room in memory. It is safe for concurrent use.
type messageLog struct {
	size int // messages kept for each room

	mu    sync.Mutex // guards rooms
	rooms map[string][]chat.Message
}

func newMessageLog(size int) *messageLog {
	return &messageLog{size: size, rooms: make(map[string][]chat.Message)}
}

// add stamps message with the time, appends it to room and returns it; the oldest is forgotten where there are too
// many. The log's order is the order of the times.
func (l *messageLog) add(room string, message chat.Message) chat.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	message.SentAt = time.Now().UTC()
	messages := append(l.rooms[room], message)
	if len(messages) > l.size {
		messages = slices.Clone(messages[len(messages)-l.size:])
	}
	l.rooms[room] = messages
	return message
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
