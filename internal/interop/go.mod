// Phoenix clients of others against a chgen server. A module of its own, so that nobody who uses chgen finds them in his
// module graph.
module github.com/chgen/chgen/internal/interop

go 1.26.0

replace github.com/chgen/chgen => ../..

require (
	github.com/chgen/chgen v0.0.0-00010101000000-000000000000
	github.com/google/go-cmp v0.7.0
	github.com/nshafer/phx v0.2.5
)

require (
	github.com/coder/websocket v1.8.15 // indirect
	github.com/gorilla/websocket v1.5.0 // indirect
)
