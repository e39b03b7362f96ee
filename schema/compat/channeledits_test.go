package compat_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
)

// channelEdits changes channels, their events and their topics.
func channelEdits(s *ir.Schema) []edit {
	var list []edit
	for i, ch := range s.Channels {
		add := func(name string, apply func(*ir.Channel)) {
			list = append(list, edit{ch.Name + " " + name, func(s *ir.Schema) { apply(s.Channels[i]) }})
		}
		list = append(list, edit{ch.Name + " is removed", func(s *ir.Schema) { s.Channels = slices.Delete(s.Channels, i, i+1) }})
		add("is renamed", func(ch *ir.Channel) { ch.Name += "Again" })
		add("is documented", func(ch *ir.Channel) { ch.Doc, ch.Deprecated = "Other words.", "Not any more." })
		add("toggles history", func(ch *ir.Channel) {
			if ch.History != nil {
				ch.History = nil
				return
			}
			ch.History = &ir.History{Size: 5, TTLMillis: 5}
		})
		add("toggles presence", func(ch *ir.Channel) { ch.HasPresence, ch.Presence = !ch.HasPresence, ir.Payload{} })
		add("gains events", func(ch *ir.Channel) {
			ch.ClientEvents = append(ch.ClientEvents, &ir.ClientEvent{Name: "added"})
			ch.ServerEvents = append(ch.ServerEvents, &ir.ServerEvent{Name: "added"})
		})
		for at, e := range ch.ClientEvents {
			add(e.Name+" is removed", func(ch *ir.Channel) { ch.ClientEvents = slices.Delete(ch.ClientEvents, at, at+1) })
			add(e.Name+" is renamed", func(ch *ir.Channel) { ch.ClientEvents[at].Name += "_2" })
			add(e.Name+" becomes concurrent", func(ch *ir.Channel) { ch.ClientEvents[at].Concurrent = !e.Concurrent })
		}
		for at, e := range ch.ServerEvents {
			add("server "+e.Name+" is removed", func(ch *ir.Channel) { ch.ServerEvents = slices.Delete(ch.ServerEvents, at, at+1) })
			add("server "+e.Name+" is renamed", func(ch *ir.Channel) { ch.ServerEvents[at].Name += "_2" })
			add("server "+e.Name+" is delivered otherwise", func(ch *ir.Channel) {
				ch.ServerEvents[at].Delivery, ch.ServerEvents[at].Intercept = ir.Volatile, !e.Intercept
			})
		}
	}
	return append(list, topicEdits(s)...)
}

// topicEdits changes each segment of each topic, and adds channels with these topics beside those that have them.
func topicEdits(s *ir.Schema) []edit {
	var list []edit
	for i, ch := range s.Channels {
		topics := map[string][]ir.Segment{
			"is longer":       append(slices.Clone(ch.Topic.Segments), ir.Segment{Literal: "more"}),
			"is longer still": append(slices.Clone(ch.Topic.Segments), ir.Segment{Param: "more", Kind: ir.String}),
			"is shorter":      ch.Topic.Segments[:len(ch.Topic.Segments)-1],
		}
		for at, was := range ch.Topic.Segments {
			for name, to := range map[string]ir.Segment{
				"other": {Literal: "other"}, "five": {Literal: "5"}, "text": {Param: "p", Kind: ir.String}, "int": {Param: "p", Kind: ir.Int},
				"uuid": {Param: "p", Kind: ir.UUID}, "rest": {Param: "p", Kind: ir.String, Rest: true},
			} {
				if to.Rest != was.Rest && at < len(ch.Topic.Segments)-1 {
					topics["ends in "+was.Literal+was.Param+" with "+name] = append(slices.Clone(ch.Topic.Segments[:at]), to)
					continue
				}
				changed := slices.Clone(ch.Topic.Segments)
				changed[at] = to
				topics["has "+name+" for "+was.Literal+was.Param] = changed
			}
		}
		for name, segments := range topics {
			if len(segments) == 0 || slices.ContainsFunc(segments[:len(segments)-1], func(s ir.Segment) bool { return s.Rest }) {
				continue
			}
			edits := []edit{{ch.Name + "'s topic " + name, func(s *ir.Schema) { s.Channels[i].Topic.Segments = segments }}}
			edits = append(edits, edit{ch.Name + " has a twin whose topic " + name, func(s *ir.Schema) {
				twin := *s.Channels[i]
				twin.Name, twin.Topic.Segments = "Twin", segments
				s.Channels = append(s.Channels, &twin)
			}}, edit{ch.Name + " has an empty neighbour whose topic " + name, func(s *ir.Schema) {
				s.Channels = append(s.Channels, &ir.Channel{Name: "Neighbour", Topic: ir.Topic{Segments: segments}})
			}})
			for _, e := range edits {
				if !ambiguous(s, e) {
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// ambiguous reports whether an edit makes two channels match one topic, neither of them more specific: no schema does.
func ambiguous(s *ir.Schema, e edit) bool {
	edited := *s
	edited.Channels = nil
	for _, ch := range s.Channels {
		edited.Channels = append(edited.Channels, new(*ch))
	}
	e.apply(&edited)
	src := "version: 1\nchannels:\n"
	for i, ch := range edited.Channels {
		src += fmt.Sprintf("  C%d: { topic: %q }\n", i, topicText(ch.Topic.Segments))
	}
	_, problems := schema.Parse("x.yaml", []byte(src))
	return len(problems) > 0
}

func topicText(segments []ir.Segment) string {
	var parts []string
	for i, s := range segments {
		switch {
		case s.Param == "":
			parts = append(parts, s.Literal)
		case s.Rest:
			parts = append(parts, fmt.Sprintf("{p%d*}", i))
		case s.Kind == ir.String:
			parts = append(parts, fmt.Sprintf("{p%d}", i))
		default:
			parts = append(parts, fmt.Sprintf("{p%d:%s}", i, s.Kind))
		}
	}
	return strings.Join(parts, ":")
}
