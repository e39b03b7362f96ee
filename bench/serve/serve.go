// Package serve runs one server under measurement: a backend that clients connect to, and a control line by line over
// standard input and output, so that every backend, in whatever language, is driven the same way.
//
// The first line out is {"addr": "127.0.0.1:PORT"}. Then each line in is a Command, answered by a Result, but for
// credit, which is not answered.
package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Backend is a server of one kind.
type Backend interface {
	http.Handler

	// Publish sends a post to everybody on a topic.
	Publish(topic int, p Post) error
}

// Flusher is implemented by backends that hold publications back until there is enough to write.
type Flusher interface{ Flush() }

// Post is the payload of every workload: about 200 bytes of JSON.
type Post struct {
	At int64 // microseconds since 1970
	N  int64
}

// The other fields of a post.
const (
	ID     = "01JD9Z5Q8X7W6V5T4S3R2Q1P0N"
	Author = "somebody"
	Body   = "The quick brown fox jumps over the lazy dog, and then again, until there are enough bytes for a message."
)

// AppendJSON appends the post as every backend sends it.
func (p Post) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":"`+ID+`","author":"`+Author+`","body":"`+Body+`","at":`...)
	dst = strconv.AppendInt(dst, p.At, 10)
	dst = append(dst, `,"n":`...)
	dst = strconv.AppendInt(dst, p.N, 10)
	return append(dst, '}')
}

// Command is a line in.
type Command struct {
	Cmd     string  `json:"cmd"`               // usage, publish, credit
	Topics  int     `json:"topics,omitempty"`  // publish: to topics 0 to Topics-1 in turn
	Rate    float64 `json:"rate,omitempty"`    // publish: publications a second, 0 for as fast as the credit allows
	Seconds float64 `json:"seconds,omitempty"` // publish: for how long
	Window  int64   `json:"window,omitempty"`  // publish: how far ahead of the credit
	Credit  int64   `json:"credit,omitempty"`  // credit: what the slowest subscriber has received, in publications
}

// Result is a line out.
type Result struct {
	CPU       int64  `json:"cpu_us,omitempty"`  // user and system, of the process
	RSS       int64  `json:"rss_kib,omitempty"` // resident
	Published int64  `json:"published,omitempty"`
	Error     string `json:"error,omitempty"`
}

// Run serves b until in ends.
func Run(b Backend, in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: b}
	go func() { _ = web.Serve(listener) }()
	defer func() { _ = web.Close() }()
	fmt.Fprintf(out, "{\"addr\":%q}\n", listener.Addr())

	var credit atomic.Int64
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var c Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		switch c.Cmd {
		case "credit":
			credit.Store(c.Credit)
		case "publish":
			credit.Store(0)
			go answer(out, publish(b, c, &credit))
		case "usage":
			answer(out, func() Result { return usage() })
		default:
			return fmt.Errorf("unknown command %q", c.Cmd)
		}
	}
	return lines.Err()
}

func answer(out io.Writer, do func() Result) {
	line, _ := json.Marshal(do())
	_, _ = out.Write(append(line, '\n'))
}

// publish returns what publishes as c says.
func publish(b Backend, c Command, credit *atomic.Int64) func() Result {
	return func() (r Result) {
		began := time.Now()
		for {
			passed := time.Since(began)
			if passed.Seconds() >= c.Seconds {
				return r
			}
			due := r.Published + 1
			if c.Rate > 0 {
				due = int64(passed.Seconds() * c.Rate)
			}
			if c.Window > 0 {
				due = min(due, (credit.Load()+c.Window)*int64(c.Topics))
			}
			if r.Published >= due {
				if f, ok := b.(Flusher); ok {
					f.Flush()
				}
				<-time.After(wait(c, r.Published, began))
				continue
			}
			for ; r.Published < due; r.Published++ {
				topic := int(r.Published % int64(c.Topics))
				if err := b.Publish(topic, Post{At: time.Now().UnixMicro(), N: r.Published}); err != nil {
					return Result{Error: err.Error()}
				}
			}
		}
	}
}

// wait is how long to wait before the next publication: until it is due, or for a moment where credit is awaited.
func wait(c Command, published int64, began time.Time) time.Duration {
	if c.Rate == 0 {
		return 50 * time.Microsecond
	}
	due := time.Duration(float64(published+1) / c.Rate * float64(time.Second))
	return min(due, time.Duration(c.Seconds*float64(time.Second))) - time.Since(began)
}

func usage() Result {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return Result{Error: err.Error()}
	}
	us := func(t syscall.Timeval) int64 { return t.Sec*1e6 + t.Usec }
	return Result{CPU: us(u.Utime) + us(u.Stime), RSS: resident()}
}

// resident is the resident memory of this process in KiB.
func resident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}
