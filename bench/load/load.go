package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Command is a line in.
type Command struct {
	Cmd     string  `json:"cmd"`               // connect, settle, begin, end, echo, churn, beat, drop
	Kind    string  `json:"kind,omitempty"`    // connect: of server
	Addr    string  `json:"addr,omitempty"`    // connect: where, in turn where there are several, separated by commas
	Stalled int     `json:"stalled,omitempty"` // connect: how many of the clients, the last, never read
	Rate    float64 `json:"rate,omitempty"`    // churn: changes a second
	Clients int     `json:"clients,omitempty"` // connect, echo: how many
	Topics  int     `json:"topics,omitempty"`  // connect: client i joins topic i modulo Topics
	Credit  bool    `json:"credit,omitempty"`  // begin: say what the slowest client has received, every 2 ms
	Seconds float64 `json:"seconds,omitempty"` // echo, churn: for how long. beat: the time over which one beat of each is spread
	Buffer  int     `json:"buffer,omitempty"`  // connect: bytes each client reads at once
}

// Result is a line out.
type Result struct {
	Credit     *int64  `json:"credit,omitempty"` // not an answer
	Seconds    float64 `json:"seconds,omitempty"`
	Deliveries int64   `json:"deliveries,omitempty"`
	Sent       int64   `json:"sent,omitempty"`
	P50        float64 `json:"p50_us,omitempty"`
	P99        float64 `json:"p99_us,omitempty"`
	P999       float64 `json:"p999_us,omitempty"`
	Error      string  `json:"error,omitempty"`
}

// timed is how many clients time their deliveries: timing all of them would cost more than what is measured.
const timed = 64

// dialers is how many clients connect at once.
const dialers = 64

// generator is the clients of one measurement.
type generator struct {
	out     io.Writer
	outMu   sync.Mutex // guards out
	clients []*client  // that read
	stalled []*client
	delays  Histogram
	began   time.Time
	stop    chan struct{} // ends the reports of credit
}

// Run obeys the commands of in until it ends.
func Run(in io.Reader, out io.Writer) error {
	g := &generator{out: out}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var c Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		result, err := g.obey(c)
		if err != nil {
			result.Error = err.Error()
		}
		g.say(result)
	}
	return lines.Err()
}

func (g *generator) say(r Result) {
	line, _ := json.Marshal(r)
	g.outMu.Lock()
	defer g.outMu.Unlock()
	_, _ = g.out.Write(append(line, '\n'))
}

func (g *generator) obey(c Command) (Result, error) {
	switch c.Cmd {
	case "connect":
		return g.connect(c)
	case "begin":
		g.begin(c.Credit)
		return Result{}, nil
	case "end":
		return g.end(), nil
	case "echo":
		return g.echo(c)
	case "settle":
		g.settle()
		return Result{}, nil
	case "churn":
		return g.churn(c)
	case "beat":
		return Result{}, g.beat(c)
	case "drop":
		for _, client := range append(g.clients, g.stalled...) {
			_ = client.conn.Close()
		}
		g.clients, g.stalled = nil, nil
		return Result{}, nil
	}
	return Result{}, fmt.Errorf("unknown command %q", c.Cmd)
}

// connect has clients connect and join, and says how long that took.
func (g *generator) connect(c Command) (Result, error) {
	d, err := Of(c.Kind)
	if err != nil {
		return Result{}, err
	}
	addrs := strings.Split(c.Addr, ",")
	clients := make([]*client, c.Clients)
	next := make(chan int)
	failed := make(chan error, dialers)
	var work sync.WaitGroup
	began := time.Now()
	for range min(dialers, c.Clients) {
		work.Go(func() {
			for i := range next {
				var delays *Histogram
				if i%max(1, c.Clients/timed) == 0 {
					delays = &g.delays
				}
				client, err := dial(i, addrs[i%len(addrs)], d, i%c.Topics, delays)
				if err != nil {
					failed <- err
					for range next { // so that nobody waits for this one
					}
					return
				}
				clients[i] = client
			}
		})
	}
	for i := range clients {
		next <- i
	}
	close(next)
	work.Wait()
	select {
	case err := <-failed:
		return Result{}, err
	default:
	}
	seconds := time.Since(began).Seconds()
	g.clients, g.stalled = clients[:len(clients)-c.Stalled], clients[len(clients)-c.Stalled:]
	for _, client := range g.clients {
		go client.read(max(c.Buffer, 2<<10))
	}
	for _, client := range g.stalled {
		if err := client.conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil { // so that the server notices soon
			return Result{}, err
		}
	}
	return Result{Seconds: seconds}, nil
}

// begin counts from now on.
func (g *generator) begin(credit bool) {
	for _, client := range g.clients {
		client.deliveries.Store(0)
	}
	g.delays.Reset()
	g.began = time.Now()
	g.stop = make(chan struct{})
	if credit {
		go g.report(g.stop)
	}
}

// report says what the slowest client has received.
func (g *generator) report(stop chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			slowest := g.clients[0].deliveries.Load()
			for _, client := range g.clients {
				slowest = min(slowest, client.deliveries.Load())
			}
			g.say(Result{Credit: &slowest})
		}
	}
}

// end says what has been received since begin.
func (g *generator) end() Result {
	close(g.stop)
	r := Result{Seconds: time.Since(g.began).Seconds()}
	for _, client := range g.clients {
		r.Deliveries += client.deliveries.Load()
	}
	g.quantiles(&r)
	return r
}

func (g *generator) quantiles(r *Result) {
	if q := g.delays.Quantile(0.5); q == q {
		r.P50, r.P99, r.P999 = q, g.delays.Quantile(0.99), g.delays.Quantile(0.999)
	}
}

// echo has each client ask for an echo, wait for it, and ask again.
func (g *generator) echo(c Command) (Result, error) {
	g.delays.Reset()
	began := time.Now()
	ends := began.Add(time.Duration(c.Seconds * float64(time.Second)))
	var work sync.WaitGroup
	clients := g.clients[:min(c.Clients, len(g.clients))]
	for _, client := range clients {
		client.deliveries.Store(0)
		work.Go(func() {
			for now := time.Now(); now.Before(ends); now = time.Now() {
				post := fmt.Sprintf(`{"id":"01JD9Z5Q8X7W6V5T4S3R2Q1P0N","author":"somebody","body":"The quick brown fox jumps over the lazy dog, `+
					`and then again, until there are enough bytes for a message.","at":%d,"n":1}`, now.UnixMicro())
				if client.send(client.dialect.Echo(client.topic, post)) != nil {
					return
				}
				select {
				case <-client.replies:
				case <-time.After(5 * time.Second):
					return
				}
			}
		})
	}
	work.Wait()
	r := Result{Seconds: time.Since(began).Seconds()}
	for _, client := range clients {
		r.Deliveries += client.deliveries.Load()
	}
	g.quantiles(&r)
	return r, nil
}

// churn has clients in turn change their presence.
func (g *generator) churn(c Command) (Result, error) {
	began := time.Now()
	var sent int64
	for {
		passed := time.Since(began).Seconds()
		if passed >= c.Seconds {
			return Result{Sent: sent}, nil
		}
		for ; sent < int64(passed*c.Rate); sent++ {
			client := g.clients[sent%int64(len(g.clients))]
			if err := client.send(client.dialect.Rename(client.topic, fmt.Sprint("name ", sent), time.Now().UnixMicro())); err != nil {
				return Result{}, err
			}
		}
		pause(time.Millisecond)
	}
}

// settle waits until nothing has been delivered for a while.
func (g *generator) settle() {
	for last := int64(-1); ; {
		var now int64
		for _, client := range g.clients {
			now += client.deliveries.Load()
		}
		if now == last {
			return
		}
		last = now
		pause(250 * time.Millisecond)
	}
}

// pause waits: clients have a rhythm.
func pause(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// beat sends one heartbeat on every connection, spread over a time.
func (g *generator) beat(c Command) error {
	if len(g.clients) == 0 {
		return nil
	}
	gap := time.Duration(c.Seconds * float64(time.Second) / float64(len(g.clients)))
	next := time.Now()
	for _, client := range g.clients {
		if beat := client.dialect.Beat; beat != "" {
			if err := client.send(beat); err != nil {
				return err
			}
		}
		next = next.Add(gap)
		pause(time.Until(next))
	}
	return nil
}
