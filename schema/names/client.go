package names

// clientMethods are the methods that every generated Go client of a channel has, beside those of its events. (Leave is
// not among them: no client event may be called so.)
var clientMethods = wordSet(`Join JoinFunc Channel Presence OnRejoin`)

// ClientMethod returns the method of a generated Go client that pushes an event: SendMessage for send_message,
// PushJoin for join, whose own name is another method's.
func ClientMethod(wire string) string {
	id := Go(wire)
	if clientMethods[id] {
		return "Push" + id
	}
	return id
}

// ClientHandler returns the method of a generated Go client that listens to an event: OnMessageCreated for
// message_created, OnRejoinEvent for rejoin, whose own name is another method's.
func ClientHandler(wire string) string {
	id := "On" + Go(wire)
	if clientMethods[id] {
		return id + "Event"
	}
	return id
}
