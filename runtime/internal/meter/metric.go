// Package meter is what is measured of a server, for whatever collects measurements: one table of metrics, and an
// observer that records them.
package meter

import "strings"

// Kind says how a metric's values come about.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	UpDown    Kind = "up-down counter" // a gauge of what is counted up and down
	Gauge     Kind = "gauge"           // of a Snapshot
	Histogram Kind = "histogram"
)

// Metric is one thing that is measured.
type Metric struct {
	Name   string // words with points between, as OpenTelemetry has it after "chgen."
	Kind   Kind
	Unit   string // UCUM: "s", "By", "{push}", "1"
	Labels []string
	Help   string
	Bounds []float64 // of a histogram's buckets
}

// OTel is the name in OpenTelemetry.
func (m *Metric) OTel() string { return "chgen." + m.Name }

// Prometheus is the name in Prometheus, made by the rules by which OpenTelemetry's names are made Prometheus's.
func (m *Metric) Prometheus() string {
	name := "chgen_" + strings.ReplaceAll(m.Name, ".", "_")
	switch m.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	}
	if m.Kind == Counter {
		name += "_total"
	}
	return name
}

var (
	// quick is for what takes microseconds to seconds.
	quick = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	// lasting is for how long connections live.
	lasting = []float64{1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}
)

// The metrics.
var (
	connections        = &Metric{"connections", Gauge, "{connection}", []string{"transport"}, "Open connections.", nil}
	connectionsOpened  = &Metric{"connections.opened", Counter, "{connection}", []string{"transport", "version"}, "Connections opened.", nil}
	connectionsClosed  = &Metric{"connections.closed", Counter, "{connection}", []string{"transport", "code"}, "Connections that have ended, by close code.", nil}
	connectionsRefused = &Metric{"connections.refused", Counter, "{request}", []string{"transport", "cause"}, "Requests that have not opened a connection.", nil}
	connectionDuration = &Metric{"connection.duration", Histogram, "s", []string{"transport"}, "How long connections that have ended were open.", lasting}
	renewals           = &Metric{"renewals", Counter, "{request}", []string{"outcome"}, "New connect params of connections that are open, answered.", nil}

	memberships  = &Metric{"memberships", Gauge, "{membership}", []string{"channel"}, "Clients on topics.", nil}
	topics       = &Metric{"topics", Gauge, "{topic}", nil, "Topics that have members on this node.", nil}
	joins        = &Metric{"joins", Counter, "{join}", []string{"channel", "outcome"}, "Joins answered.", nil}
	joinDuration = &Metric{"join.duration", Histogram, "s", []string{"channel"}, "From the call of Join to the answer.", quick}
	leaves       = &Metric{"leaves", Counter, "{membership}", []string{"channel", "reason"}, "Memberships that have ended.", nil}

	pushes       = &Metric{"pushes", Counter, "{push}", []string{"channel", "event", "outcome"}, "Pushes of clients answered.", nil}
	pushDuration = &Metric{"push.duration", Histogram, "s", []string{"channel", "event"}, "From the call of the handler to the answer.", quick}
	pushWait     = &Metric{"push.wait", Histogram, "s", []string{"channel"}, "How long pushes wait for their handler's turn.", quick}

	broadcasts        = &Metric{"broadcasts", Counter, "{broadcast}", []string{"channel", "event", "outcome"}, "Broadcasts published on this node; outcome is ok, or error where the PubSub failed.", nil}
	broadcastDuration = &Metric{"broadcast.duration", Histogram, "s", []string{"channel"}, "How long publishing takes.", quick}
	deliveries        = &Metric{"deliveries", Counter, "{message}", []string{"channel", "event"}, "Broadcasts put into the queues of clients on this node, one for each client.", nil}
	delivered         = &Metric{"delivered", Counter, "By", []string{"channel", "event"}, "Bytes of those broadcasts, in all queues together.", nil}
	lost              = &Metric{"subscriptions.lost", Counter, "{gap}", []string{"channel"}, "Times the PubSub may have lost publications of a topic.", nil}

	queueFrames    = &Metric{"queue.frames", Gauge, "{frame}", nil, "Frames that wait for clients to read them.", nil}
	queueBytes     = &Metric{"queue.size", Gauge, "By", nil, "Bytes that wait for clients to read them.", nil}
	queueMaxFrames = &Metric{"queue.max.frames", Gauge, "{frame}", nil, "Frames that wait for one client, at most.", nil}
	queueMaxBytes  = &Metric{"queue.max.size", Gauge, "By", nil, "Bytes that wait for one client, at most: compare with Limits.QueueBytes.", nil}
	dropped        = &Metric{"dropped", Counter, "{frame}", []string{"delivery"}, "Frames that were not delivered. latest and volatile ones may be; those of stream go with their connection, closed with 1013.", nil}

	presences       = &Metric{"presences", UpDown, "{meta}", []string{"channel"}, "Metas that are tracked.", nil}
	presenceChanges = &Metric{"presence.changes", Counter, "{meta}", []string{"channel", "change"}, "Metas that came (join) and went (leave); an update is both.", nil}

	polls = &Metric{"polls", Counter, "{request}", []string{"kind", "status"}, "Requests of long-poll sessions: poll or batch, with the status in the answer's body.", nil}

	recoveries = &Metric{"recoveries", Counter, "{join}", []string{"channel", "outcome"}, "Rejoins that asked for what they missed: recovered or lost.", nil}
	replayed   = &Metric{"replayed", Counter, "{message}", []string{"channel"}, "Publications sent again to clients that recovered.", nil}

	draining = &Metric{"draining", Gauge, "1", nil, "1 once Shutdown has begun.", nil}
)

// All is the metrics in the order of the documentation.
var All = []*Metric{
	connections, connectionsOpened, connectionsClosed, connectionsRefused, connectionDuration, renewals,
	memberships, topics, joins, joinDuration, leaves,
	pushes, pushDuration, pushWait,
	broadcasts, broadcastDuration, deliveries, delivered, lost,
	queueFrames, queueBytes, queueMaxFrames, queueMaxBytes, dropped,
	presences, presenceChanges, polls, recoveries, replayed, draining,
}
