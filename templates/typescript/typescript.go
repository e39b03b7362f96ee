// Package typescript renders a schema as one TypeScript module: an interface for every type and payload, a contract
// for each channel, and the runtime that they are used with. The module has no dependency and compiles under the
// strictest settings of TypeScript 5.9 and later.
//
// # Names
//
// Types and channels keep their names, errors and payloads get the names that they have in Go (RoomSendMessage,
// SlowDownError), and members of objects are spelled as on the wire. The list of an enum's values is named after it
// (RoleValues), and a channel's definition is its name with the first word in small letters (room). A name that
// JavaScript or TypeScript has already, such as Error or delete, gets an underscore at its end.
package typescript

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"

	"github.com/chgen/chgen/runtime/ts"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/templates"
)

// Options say how a schema is rendered.
type Options struct {
	// File is the name of the output; <schema>.gen.ts where it is empty.
	File string
	// Runtime is the import specifier of a module that holds the runtime, such as another generated client. Where it
	// is empty the output carries the runtime itself and imports nothing.
	Runtime string
}

//go:embed *.ts.tmpl
var files embed.FS

var client = template.Must(template.New("client.ts.tmpl").Funcs(template.FuncMap{
	"quote":   quote,
	"comment": comment,
}).ParseFS(files, "*.ts.tmpl"))

// Render returns the client for s as a single file.
func Render(s *ir.Schema, o Options) ([]templates.File, error) {
	if o.File == "" {
		o.File = s.Name + ".gen.ts"
	}
	m := newModule(s)
	if o.Runtime == "" {
		m.Source = ts.Source()
	} else {
		m.Runtime = o.Runtime
	}
	var b bytes.Buffer
	if err := client.Execute(&b, m); err != nil {
		return nil, fmt.Errorf("typescript: %s: %w", s.File, err)
	}
	return []templates.File{{Path: o.File, Content: b.Bytes()}}, nil
}
