// Command peer is the server that the recordings in testdata/phoenix were made with, built on chgen: the same mounts,
// routes, channels and events (testdata/phoenix/README.md describes the recordings). Any of them can be played
// against it, and the tests beside it do, frame by frame. With -nodes it is several servers, between which requests
// alternate; nobody is to notice.
//
//	go run ./internal/peer -addr 127.0.0.1:4001
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:generate go run ../../cmd/chgen generate peer.yaml

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "peer:", err)
		}
		os.Exit(2)
	}
}

// run serves until ctx is done, then lets every handler finish and returns.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:4001", "`host:port` to listen on")
	size := flags.Int("nodes", 1, "how many servers, all on one bus; requests come to them in turn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: peer takes flags only", flags.Arg(0))
	}
	if *size < 1 {
		return fmt.Errorf("%d nodes: there must be one at least", *size)
	}
	sockets := newNodes(slog.New(slog.NewTextHandler(stderr, nil)), *size)
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: sockets, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(stdout, "The peer is at http://%s\n", listener.Addr())

	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second) // each node may wait 5 s for a poll to say it in
	defer cancel()
	return errors.Join(sockets.Shutdown(grace), web.Shutdown(grace))
}
