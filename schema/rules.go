package schema

// Rule is one kind of problem.
type Rule struct {
	ID   string
	Text string // one line for the docs: what the rule wants
}

// Rules returns every rule in the order in which the docs list them.
func Rules() []Rule { return append([]Rule(nil), rules...) }

const (
	ruleFileTooLarge    = "file-too-large"
	ruleNotUTF8         = "not-utf8"
	ruleBadCharacter    = "bad-character"
	ruleEmptyFile       = "empty-file"
	ruleSyntax          = "yaml-syntax"
	ruleTab             = "yaml-tab"
	ruleFlowOptional    = "yaml-question-mark"
	ruleAnchor          = "yaml-anchor"
	ruleTag             = "yaml-tag"
	ruleSecondDocument  = "yaml-second-document"
	ruleBadKey          = "yaml-key"
	ruleDuplicateKey    = "duplicate-key"
	ruleDuplicateItem   = "duplicate-item"
	ruleNesting         = "nesting"
	ruleVersion         = "version"
	ruleUnknownKey      = "unknown-key"
	ruleMissingKey      = "missing-key"
	ruleWrongShape      = "wrong-shape"
	ruleBadValue        = "bad-value"
	ruleBadName         = "bad-name"
	ruleReservedName    = "reserved-name"
	ruleNameCollision   = "name-collision"
	ruleTypeBody        = "type-body"
	ruleEmptyType       = "empty-type"
	ruleTypeSyntax      = "type-syntax"
	ruleUnknownType     = "unknown-type"
	ruleUnknownError    = "unknown-error"
	ruleObjectWanted    = "object-wanted"
	ruleEndless         = "endless-type"
	ruleConnectParam    = "connect-param"
	ruleMisplaced       = "constraint-place"
	ruleNoValue         = "constraint-empty"
	rulePattern         = "pattern"
	ruleDefaultRequired = "default-required"
	ruleBadDefault      = "bad-default"
	ruleBadExample      = "bad-example"
	ruleTopic           = "topic"
	ruleAmbiguousTopic  = "topic-ambiguous"
	ruleLatestField     = "latest-field"
	ruleBinaryHistory   = "binary-history"
)

var rules = []Rule{
	{ruleFileTooLarge, "A schema has at most 1 MiB."},
	{ruleNotUTF8, "A schema is UTF-8."},
	{ruleBadCharacter, "Control characters and line breaks other than LF and CRLF are written as escapes."},
	{ruleEmptyFile, "A file holds a schema."},
	{ruleSyntax, "A schema is YAML."},
	{ruleTab, "Spaces indent, tabs do not."},
	{ruleFlowOptional, "Between { and } a key with ? is quoted: { \"title?\": string }."},
	{ruleAnchor, "Anchors, aliases and merge keys are not part of the language: a type is declared instead."},
	{ruleTag, "Tags such as !!str are not part of the language."},
	{ruleSecondDocument, "A file holds one document."},
	{ruleBadKey, "A key is a text."},
	{ruleDuplicateKey, "A key stands in a mapping once, whether with ? or without."},
	{ruleDuplicateItem, "A value stands in a list of enum values or errors once."},
	{ruleNesting, "Nothing is nested more than 64 deep."},
	{ruleVersion, "The schema says version: 1."},
	{ruleUnknownKey, "A mapping has the keys of the language; keys that begin with x- are free."},
	{ruleMissingKey, "What has to be said is said."},
	{ruleWrongShape, "A mapping, list, text, bool or number stands where one is wanted."},
	{ruleBadValue, "A value is one of those that its key takes."},
	{ruleBadName, "Types and channels are UpperCamel; other names are ASCII letters, digits and _, in events also - . and :."},
	{ruleReservedName, "Names that the protocol, the runtime or generated code needs are not taken."},
	{ruleNameCollision, "No two names end as one identifier in Go or TypeScript, generated ones included."},
	{ruleTypeBody, "A type has one of fields, enum and union."},
	{ruleEmptyType, "An enum has a value, a union a variant."},
	{ruleTypeSyntax, "A type is a scalar, a declared type, list(T) or map(T)."},
	{ruleUnknownType, "A type that is used is a scalar or declared."},
	{ruleUnknownError, "An error that is named is declared."},
	{ruleObjectWanted, "Payloads, replies, params, presence and the fields of others are objects."},
	{ruleEndless, "A type that holds itself does so where a value can end: in an optional field, a list, a map or one variant of several, and not by defaults."},
	{ruleConnectParam, "A connect param is a scalar or an enum."},
	{ruleMisplaced, "A constraint stands with a type that it goes with."},
	{ruleNoValue, "Constraints leave a value: no maximum is less than its minimum."},
	{rulePattern, "A pattern is what RE2 and JavaScript's u flag both understand."},
	{ruleDefaultRequired, "Only an optional field has a default."},
	{ruleBadDefault, "A default is a value of its type and keeps its constraints."},
	{ruleBadExample, "An example is a value of its type and keeps its constraints."},
	{ruleTopic, "A topic is segments between colons, each a literal, {name}, {name:int}, {name:uuid} or at the end {name*}."},
	{ruleAmbiguousTopic, "Of two topics that match alike one is more specific."},
	{ruleLatestField, "delivery: { latest: field } names a required field of the payload that is a string, uuid, int, int64 or enum."},
	{ruleBinaryHistory, "A bytes event with delivery: stream is not on a channel with history."},
}
