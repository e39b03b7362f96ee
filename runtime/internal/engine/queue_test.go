package engine

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/wire"
)

// heldConn is a network that takes nothing until it is opened, then everything.
type heldConn struct {
	net.Conn
	gate   chan struct{}
	begun  chan struct{} // gets a value for each write that begins
	writes [][]byte
}

func (c *heldConn) Write(p []byte) (int, error) {
	c.begun <- struct{}{}
	<-c.gate
	c.writes = append(c.writes, append([]byte(nil), p...))
	return len(p), nil
}

func (c *heldConn) Close() error                     { return nil }
func (c *heldConn) SetReadDeadline(time.Time) error  { return nil }
func (c *heldConn) SetWriteDeadline(time.Time) error { return nil }

func newHeld(limit int) (*queue, *heldConn) {
	c := &heldConn{gate: make(chan struct{}), begun: make(chan struct{}, 1000)}
	owner := &Conn{srv: &Server{limits: Limits{QueueBytes: limit, CloseTimeout: time.Second, WriteTimeout: time.Second}}}
	owner.out.srv = owner.srv
	owner.out.carrier = &link{Conn: c, owner: owner}
	return &owner.out, c
}

func (c *heldConn) open(q *queue) string {
	close(c.gate)
	q.wait()
	var all strings.Builder
	for _, w := range c.writes {
		all.Write(w)
	}
	return all.String()
}

// TestWhatIsReplacedOrDroppedCostsNoMemory holds that the index of a queue is bounded by what waits, however long
// the writer is held up.
func TestWhatIsReplacedOrDroppedCostsNoMemory(t *testing.T) {
	t.Parallel()
	q, conn := newHeld(1000)
	q.put([]byte("first"), Stream, "") // the writer is held up with it
	<-conn.begun
	for i := range 100_000 {
		q.put([]byte("latest"), Latest, fmt.Sprint(i%3))
		q.put([]byte("volatile"), Volatile, "")
	}
	q.mu.Lock()
	frames, latest := cap(q.more.frames), len(q.more.latest)
	q.mu.Unlock()
	if frames > 2000 || latest > 3 {
		t.Errorf("room for %d frames and %d keys", frames, latest)
	}
	conn.open(q)
}

// TestQueueAgainstAModel puts frames in at random while the network takes some now and then, and compares what comes
// out with what a simple list would make of it.
func TestQueueAgainstAModel(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		q, conn := newHeld(1 << 20)
		q.put([]byte("<first>"), Stream, "") // the writer is held up with it
		want := []string{"<first>"}
		keys := map[string]string{}
		<-conn.begun
		for i := range rng.IntN(500) {
			switch key := fmt.Sprint(rng.IntN(4)); rng.IntN(3) {
			case 0:
				frame := fmt.Sprintf("<%d>", i)
				q.put([]byte(frame), Stream, "")
				want = append(want, frame)
			default:
				frame := fmt.Sprintf("<%s:%d>", key, i)
				q.put([]byte(frame), Latest, key)
				for j := range want {
					if want[j] == keys[key] && keys[key] != "" {
						want = append(want[:j], want[j+1:]...)
						break
					}
				}
				keys[key] = frame
				want = append(want, frame)
			}
		}
		if diff := cmp.Diff(strings.Join(want, ""), conn.open(q)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if len(conn.writes) > 2 {
			t.Fatalf("%d writes, want what waited in one", len(conn.writes))
		}
		if q.bytes != 0 || q.only != nil || q.more != nil {
			t.Fatalf("left over: %d bytes, %q, %v", q.bytes, q.only, q.more)
		}
	}
}

// nobody carries a queue that is taken from by hand.
type nobody struct{}

func (nobody) Ready()   {}
func (nobody) Closing() {}
func (nobody) Cut()     {}

// TestFullQueueAgainstAModel puts frames of all deliveries into a small queue, takes some out now and then, as many as one
// write has room for, and compares each write with what a simple list would make of it.
func TestFullQueueAgainstAModel(t *testing.T) {
	t.Parallel()
	const limit = 3 * writeChunk
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		q := &queue{carrier: nobody{}, srv: &Server{limits: Limits{QueueBytes: limit}}}
		var model []outFrame
		bytes, written := 0, 0 // that wait, and that are being written
		fits := func(n int) bool { return written+bytes+n <= limit }
		drop := func(which func(f outFrame) bool) bool {
			i := slices.IndexFunc(model, which)
			if i >= 0 {
				bytes -= len(model[i].data)
				model = slices.Delete(model, i, i+1)
			}
			return i >= 0
		}
		for i := range rng.IntN(300) {
			if rng.IntN(5) == 0 {
				var want []byte
				n := 0
				for n < len(model) && (n == 0 || len(want)+len(model[n].data) <= writeChunk) {
					want = append(want, model[n].data...)
					n++
				}
				model = slices.Delete(model, 0, n)
				got, _ := q.next(written)
				if string(got) != string(want) {
					t.Fatalf("%d bytes are written, %.20q, want %d, %.20q", len(got), got, len(want), want)
				}
				written, bytes = len(want), bytes-len(want)
				continue
			}
			f := outFrame{data: bytesOf(i, 1+rng.IntN(writeChunk/4)), delivery: Delivery(rng.IntN(3))}
			if f.delivery == Latest {
				f.key = fmt.Sprint(rng.IntN(4))
				drop(func(g outFrame) bool { return g.key == f.key && g.delivery == Latest })
			}
			for !fits(len(f.data)) && drop(func(g outFrame) bool { return g.delivery == Volatile }) {
			}
			taken := fits(len(f.data))
			if got, want := q.put(f.data, f.delivery, f.key), taken || f.delivery == Volatile; got != want {
				t.Fatalf("put of a frame of delivery %d returns %v", f.delivery, got)
			}
			switch {
			case taken:
				model = append(model, f)
				bytes += len(f.data)
			case f.delivery != Volatile: // it is closed
				model, bytes = nil, 0
			}
			if q.closing != nil {
				break
			}
			if frames, waiting := q.size(); frames != len(model) || waiting != written+bytes {
				t.Fatalf("%d frames of %d bytes wait, want %d of %d", frames, waiting, len(model), written+bytes)
			}
		}
	}
}

// bytesOf is n bytes that begin with a number.
func bytesOf(i, n int) []byte {
	return fmt.Appendf(make([]byte, 0, n+8), "<%d>%s", i, strings.Repeat("x", n))
}

// TestNothingFollowsACloseFrame holds that what is queued before it goes out and what comes after it does not.
func TestNothingFollowsACloseFrame(t *testing.T) {
	t.Parallel()
	q, conn := newHeld(1000)
	q.put([]byte("one"), Stream, "")
	frame := closeFrame(closeGoingAway, strings.Repeat("é", 100))
	if !q.close(frame) || q.close(frame) {
		t.Error("close does not say who was first")
	}
	if q.put([]byte("two"), Stream, "") {
		t.Error("a frame was taken after the close frame")
	}
	if err := q.control([]byte{0x8a, 0}); err != nil {
		t.Errorf("a pong after the close frame: %v", err)
	}
	if diff := cmp.Diff("one"+string(frame), conn.open(q)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(frame) > 127 {
		t.Errorf("a close frame of %d bytes", len(frame))
	}
	q.kill()
	if err := q.control([]byte{0x8a, 0}); err == nil {
		t.Error("a dead queue took a pong")
	}
}

// TestFrameHeaders holds the three lengths of a WebSocket header.
func TestFrameHeaders(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "\x81\x00", 125: "\x81\x7d", 126: "\x81\x7e\x00\x7e", 65535: "\x81\x7e\xff\xff", 65536: "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		frame := putHeader(make([]byte, maxHeader+n), opText)
		if got := string(frame[:len(frame)-n]); got != want {
			t.Errorf("%d bytes: got %q, want %q", n, got, want)
		}
	}
}

// A carrier may take out what waits whenever it likes, also while a join is being answered.
func TestACarrierIsToldOnceOfWhatItHasNotTakenOut(t *testing.T) {
	t.Parallel()
	c := new(carried)
	conn := member(t, c, &Channel{Spec: &Spec{Name: "Room"}}).conn
	corked := conn.out.cork()
	conn.Next()
	conn.reply(&wire.Message{Topic: "t", Status: wire.StatusOK})
	if corked {
		conn.out.uncork()
	}
	if c.ready != 1 {
		t.Errorf("the carrier is told %d times", c.ready)
	}
	if frames := conn.Next(); len(frames) != 1 {
		t.Errorf("%d frames wait", len(frames))
	}
}
