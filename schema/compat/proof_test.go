package compat_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/schema/compat"
	"github.com/chgen/chgen/schema/ir"
)

// deployment is an old client that meets a new server: what each of them sends is read by the other.
type deployment struct {
	old, now *ir.Schema
	broken   map[compat.Sender][]string // what went wrong, by whose messages it went wrong with
	sent     int
	traffic  *traffic
	all      bool // what is the same on both sides is sent too
}

// traffic keeps the messages of contracts, so that they are made once.
type traffic struct {
	base, edited map[string]sentMessages
}

type sentMessages struct {
	list []message
	cut  map[string]bool
}

// of returns what a side may send.
func (t *traffic) of(p ir.Payload, w *writer) sentMessages {
	key := fmt.Sprint(w.server, w.strict, contract(p))
	for _, known := range []map[string]sentMessages{t.base, t.edited} {
		if made, ok := known[key]; ok {
			return made
		}
	}
	made := sentMessages{list: w.messages(p)}
	made.cut = w.cut
	t.edited[key] = made
	return made
}

// deploy sends everything that the schemas allow.
func deploy(old, now *ir.Schema, tr *traffic, all bool) *deployment {
	d := &deployment{old: old, now: now, traffic: tr, all: all, broken: map[compat.Sender][]string{}}
	d.connect()
	pairs := map[[2]*ir.Channel]bool{}
	oldServes, newServes := router(old, now)
	for _, topic := range slices.Sorted(maps.Keys(oldServes)) {
		was, is := oldServes[topic], newServes[topic]
		switch {
		case is == nil:
			d.breaks(compat.Both, "nobody serves %s", topic)
		case !pairs[[2]*ir.Channel{was, is}]:
			pairs[[2]*ir.Channel{was, is}] = true
			d.channel(was, is)
		}
	}
	return d
}

func (d *deployment) breaks(sender compat.Sender, format string, args ...any) {
	d.broken[sender] = append(d.broken[sender], fmt.Sprintf(format, args...))
}

func (d *deployment) channel(was, is *ir.Channel) {
	d.fromClient("join of "+was.Name, was.Join.Params, is.Join.Params)
	d.fromServer("join reply of "+was.Name, was.Join.Reply, is.Join.Reply)
	d.errors(was.Join.Errors, is.Join.Errors)
	for _, e := range was.ClientEvents {
		i := slices.IndexFunc(is.ClientEvents, func(now *ir.ClientEvent) bool { return now.Name == e.Name })
		if i < 0 {
			d.breaks(compat.Clients, "%s is an unknown event", e.Name)
			continue
		}
		d.fromClient(e.Name, e.Payload, is.ClientEvents[i].Payload)
		d.fromServer("reply to "+e.Name, e.Reply, is.ClientEvents[i].Reply)
		d.errors(e.Errors, is.ClientEvents[i].Errors)
	}
	for _, e := range was.ServerEvents {
		i := slices.IndexFunc(is.ServerEvents, func(now *ir.ServerEvent) bool { return now.Name == e.Name })
		if i < 0 {
			d.breaks(compat.Servers, "%s never comes", e.Name)
			continue
		}
		d.fromServer(e.Name, e.Payload, is.ServerEvents[i].Payload)
	}
	if was.HasPresence && !is.HasPresence {
		d.breaks(compat.Servers, "presence never comes")
	} else if was.HasPresence {
		d.fromServer("presence of "+was.Name, was.Presence, is.Presence)
	}
}

// same reports whether both sides have the same contract. Then nothing new is to be learned: the schema that is edited
// has met itself.
func (d *deployment) same(was, is ir.Payload) bool {
	return !d.all && d.old.Strict == d.now.Strict && contract(was) == contract(is)
}

func (d *deployment) fromClient(what string, was, is ir.Payload) {
	if d.same(was, is) {
		return
	}
	for _, m := range d.traffic.of(was, &writer{strict: d.old.Strict}).list {
		d.sent++
		if err := receive(is, m, &reader{strict: d.now.Strict}); err != nil {
			d.breaks(compat.Clients, "%s: %v", what, err)
			return
		}
	}
}

func (d *deployment) fromServer(what string, was, is ir.Payload) {
	if d.same(was, is) {
		return
	}
	before, after := d.traffic.of(was, &writer{server: true}), d.traffic.of(is, &writer{server: true})
	d.compareSeen(what, func(m message, r *reader) error { return receive(was, m, r) }, before, after)
}

// compareSeen gives old clients what the old server sent and what the new one sends: all must be read, and every member
// that came before must come again, but for those that the writer has cut off.
func (d *deployment) compareSeen(what string, receive func(message, *reader) error, before, after sentMessages) {
	then, now := map[string]bool{}, map[string]bool{}
	for _, m := range before.list {
		if err := receive(m, &reader{strict: d.old.Strict, seen: then}); err != nil {
			panic(fmt.Sprintf("%s: the writer and the reader of one schema disagree: %v in %s", what, err, m.text))
		}
	}
	for _, m := range after.list {
		d.sent++
		if err := receive(m, &reader{strict: d.old.Strict, seen: now}); err != nil {
			d.breaks(compat.Servers, "%s: %v", what, err)
			return
		}
	}
	for path := range then {
		i := strings.LastIndexByte(path, '/')
		if i < 0 || strings.HasSuffix(path, ">") || strings.HasSuffix(path, "/*") || after.cut[path[i+1:]] {
			continue
		}
		if !now[path] && now[path[:i]] {
			d.breaks(compat.Servers, "%s: %s never comes", what, path)
			return
		}
	}
}

func (d *deployment) errors(was, is []*ir.Error) {
	for _, e := range was {
		for _, now := range is {
			if e.Name != now.Name {
				continue
			}
			if d.same(ir.Payload{Fields: e.Fields}, ir.Payload{Fields: now.Fields}) {
				continue
			}
			write := func(fields []*ir.Field) (sent sentMessages) {
				w := &writer{server: true}
				for _, text := range w.objects(fields, `"reason":`+quote(e.Name)+`,"message":"text"`) {
					sent.list = append(sent.list, message{text: text})
				}
				sent.cut = w.cut
				return sent
			}
			read := func(m message, r *reader) error {
				r.read = readError(e.Fields)
				return codec.Unmarshal([]byte(m.text), r)
			}
			d.compareSeen("error "+e.Name, read, write(e.Fields), write(now.Fields))
		}
	}
}

// connect opens sockets: params travel as text, and a server passes over those that it does not know unless it is strict.
func (d *deployment) connect() {
	if d.same(ir.Payload{Fields: d.old.Connect}, ir.Payload{Fields: d.now.Connect}) {
		return
	}
	w := &writer{strict: d.old.Strict}
	for _, object := range w.objects(d.old.Connect, "") {
		var params map[string]json.RawMessage
		if err := json.Unmarshal([]byte(object), &params); err != nil {
			panic(err)
		}
		var texts codec.Texts
		for _, name := range slices.Sorted(maps.Keys(params)) {
			text := string(params[name])
			if unquoted := ""; json.Unmarshal(params[name], &unquoted) == nil && !isValue(d.old.Connect, name) {
				text = unquoted
			}
			switch {
			case !hasField(d.now.Connect, name) && d.now.Strict:
				texts.String(name, "")
			case !hasField(d.now.Connect, name):
			case isValue(d.now.Connect, name):
				texts.Value(name, text)
			default:
				texts.String(name, text)
			}
		}
		r := &reader{strict: d.now.Strict, read: func(r *reader, d2 *codec.Decoder) { r.object(d2, d.now.Connect, "", nil, nil) }}
		d.sent++
		if err := texts.Decode(r); err != nil {
			d.breaks(compat.Clients, "connect: %v", err)
			return
		}
	}
}

func hasField(fields []*ir.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f *ir.Field) bool { return f.Name == name })
}

// isValue reports whether the text of a connect param is JSON.
func isValue(fields []*ir.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f *ir.Field) bool {
		switch f.Type.Kind {
		case ir.Bool, ir.Int, ir.Float, ir.Duration, ir.JSON:
			return f.Name == name
		}
		return false
	})
}

// message is one payload.
type message struct {
	text   string
	binary bool
}

func (w *writer) messages(p ir.Payload) []message {
	var texts []string
	switch p.Kind {
	case ir.Empty:
		texts = w.objects(nil, "")
	case ir.Inline:
		texts = w.objects(p.Fields, "")
	case ir.Reference:
		texts = w.declared(p.Type) // as deep as if its fields stood here
	case ir.AnyJSON:
		texts = w.values(&ir.Type{Kind: ir.JSON})
	case ir.BinaryData:
		return []message{{binary: true}}
	}
	var list []message
	for _, text := range texts {
		list = append(list, message{text: text})
	}
	return list
}

var errKind = &codec.Error{Message: "is binary, or is not"}

// receive reads a payload as the runtime does.
func receive(p ir.Payload, m message, r *reader) error {
	if m.binary != (p.Kind == ir.BinaryData) {
		return errKind
	}
	switch p.Kind {
	case ir.BinaryData:
		return nil
	case ir.AnyJSON:
		return codec.Valid([]byte(m.text))
	case ir.Empty:
		r.see("")
		if m.text[0] != '{' && m.text != "null" {
			return &codec.Error{Message: "must be an object"}
		}
		return codec.Valid([]byte(m.text))
	case ir.Inline:
		r.read = func(r *reader, d *codec.Decoder) { r.object(d, p.Fields, "", nil, nil) }
	case ir.Reference:
		r.read = readType(&ir.Type{Kind: ir.Named, Named: p.Type})
	}
	return codec.Unmarshal([]byte(m.text), r)
}

// router says which channels of the two schemas serve each of many topics. Of the channels that match one, the most
// specific is the one that matches the fewest others.
func router(old, now *ir.Schema) (oldServes, newServes map[string]*ir.Channel) {
	topics := map[string]bool{}
	patterns := map[*ir.Channel]*regexp.Regexp{}
	for _, ch := range slices.Concat(old.Channels, now.Channels) {
		patterns[ch] = topicPattern(ch.Topic)
		for _, topic := range topicsOf(ch.Topic.Segments, slices.Concat(old.Channels, now.Channels)) {
			topics[topic] = true
		}
	}
	matched := map[*ir.Channel]int{}
	for ch, pattern := range patterns {
		for topic := range topics {
			if pattern.MatchString(topic) {
				matched[ch]++
			}
		}
	}
	serve := func(channels []*ir.Channel) map[string]*ir.Channel {
		serves := map[string]*ir.Channel{}
		for topic := range topics {
			for _, ch := range channels {
				if best := serves[topic]; patterns[ch].MatchString(topic) && (best == nil || matched[ch] < matched[best]) {
					serves[topic] = ch
				}
			}
		}
		return serves
	}
	return serve(old.Channels), serve(now.Channels)
}

func topicPattern(t ir.Topic) *regexp.Regexp {
	var parts []string
	for _, s := range t.Segments {
		switch {
		case s.Param == "":
			parts = append(parts, regexp.QuoteMeta(s.Literal))
		case s.Rest:
			parts = append(parts, "(?s:.*)")
		case s.Kind == ir.Int:
			parts = append(parts, "(?:0|-?[1-9][0-9]{0,14})")
		case s.Kind == ir.UUID:
			parts = append(parts, "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
		default:
			parts = append(parts, "[^:]+")
		}
	}
	return regexp.MustCompile("^" + strings.Join(parts, ":") + "$")
}

// topicsOf fills parameters with all sorts of values, the literals and tails of other patterns among them.
func topicsOf(segments []ir.Segment, others []*ir.Channel) []string {
	values := []string{"x", "5", "-6", "01234567-89ab-cdef-0123-456789abcdef"}
	tails := []string{"", "x", "5:x:y"}
	for _, ch := range others {
		var parts []string
		for _, s := range ch.Topic.Segments {
			if s.Param == "" {
				values = append(values, s.Literal)
				parts = append(parts, s.Literal)
				continue
			}
			parts = append(parts, map[ir.Kind]string{ir.String: "y", ir.Int: "6", ir.UUID: values[3]}[s.Kind])
		}
		for i := range parts {
			tails = append(tails, strings.Join(parts[i:], ":"))
		}
	}
	topics := []string{""}
	for i, s := range segments {
		choices := slices.Compact(slices.Sorted(slices.Values(values)))
		switch {
		case s.Param == "":
			choices = []string{s.Literal}
		case s.Rest:
			choices = tails
		}
		var longer []string
		for _, topic := range topics {
			for _, choice := range choices {
				if i > 0 {
					choice = topic + ":" + choice
				}
				longer = append(longer, choice)
			}
		}
		topics = longer
	}
	return topics
}

// contract writes out what a payload may be.
func contract(p ir.Payload) string {
	c := &contractText{done: map[string]bool{}}
	c.b.WriteString(string(p.Kind))
	if p.Type != nil {
		c.declared(p.Type)
	}
	c.fields(p.Fields)
	return c.b.String()
}

type contractText struct {
	b    strings.Builder
	done map[string]bool
}

func (c *contractText) fields(fields []*ir.Field) {
	for _, f := range fields {
		fmt.Fprintf(&c.b, "{%s %t %s", f.Name, f.Optional, show(f.Default))
		c.typ(f.Type)
		c.b.WriteByte('}')
	}
}

func (c *contractText) typ(t *ir.Type) {
	fmt.Fprintf(&c.b, "(%s %s %s %s %s %s %s %q", t.Kind, show(t.Min), show(t.Max), show(t.MinLength), show(t.MaxLength),
		show(t.MinItems), show(t.MaxItems), t.Pattern)
	if t.Elem != nil {
		c.typ(t.Elem)
	}
	if t.Named != nil {
		c.declared(t.Named)
	}
	c.b.WriteByte(')')
}

func (c *contractText) declared(d *ir.Decl) {
	c.b.WriteString(d.Name)
	if c.done[d.Name] {
		return
	}
	c.done[d.Name] = true
	c.fields(d.Fields)
	for _, v := range d.Values {
		fmt.Fprintf(&c.b, "%q", v.Wire)
	}
	for _, v := range d.Variants {
		fmt.Fprintf(&c.b, "[%s", v.Name)
		c.fields(v.Fields)
		c.b.WriteByte(']')
	}
}
