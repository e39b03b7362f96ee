package netfault

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreePort returns a host and port that nobody listens at now. It is below those that systems give to outgoing connections, so
// that a server which ends and comes back there finds it free again; and so is the port 10,000 above it, which a node of a
// Redis Cluster takes too, and which this never returns.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.N(10_000)))
		if err == nil {
			_ = listener.Close()
			return listener.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
