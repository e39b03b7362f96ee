package engine

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// checkOrigin reports whether r may open a socket as far as its Origin is concerned (rules 1.9 to 1.12). A request
// without one comes from no browser and may.
func (m *mount) checkOrigin(r *http.Request) bool {
	text := r.Header.Get("Origin")
	if text == "" {
		return true
	}
	origin, err := url.Parse(text)
	if err != nil {
		return false
	}
	switch {
	case m.CheckOrigin != nil:
		return m.CheckOrigin(r, origin)
	case origin.Hostname() == "":
		return false
	case len(m.rules) > 0:
		for _, rule := range m.rules {
			if rule.allows(origin) {
				return true
			}
		}
		return false
	}
	return strings.EqualFold(origin.Hostname(), hostOf(r.Host))
}

// hostOf is the host of a Host header, without its port.
func hostOf(host string) string {
	return (&url.URL{Host: host}).Hostname()
}

// originRule is one entry of a list of origins. Parts that are empty match anything.
type originRule struct {
	scheme, host, port string
	subdomains         bool // host itself and everything under it
}

// parseOrigin reads scheme://host:port, any part of which may be missing: //host, //host:81, https://host, host.
func parseOrigin(text string) (originRule, error) {
	full := text
	if !strings.Contains(text, "//") {
		full = "//" + text
	}
	u, err := url.Parse(full)
	if err != nil || u.Hostname() == "" && u.Scheme == "" || u.Path != "" || u.RawQuery != "" {
		return originRule{}, fmt.Errorf("origin %q: want scheme://host:port, any of them optional", text)
	}
	rule := originRule{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname()), port: portOf(u)}
	if host, ok := strings.CutPrefix(rule.host, "*."); ok {
		rule.host, rule.subdomains = host, true
	}
	return rule, nil
}

func (r originRule) allows(origin *url.URL) bool {
	host := strings.ToLower(origin.Hostname())
	return (r.scheme == "" || r.scheme == strings.ToLower(origin.Scheme)) &&
		(r.port == "" || r.port == portOf(origin)) &&
		(r.host == "" || r.host == host || r.subdomains && strings.HasSuffix(host, "."+r.host))
}

// portOf is the port of u, that of its scheme where it has none.
func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// remoteHost is the host of a request's peer, for the log.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
