package load

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect is how clients talk to one kind of server.
type Dialect struct {
	Path   string
	Hello  func(topic int) []Step
	Echo   func(topic int, post string) string           // asks for the post back
	Rename func(topic int, name string, at int64) string // changes the client's presence
	Beat   string                                        // keeps an idle connection alive, "" where nothing is needed
	Pong   map[string]string                             // what is answered to what the server says
}

// Step is a message to send, "" for none, and what the answer has to hold.
type Step struct{ Send, Await string }

func plain(topic int) []Step { return []Step{{strconv.Itoa(topic), "joined"}} }

// Of returns the dialect of a kind of server.
func Of(kind string) (Dialect, error) {
	kind = strings.TrimSuffix(kind, "-stalled")
	switch {
	case strings.HasPrefix(kind, "raw"), kind == "gws", kind == "ws":
		return Dialect{Path: "/", Hello: plain, Echo: func(_ int, post string) string { return post }}, nil
	case strings.HasPrefix(kind, "chgen-presence"):
		return phoenix("crowd"), nil
	case strings.HasPrefix(kind, "chgen"):
		return phoenix("room"), nil
	case strings.HasPrefix(kind, "centrifuge"):
		return Dialect{
			Path: "/",
			Hello: func(topic int) []Step {
				return []Step{{fmt.Sprintf("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"room:%d\"}}", topic), `"id":2`}}
			},
			Echo: func(_ int, post string) string { return `{"id":3,"rpc":{"method":"echo","data":` + post + `}}` },
			Pong: map[string]string{"{}": "{}"},
		}, nil
	case kind == "socketio":
		return Dialect{
			Path: "/socket.io/?EIO=4&transport=websocket",
			Hello: func(topic int) []Step {
				return []Step{{"", "0{"}, {"40", "40{"}, {fmt.Sprintf(`42["join","%d"]`, topic), `"joined"`}}
			},
			Echo: func(_ int, post string) string { return `421["echo",` + post + `]` },
			Pong: map[string]string{"2": "3"},
		}, nil
	}
	return Dialect{}, fmt.Errorf("unknown kind %q", kind)
}

func phoenix(channel string) Dialect {
	return Dialect{
		Path: "/socket/websocket?vsn=2.0.0",
		Hello: func(topic int) []Step {
			return []Step{{fmt.Sprintf(`["1","1","%s:%d","phx_join",{}]`, channel, topic), `"status":"ok"`}}
		},
		Echo: func(topic int, post string) string {
			return fmt.Sprintf(`["1","2","%s:%d","echo",%s]`, channel, topic, post)
		},
		Rename: func(topic int, name string, at int64) string {
			return fmt.Sprintf(`["1","4","%s:%d","rename",{"name":"%s","at":%d}]`, channel, topic, name, at)
		},
		Beat: `[null,"3","phoenix","heartbeat",{}]`,
	}
}
