// Command chat serves a chat over chgen: the page at /, the socket at /socket, everything in memory.
//
//	go run ./examples/chat -addr 127.0.0.1:4000
//
// With -pubsub several of them are one chat. What they sign they sign with CHAT_SECRET, which all of them need alike:
//
//	CHAT_SECRET=... go run ./examples/chat -addr 127.0.0.1:4001 -pubsub redis://127.0.0.1:6379
//	CHAT_SECRET=... go run ./examples/chat -addr 127.0.0.1:4002 -pubsub redis://127.0.0.1:6379
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chgen/chgen/runtime/channel"
)

//go:generate go run ../../cmd/chgen generate chat.yaml
//go:generate go tool -modfile=../../tools/go.mod esbuild web/app.ts --bundle --format=esm --target=es2022 --outfile=web/dist/app.js --log-level=warning

//go:embed web/index.html web/style.css web/dist/app.js
var page embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "chat:", err)
		}
		os.Exit(2)
	}
}

// run serves until ctx is done, then lets every handler finish and returns.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:4000", "`host:port` to listen on")
	url := flags.String("pubsub", "", "`URL` of what carries messages between several chats: redis://host:port or nats://host:port; in memory where it is empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: chat takes flags only", flags.Arg(0))
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("%w (another address: -addr 127.0.0.1:4001)", err)
	}
	defer func() { _ = listener.Close() }() // in most cases once more
	bus, closeBus, err := openBus(ctx, *url, log)
	if err != nil {
		return err
	}
	defer closeBus()
	sockets, err := newServer(ctx, bus, secretOf(*url, log), log)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: routes(sockets), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(stdout, "The chat is at http://%s\n", listener.Addr())

	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(sockets.Shutdown(grace), web.Shutdown(grace))
}

func routes(sockets *channel.Server) http.Handler {
	files, err := fs.Sub(page, "web")
	if err != nil {
		panic(err) // the embedded directory's name is a constant
	}
	mux := http.NewServeMux()
	mux.Handle("/socket/", sockets)
	mux.Handle("/", http.FileServerFS(files))
	return mux
}
