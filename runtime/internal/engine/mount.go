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
	WebSocket     WebSocket
	LongPoll      LongPoll
	Transports    []Transport // others
}

// WebSocket is channel.WebSocket: see there.
type WebSocket struct{ Off bool }

// mount is a Mount with everything filled in.
type mount struct {
	Mount
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
	full := mount{Mount: m}
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

// route returns the transport that a path names and the mount that it is of, nil where it is none's.
func (s *Server) route(path string) (Transport, Endpoint) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return nil, Endpoint{}
	}
	base, name := path[:slash], path[slash+1:]
	if len(s.mounts) == 0 {
		return s.anywhere.endpoint(s, name)
	}
	for i := range s.mounts {
		if strings.TrimSuffix(s.mounts[i].Path, "/") != base {
			continue
		}
		if t, e := s.mounts[i].endpoint(s, name); t != nil {
			return t, e
		}
	}
	return nil, Endpoint{}
}

// endpoint returns the mount's transport of this name, nil where it has none.
func (m *mount) endpoint(s *Server, name string) (Transport, Endpoint) {
	for _, t := range m.transports {
		if t.Name() == name {
			return t, Endpoint{srv: s, mount: m}
		}
	}
	return nil, Endpoint{}
}
