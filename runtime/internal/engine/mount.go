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
}

// mount is a Mount with everything filled in.
type mount struct {
	Mount
	rules []originRule
}

func newMount(m Mount, limits Limits) mount {
	if m.MaxFrameBytes == 0 {
		m.MaxFrameBytes = limits.MaxFrameBytes
	}
	if m.IdleTimeout == 0 {
		m.IdleTimeout = limits.IdleTimeout
	}
	full := mount{Mount: m}
	for _, text := range m.Origins {
		rule, err := parseOrigin(text)
		if err != nil {
			panic("mount " + m.Path + ": " + err.Error())
		}
		full.rules = append(full.rules, rule)
	}
	return full
}

// suffixWebSocket is what a socket's path ends in, after its mount.
const suffixWebSocket = "/websocket"

// mountOf returns the mount of a path, nil where it is none's.
func (s *Server) mountOf(path string) *mount {
	base, ok := strings.CutSuffix(path, suffixWebSocket)
	if !ok {
		return nil
	}
	if len(s.mounts) == 0 {
		return &s.anywhere
	}
	for i := range s.mounts {
		if strings.TrimSuffix(s.mounts[i].Path, "/") == base {
			return &s.mounts[i]
		}
	}
	return nil
}
