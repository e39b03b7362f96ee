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
	path       []string // the segments of Path; {name} is a parameter
	rules      []originRule
	transports []Transport
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
		full.transports = append(full.transports, webSocket{})
	}
	if !m.LongPoll.Off {
		full.transports = append(full.transports, longPoll{m.LongPoll.withDefaults()})
	}
	full.transports = append(full.transports, m.Transports...)
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

// route returns the transport that a path names and the mount that it is of, nil where it is none's. The first mount
// that matches counts.
func (s *Server) route(path string) (Transport, Endpoint) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return nil, Endpoint{}
	}
	base, name := path[:slash], path[slash+1:]
	if len(s.mounts) == 0 {
		return s.anywhere.transport(name), Endpoint{srv: s, mount: &s.anywhere}
	}
	for i := range s.mounts {
		m := &s.mounts[i]
		t := m.transport(name)
		if t == nil {
			continue
		}
		if params, ok := m.match(base); ok {
			return t, Endpoint{srv: s, mount: m, params: params}
		}
	}
	return nil, Endpoint{}
}

// transport returns the mount's transport of this name, nil where it has none.
func (m *mount) transport(name string) Transport {
	for _, t := range m.transports {
		if t.Name() == name {
			return t
		}
	}
	return nil
}
