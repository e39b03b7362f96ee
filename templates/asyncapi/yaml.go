package asyncapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// member is a member of a mapping. One without a value is left out.
type member struct {
	name  string
	value *yaml.Node
}

// m is a member. Nil, false and empty texts and lists are no values.
func m(name string, value any) member {
	return member{name, valueOf(value)}
}

func valueOf(value any) *yaml.Node {
	switch value := value.(type) {
	case *yaml.Node:
		return value
	case string:
		if value != "" {
			return text(value)
		}
	case bool:
		if value {
			return plain("true")
		}
	case int:
		return plain(strconv.Itoa(value))
	case *int:
		if value != nil {
			return plain(strconv.Itoa(*value))
		}
	case *string: // a number, in decimal
		if value != nil {
			return plain(*value)
		}
	case []string:
		if len(value) > 0 {
			return texts(value)
		}
	case []*yaml.Node:
		if len(value) > 0 {
			return list(value...)
		}
	default:
		panic(fmt.Sprintf("asyncapi: %T is no value", value))
	}
	return nil
}

func mapping(members ...member) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	add(n, members...)
	return n
}

// add puts members at the end of a mapping.
func add(n *yaml.Node, members ...member) {
	for _, m := range members {
		if m.value != nil {
			n.Content = append(n.Content, text(m.name), m.value)
		}
	}
}

func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items}
}

func texts(items []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, item := range items {
		n.Content = append(n.Content, text(item))
	}
	return n
}

// text is a string. The encoder quotes what YAML 1.2 would read as something else; what only YAML 1.1 does is quoted
// here.
func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "=":
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// plain is a number or a literal, as YAML writes it.
func plain(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: s}
}

// rawJSON is a value that stands in the schema as JSON. It is not read as YAML, which has no keys as long and fewer
// characters.
func rawJSON(text string) *yaml.Node {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return jsonValue(d)
}

func jsonValue(d *json.Decoder) *yaml.Node {
	token, err := d.Token()
	if err != nil {
		panic(fmt.Sprintf("asyncapi: the schema holds a value that is no JSON: %v", err))
	}
	switch token := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		if token == '{' {
			n.Kind = yaml.MappingNode
		}
		for d.More() {
			n.Content = append(n.Content, jsonValue(d)) // of an object a key, then its value
		}
		_, _ = d.Token() // the closing bracket, which More has seen
		return n
	case string:
		n := text(token)
		n.Style = yaml.DoubleQuotedStyle
		return n
	case json.Number:
		return plain(token.String())
	case bool:
		return plain(strconv.FormatBool(token))
	}
	return plain("null")
}

// component refers to a component of a kind.
func component(kind, name string) *yaml.Node {
	return mapping(m("$ref", "#/components/"+kind+"/"+name))
}

// paragraphs joins texts, leaving out those that are empty.
func paragraphs(parts ...string) string {
	var kept []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "\n\n")
}
