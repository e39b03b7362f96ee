package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chgen/chgen/runtime/codec"
)

// LongPoll is channel.LongPoll: see there.
type LongPoll struct {
	Off          bool
	Window       time.Duration
	MaxBodyBytes int
	MaxBatch     int
}

func (p LongPoll) withDefaults() LongPoll {
	setDefault(&p.Window, 10*time.Second)
	setDefault(&p.MaxBodyBytes, 1<<20)
	setDefault(&p.MaxBatch, 100)
	return p
}

// longPoll is the long-polling transport (section 10).
type longPoll struct{ LongPoll }

// Name implements Transport.
func (longPoll) Name() string { return "longpoll" }

// The headers and parameters of long-polling.
const (
	headerSession = "X-Phoenix-Longpoll-Token"
	paramSession  = "token"
	ndjson        = "application/x-ndjson"
)

// Serve implements Transport. Whatever comes of a request in the protocol is told in the body, as the member status;
// the status of HTTP is 200 all the same (rule 10.1).
func (t longPoll) Serve(w http.ResponseWriter, r *http.Request, e Endpoint) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	query, refusal := e.query(r)
	if refusal != nil {
		refuse(w, refusal)
		return
	}
	switch r.Method {
	case http.MethodGet:
		t.get(w, r, e, query)
	case http.MethodPost:
		t.post(w, r, e, query)
	case http.MethodOptions:
		h := w.Header()
		h.Set("Access-Control-Allow-Headers", strings.Join(r.Header.Values("Access-Control-Request-Headers"), ", "))
		h.Set("Access-Control-Allow-Methods", "get, post, options")
		h.Set("Access-Control-Max-Age", "3600")
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// refuse answers a request with a refusal. Clients expect to find 403 in the body.
func refuse(w http.ResponseWriter, refusal *Refusal) {
	if refusal.Status == http.StatusForbidden {
		answer{status: http.StatusForbidden, reason: refusal.Reason}.write(w)
		return
	}
	w.WriteHeader(refusal.Status)
}

// get answers a poll. One that belongs to no session opens one (rules 10.2 and 10.5).
func (t longPoll) get(w http.ResponseWriter, r *http.Request, e Endpoint, query url.Values) {
	s, token, elsewhere := e.session(r, query)
	if s != nil && s.enter() {
		defer s.leave()
		s.servePoll(w, r, token.answers)
		return
	}
	if elsewhere && t.relayPoll(w, r, e, token) {
		return
	}
	dropSession(query)
	o, refusal := e.admit(query)
	if refusal != nil {
		refuse(w, refusal)
		return
	}
	ctx, refusal := o.connect(r)
	if refusal != nil {
		refuse(w, refusal)
		return
	}
	s = newSession(t.LongPoll, o.conn)
	s.enter()
	defer s.leave()
	e.srv.sessions.add(s)
	o.conn.start(ctx, s)
	s.open()
	answer{status: http.StatusGone, poll: true, token: s.token()}.write(w)
}

// post takes a batch of frames (rule 10.6).
func (t longPoll) post(w http.ResponseWriter, r *http.Request, e Endpoint, query url.Values) {
	s, token, elsewhere := e.session(r, query)
	if s == nil && !elsewhere {
		answer{status: http.StatusGone}.write(w)
		return
	}
	var reading chan struct{} // one body at a time, or a session could have any number of them kept
	var over chan struct{}
	if elsewhere {
		var done func()
		reading, done = e.srv.nodes.reading(token.session)
		defer done()
	} else {
		reading, over = s.reading, s.over
	}
	if problem := queueUp(r.Context(), reading, over, t.Window); problem != nil {
		problem.write(w)
		return
	}
	defer func() { <-reading }()
	frames, problem := t.readBatch(w, r, e.mount.MaxFrameBytes)
	if problem != nil {
		problem.write(w)
		return
	}
	if elsewhere {
		t.relayBatch(w, r, e, token, frames)
		return
	}
	if !s.enter() {
		answer{status: http.StatusGone}.write(w)
		return
	}
	defer s.leave()
	end := s.observePoll(r.Context())
	a := s.receive(r.Context(), frames)
	a.write(w)
	end(true, a.status, len(frames))
}

// readBatch reads the frames of a request, or says why there are none. Where that is for a limit, none is taken and the
// session lives (D8).
func (t longPoll) readBatch(w http.ResponseWriter, r *http.Request, maxFrame int) ([]Frame, *answer) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(t.Window)) // where it cannot be set, the server has its own
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(t.MaxBodyBytes)))
	_ = control.SetReadDeadline(time.Time{})
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &answer{status: http.StatusBadRequest, reason: fmt.Sprintf("a body may have %d bytes", t.MaxBodyBytes)}
	}
	if err != nil {
		return nil, &answer{status: http.StatusRequestTimeout}
	}
	lines := [][]byte{body}
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	batch := strings.EqualFold(strings.TrimSpace(mediaType), ndjson)
	if batch {
		body = bytes.TrimSuffix(body, []byte("\n"))
		if n := bytes.Count(body, []byte("\n")) + 1; n > t.MaxBatch {
			return nil, &answer{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("a batch may have %d lines", t.MaxBatch)}
		}
		lines = bytes.Split(body, []byte("\n"))
	}
	frames := make([]Frame, len(lines))
	for i, line := range lines {
		frames[i] = readLine(line, batch)
		if len(frames[i].Data) > maxFrame {
			return nil, &answer{status: http.StatusBadRequest, reason: fmt.Sprintf("frames may have %d bytes", maxFrame)}
		}
	}
	return frames, nil
}

// readLine reads one line of a batch: text, or a binary frame in base64. The frame does not hold on to the body.
func readLine(line []byte, batch bool) Frame {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if !batch || len(line) == 0 || line[0] == '[' || line[0] == '{' { // version 1 has objects
		return Frame{Data: bytes.Clone(line)}
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	n, err := base64.StdEncoding.Decode(data, line)
	if err != nil {
		return Frame{Data: bytes.Clone(line)} // which is no frame
	}
	return Frame{data[:n], true}
}

// answer is the body of a response.
type answer struct {
	status int
	reason string // not for Phoenix's clients, which do not look at it
	code   uint16 // of a close; for generated clients

	poll   bool // what follows is there
	token  string
	frames []Frame
}

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	body, err := a.json()
	if err != nil { // a frame that is not UTF-8, which no serializer makes
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeAnswer(w, body)
}

// writeAnswer sends an answer that is encoded.
func writeAnswer(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

func (a answer) json() ([]byte, error) {
	size := 256
	for _, f := range a.frames {
		size += len(f.Data) + len(f.Data)/2
	}
	e := codec.NewEncoder(make([]byte, 0, size))
	e.Object()
	if a.poll {
		e.Name("messages")
		e.Array()
		for _, f := range a.frames {
			e.Next()
			if f.Binary { // it cannot begin with "[" (D9)
				e.Bytes(f.Data)
			} else {
				e.String(string(f.Data))
			}
		}
		e.EndArray()
	}
	e.Name("status")
	e.Int(int64(a.status))
	if a.poll {
		e.Name("token")
		e.String(a.token)
	}
	if a.code != 0 {
		e.Name("code")
		e.Int(int64(a.code))
	}
	if a.reason != "" {
		e.Name("reason")
		e.String(a.reason)
	}
	e.EndObject()
	return e.Done()
}
