package channel

import (
	"net/http"
	"net/url"
	"time"

	"github.com/chgen/chgen/runtime/internal/engine"
)

// Mount is a place to serve sockets at, with what is its own.
type Mount struct {
	// Path is the mount: "/socket" serves WebSocket at /socket/websocket and long-polling at /socket/longpoll. Where
	// these are to differ in more than what follows, two mounts may have one path and a transport each. A segment may be
	// a parameter: "/ws/{user_id}" gives the connect hook the parameter user_id, whatever the query says it to be, and
	// its request the PathValue of that name. Of two mounts that match, the first counts.
	Path string

	// WebSocket and LongPoll are both on unless they are switched Off.
	WebSocket WebSocket
	LongPoll  LongPoll

	// Transports are served beside them.
	Transports []Transport

	// Origins lists the origins whose pages may connect, each scheme://host:port with any part optional:
	// "https://example.com", "//example.com:8080", "//*.example.com" (example.com itself and all under it). Without
	// a list, a page may connect to the host that it came from, whatever scheme and port. Requests without an Origin
	// come from no browser and are always allowed.
	Origins []string

	// CheckOrigin decides instead of Origins. origin may have no host: pages that are sandboxed send "null".
	CheckOrigin func(r *http.Request, origin *url.URL) bool

	// AuthToken has the token read that clients present beside the query, which ends up in the logs of proxies: see
	// the function AuthToken. Phoenix's client does so for its option authToken. Over WebSocket the token comes as a
	// subprotocol, together with "phoenix", which is then among WebSocket.Subprotocols; a client that offers neither
	// is served without a token. Long-polling and other transports have the header X-Phoenix-AuthToken.
	AuthToken bool

	// MaxFrameBytes and IdleTimeout are those of Limits, for this mount. (Long-polling has its window instead of an
	// idle timeout.)
	MaxFrameBytes int
	IdleTimeout   time.Duration
}

func (m Mount) engine() engine.Mount {
	mount := engine.Mount{
		Path:          m.Path,
		WebSocket:     engine.WebSocket(m.WebSocket),
		LongPoll:      engine.LongPoll(m.LongPoll),
		Origins:       m.Origins,
		CheckOrigin:   m.CheckOrigin,
		MaxFrameBytes: m.MaxFrameBytes,
		IdleTimeout:   m.IdleTimeout,
		AuthToken:     m.AuthToken,
	}
	for _, t := range m.Transports {
		mount.Transports = append(mount.Transports, transport{t})
	}
	return mount
}

// WebSocket is how a mount serves WebSocket.
type WebSocket struct {
	// Off is for a mount without it.
	Off bool

	// Subprotocols are those of WebSocket that a client may ask for. Of what it offers the first of this list is
	// chosen; a client that offers others alone is refused with 403. Default none: what is offered is ignored.
	Subprotocols []string

	// Compression lets clients compress what they send (permessage-deflate, without context takeover). MaxFrameBytes then
	// bounds what a message decompresses to, which is read no further. What the server sends stays uncompressed, as the
	// extension allows, so that one encoded frame serves everybody. It costs 4 KiB for each connection that has sent a
	// compressed message, and 40 KiB while one is read. Default off.
	Compression bool
}

// LongPoll is how a mount serves long-polling. Zero fields are the defaults. The limits of the server hold for its
// sessions as they do for other connections.
type LongPoll struct {
	// Off is for a mount without it.
	Off bool

	// Window is how long a poll waits for messages before it is answered that there are none, and how long a batch of
	// frames may take to arrive and to be taken in. A session ends when no poll has come for one and a half windows.
	// Keep it below what proxies allow. Default 10 s.
	Window time.Duration

	// MaxBodyBytes is how large the body of a request may be. A larger one is answered with the status 400, and nothing
	// of it is taken. So is one with a frame above MaxFrameBytes. Default 1 MiB.
	MaxBodyBytes int

	// MaxBatch is how many frames a request may bring. One with more is answered with the status 413, and nothing of it
	// is taken. Phoenix's own client sends at most 100. Default 100.
	MaxBatch int
}
