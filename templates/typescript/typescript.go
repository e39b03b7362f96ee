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

var outputs = template.Must(template.New("").Funcs(template.FuncMap{
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
	return execute("client.ts.tmpl", o.File, m)
}

// execute renders the template with the data as a single file.
func execute(template, file string, data any) ([]templates.File, error) {
	var b bytes.Buffer
	if err := outputs.ExecuteTemplate(&b, template, data); err != nil {
		return nil, fmt.Errorf("typescript: %s: %w", file, err)
	}
	return []templates.File{{Path: file, Content: b.Bytes()}}, nil
}
