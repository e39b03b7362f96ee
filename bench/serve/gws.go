package serve

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/lxzan/gws"
)

// Gws is a bare gws server with its broadcaster, which speaks as Raw does.
type Gws struct {
	upgrader *gws.Upgrader
	mu       sync.Mutex // guards topics
	topics   map[int][]*gws.Conn
}

// NewGws returns a Gws.
func NewGws() *Gws {
	b := &Gws{topics: make(map[int][]*gws.Conn)}
	b.upgrader = gws.NewUpgrader(&gwsHandler{server: b}, &gws.ServerOption{})
	return b
}

// ServeHTTP implements Backend.
func (b *Gws) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := b.upgrader.Upgrade(w, r)
	if err == nil {
		go conn.ReadLoop() // so that the request's own memory is free, as gws advises
	}
}

// Publish implements Backend.
func (b *Gws) Publish(topic int, p Post) error {
	b.mu.Lock()
	members := b.topics[topic]
	b.mu.Unlock()
	text := append([]byte(`[null,null,"room:`), strconv.Itoa(topic)...)
	text = append(p.AppendJSON(append(text, `","posted",`...)), ']')
	message := gws.NewBroadcaster(gws.OpcodeText, text)
	defer func() { _ = message.Close() }()
	for _, conn := range members {
		_ = message.Broadcast(conn)
	}
	return nil
}

type gwsHandler struct {
	gws.BuiltinEventHandler
	server *Gws
}

// OnMessage joins with the first message and echoes the others.
func (h *gwsHandler) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer func() { _ = message.Close() }()
	if _, joined := conn.Session().Load("joined"); joined {
		_ = conn.WriteMessage(gws.OpcodeText, message.Bytes())
		return
	}
	conn.Session().Store("joined", true)
	n, _ := strconv.Atoi(string(message.Bytes()))
	_ = conn.WriteString("joined")
	h.server.mu.Lock()
	defer h.server.mu.Unlock()
	h.server.topics[n] = append(h.server.topics[n], conn)
}
