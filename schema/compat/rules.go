package compat

// Sender says who sends what a rule is about.
type Sender string

// The senders. What clients send is written by old clients and read by the new server; what servers send is written by
// the new server and read by old clients.
const (
	Clients Sender = "clients"
	Servers Sender = "servers"
	Both    Sender = "both"
)

// Rule is one kind of breaking change.
type Rule struct {
	ID     string
	Sender Sender
	Text   string // one line for the docs: what breaks
	Remedy string // what to do instead
}

// Rules returns every rule in the order in which the docs list them.
func Rules() []Rule { return append([]Rule(nil), rules...) }

const (
	ruleChannelRemoved = "channel-removed"
	ruleTopicChanged   = "topic-changed"
	ruleTopicTaken     = "topic-taken"
	rulePresence       = "presence-removed"
	ruleStrict         = "strict-on"

	ruleClientEvent      = "client-event-removed"
	ruleClientAdded      = "client-field-added"
	ruleClientRequired   = "client-field-required"
	ruleClientRemoved    = "client-field-removed"
	ruleClientEnum       = "client-enum-value-removed"
	ruleClientVariant    = "client-variant-removed"
	ruleClientType       = "client-type-changed"
	ruleClientConstraint = "client-constraint-tightened"
	ruleClientPattern    = "client-pattern-changed"

	ruleServerEvent      = "server-event-removed"
	ruleServerAdded      = "server-field-added"
	ruleServerOptional   = "server-field-optional"
	ruleServerRemoved    = "server-field-removed"
	ruleServerEnum       = "server-enum-value-added"
	ruleServerVariant    = "server-variant-added"
	ruleServerType       = "server-type-changed"
	ruleServerConstraint = "server-constraint-loosened"
	ruleServerPattern    = "server-pattern-changed"
)

const another = "add a field or event of another name, and keep this one until no client uses it"

var rules = []Rule{
	{ruleChannelRemoved, Both, "A channel is removed: clients can join it no more.",
		"keep the channel, deprecated, until no client joins it"},
	{ruleTopicChanged, Both, "Topics that clients join match no channel any more.",
		"add a channel with the new topic, and keep the old one until no client joins it"},
	{ruleTopicTaken, Both, "Another channel takes topics that clients join, and does not serve them as before.",
		"choose a topic that no deployed client joins"},
	{rulePresence, Servers, "A channel has no presence any more.",
		"keep presence until no client uses it"},
	{ruleStrict, Clients, "`strict: true` is new: members that the schema does not have were ignored and are refused now.",
		"leave strict off; what clients send beyond the schema is ignored"},

	{ruleClientEvent, Clients, "An event that clients push is removed.",
		"keep the event, deprecated, until no client pushes it"},
	{ruleClientAdded, Clients, "A new field of what clients send is required.",
		"make the field optional; a default fills it in"},
	{ruleClientRequired, Clients, "An optional field of what clients send becomes required.",
		"leave the field optional; a default fills it in"},
	{ruleClientRemoved, Clients, "A field of what clients send is removed from a strict schema.",
		"keep the field, optional and deprecated, until no client sends it"},
	{ruleClientEnum, Clients, "An enum that clients send loses a value.",
		"keep the value until no client sends it"},
	{ruleClientVariant, Clients, "A union that clients send loses a variant.",
		"keep the variant until no client sends it"},
	{ruleClientType, Clients, "What clients send gets a type that does not take every value of the old one.",
		another},
	{ruleClientConstraint, Clients, "A constraint on what clients send gets tighter.",
		"leave the constraint, and refuse in the handler, with a declared error, what is too much"},
	{ruleClientPattern, Clients, "A string that clients send gets another pattern, which may refuse what the old one took.",
		"check by hand that the new pattern takes all that the old one took; then ignore this rule here"},

	{ruleServerEvent, Servers, "An event that the server sends is removed.",
		"keep the event, deprecated, until no client listens for it"},
	{ruleServerAdded, Servers, "What the server sends gets a field, and clients that were generated from a strict schema refuse it.",
		"roll out clients of a schema without strict first"},
	{ruleServerOptional, Servers, "A required field of what the server sends becomes optional.",
		"leave the field required, or give it a default, which is always written"},
	{ruleServerRemoved, Servers, "A field of what the server sends is removed.",
		"keep the field, deprecated, until no client reads it"},
	{ruleServerEnum, Servers, "An enum that the server sends gets a value.",
		"add a field with an enum of its own, and leave this one as it is until no old client is left"},
	{ruleServerVariant, Servers, "A union that the server sends gets a variant.",
		"add a field or event with a union of its own, and leave this one as it is until no old client is left"},
	{ruleServerType, Servers, "What the server sends gets a type with values that the old one does not take.",
		another},
	{ruleServerConstraint, Servers, "A constraint on what the server sends gets looser: a Go client refuses what its own schema forbids.",
		"leave the constraint until no old client is left"},
	{ruleServerPattern, Servers, "A string that the server sends gets another pattern, or none: it may be one that the old one refused.",
		"check by hand that the old pattern takes all that the new one takes; then ignore this rule here"},
}
