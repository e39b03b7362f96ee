package observe

// Snapshot is how a server stands. It is for JSON as it is: expvar.Func makes a variable of it.
//
//	expvar.Publish("chgen", expvar.Func(func() any { return server.Snapshot() }))
type Snapshot struct {
	// Draining says that Shutdown has begun: a balancer should send nobody here any more.
	Draining bool `json:"draining"`

	// Connections counts connections by transport. Those over long-polling are its sessions.
	Connections map[string]int `json:"connections"`

	// Memberships counts accepted joins that have not ended, by channel.
	Memberships map[string]int `json:"memberships"`

	// Topics is how many topics have members here.
	Topics int `json:"topics"`

	// Queues says what waits for clients to read it.
	Queues Queues `json:"queues"`

	// Dropped counts frames that were not delivered since the server was made, by delivery.
	Dropped map[string]int64 `json:"dropped"`
}

// Queues is what waits in the queues of all connections, what is being written included in bytes.
type Queues struct {
	Frames    int `json:"frames"`
	Bytes     int `json:"bytes"`
	MaxFrames int `json:"max_frames"` // of one connection
	MaxBytes  int `json:"max_bytes"`  // of one connection
}
