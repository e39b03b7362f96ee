package compat

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// Files are the two schemas as reports name them.
type Files struct {
	Old, New string
}

// Text writes the changes for people: by rule, each as "path:line:col: message [rule]" with the place in the old schema,
// and the remedy after the last of a rule. It writes nothing where there are no changes.
func (f Files) Text(w io.Writer, changes []Change) error {
	var b strings.Builder
	for _, rule := range rules {
		found := false
		for _, change := range changes {
			if change.Rule != rule.ID {
				continue
			}
			if !found && b.Len() > 0 {
				b.WriteByte('\n')
			}
			found = true
			fmt.Fprintf(&b, "%s: %s [%s]\n", placeText(f.New, change.New), change.Message, change.Rule)
			fmt.Fprintf(&b, "  %s: before\n", placeText(f.Old, change.Old))
		}
		if found {
			fmt.Fprintf(&b, "      = %s\n", rule.Remedy)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type jsonChange struct {
	Rule    string    `json:"rule"`
	Message string    `json:"message"`
	Remedy  string    `json:"remedy"`
	Old     jsonPlace `json:"old"`
	New     jsonPlace `json:"new"`
}

type jsonPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// JSON writes {"breaking": [{"rule", "message", "remedy", "old", "new"}]}, where old and new are {"file", "line",
// "column"}. The list is in the order of the new schema and empty where there are no changes. Keys may be added, but
// none is renamed or removed.
func (f Files) JSON(w io.Writer, changes []Change) error {
	list := []jsonChange{}
	for _, change := range changes {
		list = append(list, jsonChange{
			change.Rule, change.Message, remedy(change.Rule),
			jsonPlace{f.Old, change.Old.Line, change.Old.Col}, jsonPlace{f.New, change.New.Line, change.New.Col},
		})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(map[string][]jsonChange{"breaking": list})
}

// GitHub writes the changes as annotations, which GitHub's workflows show beside the lines of the new schema.
func (f Files) GitHub(w io.Writer, changes []Change) error {
	var b strings.Builder
	for _, change := range changes {
		fmt.Fprintf(&b, "::error file=%s,line=%d,col=%d,title=%s::%s\n",
			property.Replace(f.New), change.New.Line, change.New.Col, property.Replace("chgen breaking: "+change.Rule),
			data.Replace(fmt.Sprintf("%s (before: %s)\n%s", change.Message, placeText(f.Old, change.Old), remedy(change.Rule))))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// What a workflow command cannot hold is written as in a URL.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func placeText(file string, at ir.Pos) string { return fmt.Sprintf("%s:%d:%d", file, at.Line, at.Col) }

func remedy(id string) string {
	return rules[slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })].Remedy
}
