package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// bus is what the servers of a round have between them.
type bus struct {
	*process
	url string
}

// startBus runs the bus that a kind of server is over, nil where it is over none.
func startBus(kind string) (*bus, error) {
	switch {
	case strings.HasSuffix(kind, "-redis"):
		return startRedis()
	case strings.HasSuffix(kind, "-nats"):
		p, err := start(none, os.Args[0], nil, "bus")
		if err != nil {
			return nil, err
		}
		url, ok := <-p.lines
		if !ok {
			return nil, errEnded
		}
		return &bus{p, string(url)}, nil
	}
	return nil, nil //nolint:nilnil // there is none
}

// runNATS is a NATS server until standard input ends. Its first line is where it listens.
func runNATS() error {
	s, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoSigs: true})
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the NATS server does not start")
	}
	fmt.Println(s.ClientURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func startRedis() (*bus, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := free.Addr().String()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(addr)
	p, err := start(none, "redis-server", nil, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", os.TempDir(), "--loglevel", "warning")
	if err != nil {
		return nil, fmt.Errorf("apt-get install redis-server, or make redis: %w", err)
	}
	b := &bus{p, "redis://" + addr}
	for range 500 {
		if _, err = b.bytes(); err == nil {
			return b, nil
		}
		<-time.After(10 * time.Millisecond)
	}
	b.kill()
	return nil, err
}

// bytes is what a Redis has received and sent.
func (b *bus) bytes() (n int64, err error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "redis://"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "INFO stats\r\nQUIT\r\n"); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name == "total_net_input_bytes" || name == "total_net_output_bytes" {
			v, _ := strconv.ParseInt(value, 10, 64)
			n += v
		}
	}
	return n, lines.Err()
}
