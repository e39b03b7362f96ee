package channel_test

import (
	"context"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/chgen/chgen/runtime/channel"
)

// A node is ready until it drains; a variable of expvar shows how it stands.
func ExampleServer_Snapshot() {
	server := channel.NewServer()
	variable := expvar.Func(func() any { return server.Snapshot() }) // for expvar.Publish
	ready := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if server.Snapshot().Draining {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})

	fmt.Println(variable)
	_ = server.Shutdown(context.Background())
	w := httptest.NewRecorder()
	ready.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Println(w.Code)
	// Output:
	// {"draining":false,"connections":{},"memberships":{},"topics":0,"queues":{"frames":0,"bytes":0,"max_frames":0,"max_bytes":0},"dropped":{"latest":0,"stream":0,"volatile":0}}
	// 503
}
