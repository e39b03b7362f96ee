package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/pubsub"
)

// reservedTopics is what topics begin with that the nodes talk to each other on. No channel has one of them.
const reservedTopics = "\x00chgen/"

// topicNodes is what every node listens to, and with a slash and its id behind it what one node listens to.
const topicNodes = reservedTopics + "nodes"

const (
	// nodeTimeout is how long the bus may take for one message between nodes, and another node to say that it has got
	// one (what Phoenix calls pubsub_timeout_ms, rule 10.5).
	nodeTimeout = 2 * time.Second

	// minSubscribeRetry and maxSubscribeRetry are how long the bus is left alone after it has refused a subscription.
	minSubscribeRetry = 100 * time.Millisecond
	maxSubscribeRetry = 5 * time.Second
)

// nodes is this server's part in what the nodes of a service do together, beside broadcasting: they replicate presence,
// disconnect each other's clients, and answer requests of long-poll sessions that have come to the wrong node.
type nodes struct {
	srv      *Server
	presence *presence.Replica
	ctx      context.Context // of what is published; ends when close has no more time
	cancel   context.CancelFunc
	subs     []pubsub.Subscription // of listen, and of close after it
	heard    chan struct{}         // closed once this node hears the others, or the bus has failed at first
	once     sync.Once

	mu      sync.Mutex // guards what follows
	closed  bool
	running sync.WaitGroup // goroutines; they are added while it is not closed
	serial  uint64
	calls   map[uint64]*relayed            // requests that are answered elsewhere, by their number
	serving map[relayID]context.CancelFunc // requests of others that are answered here
	bodies  map[string]*bodyTurn           // of sessions that others have, while their batches are here
}

// nodeMessage is what the nodes say to each other. On the bus it is
//
//	format (1 byte, 1) | length of the head (uvarint) | head (JSON) | body
//
// and members of the head that a node does not know are ignored, as are kinds.
type nodeMessage struct {
	Kind string `json:"kind"`
	From string `json:"from"`

	ID string `json:"id,omitempty"` // disconnect: of the connections

	Call     uint64 `json:"call,omitempty"`     // the number that the node which relays has given the request
	Session  string `json:"session,omitempty"`  // poll, batch
	Mount    string `json:"mount,omitempty"`    // poll, batch: its path
	Received uint64 `json:"received,omitempty"` // poll: the answers that the client has got
	Part     int    `json:"part,omitempty"`     // answer
	Last     bool   `json:"last,omitempty"`     // answer

	body []byte // batch: the frames; answer: a part of what the client is answered
}

const nodeMessageFormat = 1

var errNodeMessage = errors.New("malformed message between nodes")

func (m *nodeMessage) encode() ([]byte, error) {
	head, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	data := append(make([]byte, 0, len(head)+len(m.body)+8), nodeMessageFormat)
	data = binary.AppendUvarint(data, uint64(len(head)))
	return append(append(data, head...), m.body...), nil
}

// parseNodeMessage reads a message, whose body aliases data.
func parseNodeMessage(data []byte) (*nodeMessage, error) {
	if len(data) == 0 || data[0] != nodeMessageFormat {
		return nil, errNodeMessage
	}
	size, n := binary.Uvarint(data[1:])
	if n <= 0 || size > uint64(len(data)-1-n) {
		return nil, errNodeMessage
	}
	head, body := data[1+n:][:size], data[1+n:][size:]
	m := &nodeMessage{body: body}
	if err := json.Unmarshal(head, m); err != nil {
		return nil, fmt.Errorf("%w: %w", errNodeMessage, err)
	}
	return m, nil
}

// newNodes makes the server a node, until close.
func newNodes(s *Server, times presence.Options) *nodes {
	n := &nodes{
		srv:     s,
		heard:   make(chan struct{}),
		calls:   make(map[uint64]*relayed),
		serving: make(map[relayID]context.CancelFunc),
		bodies:  make(map[string]*bodyTurn),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	times.Node, times.Logger = s.node, s.log
	n.presence = presence.Replicate(s.tracker, s.bus, times)
	n.running.Go(n.listen)
	return n
}

// listen subscribes to what is for this node. Where the bus cannot be reached, it tries again.
func (n *nodes) listen() {
	heard := sync.OnceFunc(func() { close(n.heard) })
	defer heard()
	for _, topic := range []string{topicNodes, n.topic(n.srv.node)} {
		for retry := minSubscribeRetry; ; retry = min(2*retry, maxSubscribeRetry) {
			ctx, cancel := context.WithTimeout(n.ctx, nodeTimeout)
			sub, err := n.srv.bus.Subscribe(ctx, topic, pubsub.History{}, n)
			cancel()
			if err == nil {
				n.subs = append(n.subs, sub)
				break
			}
			if retry == minSubscribeRetry && n.ctx.Err() == nil {
				n.srv.log.Warn("the other nodes cannot be heard", "err", err)
			}
			heard()
			select {
			case <-time.After(retry):
			case <-n.srv.stopping:
				return
			}
		}
	}
}

// await returns when this node hears the others, so that nobody is served before who cannot be disconnected, or whose
// session cannot be asked for. It does not wait for a bus that is down.
func (n *nodes) await(ctx context.Context) {
	if n == nil {
		return
	}
	select {
	case <-n.heard:
	case <-ctx.Done():
	}
}

// topic is what a node listens to.
func (n *nodes) topic(node string) string { return topicNodes + "/" + node }

// close ends everything, once: what is relayed is brought to its end first, unless ctx ends before.
func (n *nodes) close(ctx context.Context) { n.once.Do(func() { n.end(ctx) }) }

func (n *nodes) end(ctx context.Context) {
	defer context.AfterFunc(ctx, n.cancel)()
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.running.Wait()
	for _, sub := range n.subs {
		sub.Cancel()
	}
	n.cancel()
	n.presence.Close(ctx)
}

// publish sends a message.
func (n *nodes) publish(ctx context.Context, topic string, m *nodeMessage) error {
	m.From = n.srv.node
	data, err := m.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	return n.srv.bus.Publish(ctx, pubsub.Publication{Topic: topic, Data: data})
}

// tell sends a message to one node.
func (n *nodes) tell(node string, m *nodeMessage) error {
	err := n.publish(n.ctx, n.topic(node), m)
	if err != nil {
		n.srv.log.Warn("another node cannot be told", "node", node, "kind", m.Kind, "err", err)
	}
	return err
}

// Receive implements pubsub.Subscriber.
func (n *nodes) Receive(p pubsub.Publication) {
	m, err := parseNodeMessage(p.Data)
	if err != nil {
		n.srv.log.Error("message of another node refused", "err", err)
		return
	}
	if m.From == n.srv.node {
		return
	}
	switch m.Kind {
	case "disconnect":
		n.srv.disconnect(m.ID)
	case "poll", "batch":
		n.serve(m)
	case "cancel":
		n.stopServing(m)
	case "taken", "gone", "answer":
		n.answered(m)
	}
}

// Lost implements pubsub.Subscriber. Requests that are under way answer for themselves: who waits has a deadline.
func (n *nodes) Lost(_ pubsub.Position, err error) {
	n.srv.log.Warn("what other nodes said may have been lost: clients that they have disconnected may still be here", "err", err)
}

// disconnect has every other node close the connections that have the id.
func (n *nodes) disconnect(ctx context.Context, id string) error {
	if err := n.publish(ctx, topicNodes, &nodeMessage{Kind: "disconnect", ID: id}); err != nil {
		return fmt.Errorf("disconnecting on other nodes: %w", err)
	}
	return nil
}
