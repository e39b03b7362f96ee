package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A token of a long-poll session is tokenPrefix and, in base64 for URLs,
//
//	node (12 bytes) | session (12) | expiry (8, Unix seconds) | answers (8) | HMAC-SHA256 of all that (32)
//
// so that nobody can make one up, show one to a mount that did not give it out, or use one for ever. Answers counts
// what the client has been given: showing the token says that all of it has arrived.
const (
	tokenPrefix = "chgen."
	tokenIDs    = 12 + 12
	tokenBody   = tokenIDs + 8 + 8
	tokenSize   = tokenBody + sha256.Size
	tokenLife   = 14 * 24 * time.Hour
)

// signToken returns a token.
func (s *Server) signToken(id string, expires time.Time, answers uint64) string {
	b := make([]byte, 0, tokenSize)
	b = append(append(b, s.node...), id...)
	b = binary.BigEndian.AppendUint64(b, uint64(expires.Unix()))
	b = binary.BigEndian.AppendUint64(b, answers)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(s.tokenMAC(b, b))
}

// tokenMAC appends the MAC of body to dst.
func (s *Server) tokenMAC(dst, body []byte) []byte {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("chgen long-poll session\n"))
	mac.Write(body)
	return mac.Sum(dst)
}

// sessionToken is what a token says.
type sessionToken struct {
	node, session string
	answers       uint64
}

// readToken returns what a token of a server with this secret says, ok being false where it is none, or none any more.
func (s *Server) readToken(text string) (token sessionToken, ok bool) {
	b := decodeToken(text)
	if b == nil || !hmac.Equal(s.tokenMAC(nil, b[:tokenBody]), b[tokenBody:]) {
		return sessionToken{}, false
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(b[tokenIDs:])), 0)
	if time.Now().After(expires) {
		return sessionToken{}, false
	}
	return sessionToken{string(b[:12]), string(b[12:tokenIDs]), binary.BigEndian.Uint64(b[tokenIDs+8:])}, true
}

// decodeToken returns the bytes of what looks like a token, nil where it does not.
func decodeToken(text string) []byte {
	encoded, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return b
}

// session returns what the token of a request says, and the session that it belongs to: nil where there is none (any
// more), in which case elsewhere says that another node may have it. The header counts before the parameter, of which the last counts: the application may have
// one of the same name (rule 10.3).
func (e Endpoint) session(r *http.Request, query url.Values) (s *session, token sessionToken, elsewhere bool) {
	text := r.Header.Get(headerSession)
	if text == "" {
		text, _ = lastValue(query, paramSession)
	}
	token, ok := e.srv.readToken(text)
	if !ok {
		return nil, token, false
	}
	if token.node != e.srv.node {
		return nil, token, e.srv.nodes != nil
	}
	s = e.srv.sessions.get(token.session)
	if s == nil || s.conn.mount != e.mount {
		return nil, token, false
	}
	return s, token, false
}

// dropSession takes the token of a session that is gone out of what the connect hook sees: the application may have a
// parameter of that name.
func dropSession(query url.Values) {
	all := query[paramSession]
	if len(all) == 0 || decodeToken(all[len(all)-1]) == nil {
		return
	}
	if query[paramSession] = all[:len(all)-1]; len(all) == 1 {
		query.Del(paramSession)
	}
}

// sessions are the long-poll sessions of a server.
type sessions struct {
	mu   sync.Mutex // guards what follows
	byID map[string]*session
}

func (t *sessions) add(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = make(map[string]*session)
	}
	t.byID[s.id] = s
}

func (t *sessions) get(id string) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

func (t *sessions) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, s.id)
}
