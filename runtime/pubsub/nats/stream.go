package nats

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	rnd "math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

const epochKey = "chgen-epoch" // in the stream's metadata

var (
	errNotOurs = errors.New("nats: a stream of that name is not one of ours")
	errSize    = errors.New("nats: History.Size is over Options.MaxSize")
	errChanged = errors.New("nats: the stream is being changed")
)

// saw notes that a sequence exists in an epoch.
func (b *bus) saw(epoch string, sequence uint64) {
	if sequence <= b.seen.Load() {
		return
	}
	b.epoch.Lock()
	defer b.epoch.Unlock()
	if epoch == b.epoch.current {
		b.seen.Store(max(sequence, b.seen.Load()))
	}
}

// config is the stream of an epoch.
func (b *bus) config(epoch string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              b.opts.Prefix,
		Description:       "what chgen's channels keep for clients that come back",
		Subjects:          []string{b.subject(kindKept, epoch+".>")},
		MaxAge:            b.opts.Memory,
		MaxMsgsPerSubject: int64(b.opts.MaxSize) + 1, // the position before the oldest is a message, too
		Replicas:          b.opts.Replicas,
		AllowDirect:       true,
		RePublish:         &jetstream.RePublish{Source: b.subject(kindKept, epoch+".>"), Destination: b.subject(kindStored, epoch+".>")},
		Metadata:          map[string]string{epochKey: epoch},
	}
}

// currentEpoch returns the stream's epoch, after it has created the stream if there is none. What it returns may be
// outdated; whoever uses the subjects of an epoch that has ended finds out.
func (b *bus) currentEpoch(ctx context.Context) (string, error) {
	b.epoch.Lock()
	defer b.epoch.Unlock()
	if b.epoch.current != "" {
		return b.epoch.current, nil
	}
	info, err := b.stream(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if _, err = b.js.CreateStream(ctx, b.config(rand.Text())); err == nil || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			info, err = b.stream(ctx)
		}
	}
	if err != nil {
		return "", err
	}
	epoch := info.Config.Metadata[epochKey]
	if epoch == "" {
		return "", errNotOurs
	}
	b.epoch.current = epoch
	b.seen.Store(info.State.LastSeq)
	return epoch, nil
}

func (b *bus) stream(ctx context.Context) (*jetstream.StreamInfo, error) {
	stream, err := b.js.Stream(ctx, b.opts.Prefix)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// forgetEpoch has the stream asked for its epoch again.
func (b *bus) forgetEpoch(epoch string) {
	b.epoch.Lock()
	defer b.epoch.Unlock()
	if b.epoch.current == epoch {
		b.epoch.current = ""
	}
}

// checkEpoch gives the stream a new epoch if it has lost what this node has seen.
func (b *bus) checkEpoch() error {
	b.epoch.Lock()
	defer b.epoch.Unlock()
	current := b.epoch.current
	if current == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	info, err := b.stream(ctx)
	if err == nil && info.Config.Metadata[epochKey] == current && info.State.LastSeq < b.seen.Load() {
		b.opts.Log.Warn("nats: the stream has lost messages", "last", info.State.LastSeq, "seen", b.seen.Load())
		err = b.renew(ctx, current)
	}
	if err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
		b.epoch.current = ""
		return nil
	}
	return err
}

// renew gives the stream a new epoch. Of the old one nothing may be found, neither while it is replaced nor by those who
// do not know yet that it has been.
func (b *bus) renew(ctx context.Context, old string) error {
	stream, err := b.js.Stream(ctx, b.opts.Prefix)
	if err != nil {
		return err
	}
	everything := jetstream.WithPurgeSubject(b.subject(kindKept, old+".>"))
	if err := stream.Purge(ctx, everything); err != nil {
		return err
	}
	if _, err := b.js.UpdateStream(ctx, b.config(rand.Text())); err != nil {
		return err
	}
	return stream.Purge(ctx, everything)
}

// inEpoch calls do with the epoch, and once more if that has ended.
func (b *bus) inEpoch(ctx context.Context, do func(epoch string) error) error {
	var err error
	for range 3 {
		var epoch string
		if epoch, err = b.currentEpoch(ctx); err != nil {
			return err
		}
		err = do(epoch)
		if !errors.Is(err, jetstream.ErrNoStreamResponse) && !errors.Is(err, nats.ErrNoResponders) {
			return err
		}
		b.forgetEpoch(epoch)
	}
	return fmt.Errorf("%w: %w", errChanged, err)
}

// put publishes into the stream.
func (b *bus) put(ctx context.Context, epoch, topic string, body []byte, opts ...jetstream.PublishOpt) (uint64, error) {
	opts = append(opts, jetstream.WithRetryAttempts(0), jetstream.WithExpectStream(b.opts.Prefix))
	ack, err := b.js.Publish(ctx, b.subject(kindKept, epoch+"."+encodeTopic(topic)), body, opts...)
	if err != nil {
		return 0, err
	}
	b.saw(epoch, ack.Sequence)
	return ack.Sequence, nil
}

// Append implements relay.Bus.
func (b *bus) Append(ctx context.Context, topic string, history pubsub.History, body []byte) error {
	if history.Size > b.opts.MaxSize {
		return errSize
	}
	return b.inEpoch(ctx, func(epoch string) error {
		_, err := b.put(ctx, epoch, topic, body)
		if err == nil && history.Size < b.opts.MaxSize && rnd.IntN(max(history.Size/2, 16)) == 0 {
			b.purge(epoch, topic, history)
		}
		return err
	})
}

// purge has the stream forget what is over the size of a topic. It does not wait, and if it fails the next one does it.
func (b *bus) purge(epoch, topic string, history pubsub.History) {
	request, err := json.Marshal(map[string]any{"filter": b.subject(kindKept, epoch+"."+encodeTopic(topic)), "keep": history.Size + 1})
	if err == nil {
		_ = b.conn.PublishRequest("$JS.API.STREAM.PURGE."+b.opts.Prefix, b.subject(kindProbe, "ignored"), request)
	}
}

// Head implements relay.Bus.
func (b *bus) Head(ctx context.Context, topic string, history pubsub.History) (head pubsub.Position, err error) {
	if history.Size > b.opts.MaxSize {
		return head, errSize
	}
	err = b.inEpoch(ctx, func(epoch string) error {
		head, err = b.head(ctx, epoch, topic)
		return err
	})
	return head, err
}

// head asks the stream's leader for the newest message of the topic. Where there is none it publishes an empty one.
func (b *bus) head(ctx context.Context, epoch, topic string) (pubsub.Position, error) {
	for range 3 {
		last, err := b.get(ctx, getRequest{LastFor: b.subject(kindKept, epoch+"."+encodeTopic(topic))})
		if err == nil {
			return pubsub.Position{Epoch: epoch, Offset: last.Sequence}, nil
		}
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return pubsub.Position{}, err
		}
		sequence, err := b.put(ctx, epoch, topic, nil, jetstream.WithExpectLastSequencePerSubject(0))
		if err == nil {
			return pubsub.Position{Epoch: epoch, Offset: sequence}, nil
		}
		var refused *jetstream.APIError
		if !errors.As(err, &refused) || refused.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
			return pubsub.Position{}, err
		}
	}
	return pubsub.Position{}, errChanged
}

// Read implements relay.Bus.
func (b *bus) Read(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (page relay.Page, err error) {
	if page.Head, err = b.Head(ctx, topic, history); err != nil {
		return page, err
	}
	switch {
	case after.Epoch != page.Head.Epoch || after.Offset > page.Head.Offset:
		page.Gap = true
		return page, nil
	case after == page.Head:
		return page, nil
	}
	subject := b.subject(kindKept, after.Epoch+"."+encodeTopic(topic))
	found, err := b.direct(ctx, subject, after.Offset, max(limit, 1)+1)
	if err == nil && (len(found) < 2 || found[0].Sequence != after.Offset) {
		found, err = b.fromLeader(ctx, subject, after.Offset) // a replica lags, or only the first was in bounds
	}
	if err != nil {
		return page, err
	}
	// The message at the position, then those after it.
	if found[0].Sequence != after.Offset || found[0].pending > history.Size || time.Since(found[1].Time) > history.TTL {
		page.Gap = true
		return page, nil
	}
	for _, m := range found[1:min(len(found), limit+1)] {
		if m.Sequence <= page.Head.Offset {
			at := pubsub.Position{Epoch: after.Epoch, Offset: m.Sequence}
			page.Messages = append(page.Messages, relay.Message{Position: at, Body: m.Data})
		}
	}
	return page, nil
}

// message is one of the stream's.
type message struct {
	Sequence uint64    `json:"seq"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
	pending  int       // how many follow on the subject, where that is known
}

// getRequest asks for messages of a subject: the last one, or those from a sequence on.
type getRequest struct {
	LastFor string `json:"last_by_subj,omitempty"`
	NextFor string `json:"next_by_subj,omitempty"`
	From    uint64 `json:"seq,omitempty"`
	Batch   int    `json:"batch,omitempty"`
}

// get asks the stream's leader for one message.
func (b *bus) get(ctx context.Context, request getRequest) (message, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return message{}, err
	}
	reply, err := b.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+b.opts.Prefix, data)
	if err != nil {
		return message{}, err
	}
	var response struct {
		Message message             `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(reply.Data, &response); {
	case err != nil:
		return message{}, err
	case response.Error == nil:
		return response.Message, nil
	case response.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return message{}, jetstream.ErrMsgNotFound
	case response.Error.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		return message{}, jetstream.ErrNoStreamResponse
	}
	return message{}, response.Error
}

// fromLeader returns the first message at or after a sequence, and the one after it.
func (b *bus) fromLeader(ctx context.Context, subject string, from uint64) ([]message, error) {
	var found []message
	for range 2 {
		m, err := b.get(ctx, getRequest{NextFor: subject, From: from})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return []message{{}}, nil // purged since: a gap
		}
		if err != nil {
			return nil, err
		}
		found, from = append(found, m), m.Sequence+1
	}
	return found, nil
}

// direct returns at most n messages of a subject from a sequence on. Any replica may answer, and may lag.
func (b *bus) direct(ctx context.Context, subject string, from uint64, n int) ([]message, error) {
	request, err := json.Marshal(getRequest{NextFor: subject, From: from, Batch: n})
	if err != nil {
		return nil, err
	}
	inbox := b.conn.NewInbox()
	sub, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // an error says that there is no connection
	if err := b.conn.PublishRequest("$JS.API.DIRECT.GET."+b.opts.Prefix, inbox, request); err != nil {
		return nil, err
	}
	var found []message
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, err
		}
		switch m.Header.Get("Status") {
		case "":
		case "204", "404": // the end, or nothing
			return found, nil
		default:
			return nil, fmt.Errorf("nats: %s %s", m.Header.Get("Status"), m.Header.Get("Description"))
		}
		one, err := parseDirect(m)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
}

func parseDirect(m *nats.Msg) (one message, err error) {
	one.Data = m.Data
	if one.Sequence, err = strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64); err != nil {
		return one, err
	}
	if one.pending, err = strconv.Atoi(m.Header.Get("Nats-Num-Pending")); err != nil {
		return one, err
	}
	one.Time, err = time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	return one, err
}
