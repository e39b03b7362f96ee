package engine

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Mount is channel.Mount: see there.
type Mount struct {
	Path          string
	Origins       []string
	CheckOrigin   func(r *http.Request, origin *url.URL) bool
	MaxFrameBytes int
	IdleTimeout   time.Duration
	AuthToken     bool
	WebSocket     WebSocket
	LongPoll      LongPoll
	Transports    []Transport // others
}

// WebSocket is channel.WebSocket: see there.
type WebSocket struct {
	Off          bool
	Subprotocols []string
	Compression  bool
}

// mount is a Mount with everything filled in.
type mount struct {
	Mount
	path      []string // the segments of Path; {name} is a parameter
	rules     []originRule
	entrances []entrance
}

// entrance is a transport of a mount.
type entrance struct {
	Transport
	name string
}

func newMount(m Mount, limits Limits) mount {
	if m.MaxFrameBytes == 0 {
		m.MaxFrameBytes = limits.MaxFrameBytes
	}
	if m.IdleTimeout == 0 {
		m.IdleTimeout = limits.IdleTimeout
	}
	full := mount{Mount: m, path: strings.Split(strings.TrimSuffix(m.Path, "/"), "/")}
	full.checkPath()
	if !m.WebSocket.Off {
		full.open(webSocket{})
	}
	if !m.LongPoll.Off {
		full.open(longPoll{m.LongPoll.withDefaults()})
	}
	for _, t := range m.Transports {
		full.open(t)
	}
	for _, text := range m.Origins {
		rule, err := parseOrigin(text)
		if err != nil {
			panic("mount " + m.Path + ": " + err.Error())
		}
		full.rules = append(full.rules, rule)
	}
	return full
}

// checkPath panics where a parameter of the path has no name or one that is there already.
func (m *mount) checkPath() {
	seen := make(map[string]bool)
	for _, segment := range m.path {
		name, ok := pathParam(segment)
		if !ok && !strings.ContainsAny(segment, "{}") {
			continue
		}
		if !ok || name == "" || seen[name] {
			panic("mount " + m.Path + ": {name} must be a whole segment, with a name of its own")
		}
		seen[name] = true
	}
}

// pathParam returns the name of the parameter that a segment is, if it is one.
func pathParam(segment string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(segment, "{"); ok {
		name, ok = strings.CutSuffix(name, "}")
	}
	return name, ok && !strings.ContainsAny(name, "{}")
}

// match reports whether base is the mount's path, and returns what stands for its parameters.
func (m *mount) match(base string) (params map[string]string, ok bool) {
	for i, segment := range m.path {
		part, rest, more := strings.Cut(base, "/")
		if more == (i == len(m.path)-1) {
			return nil, false
		}
		base = rest
		name, isParam := pathParam(segment)
		switch {
		case !isParam && segment != part, isParam && part == "":
			return nil, false
		case isParam:
			if params == nil {
				params = make(map[string]string)
			}
			params[name] = part
		}
	}
	return params, true
}

// open adds an entrance.
func (m *mount) open(t Transport) { m.entrances = append(m.entrances, entrance{t, t.Name()}) }

// route returns the endpoint that a path names, one without an entrance where it names none. The first mount that matches
// counts.
func (s *Server) route(path string) Endpoint {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return Endpoint{}
	}
	base, name := path[:slash], path[slash+1:]
	if len(s.mounts) == 0 {
		return Endpoint{srv: s, mount: &s.anywhere, entrance: s.anywhere.entrance(name)}
	}
	for i := range s.mounts {
		m := &s.mounts[i]
		by := m.entrance(name)
		if by == nil {
			continue
		}
		if params, ok := m.match(base); ok {
			return Endpoint{s, m, by, params}
		}
	}
	return Endpoint{}
}

// entrance returns the mount's entrance of this name, nil where it has none.
func (m *mount) entrance(name string) *entrance {
	for i := range m.entrances {
		if e := &m.entrances[i]; e.name == name {
			return e
		}
	}
	return nil
}
