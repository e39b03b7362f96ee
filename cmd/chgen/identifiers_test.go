package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/templates/golang"
	"github.com/chgen/chgen/templates/typescript"
)

// The schema refuses names that generated code takes. These tests hold what it refuses to what the templates write.

const everything = "../../testdata/schemas/valid/everything.yaml"

func TestSchemaRefusesTypesNamedLikeGeneratedDeclarations(t *testing.T) {
	t.Parallel()
	src := string(read(t, everything))
	s := mustParse(t, src)
	golangFiles, err := golang.Render(s, golang.Options{Package: "everything", Client: true})
	if err != nil {
		t.Fatal(err)
	}
	typescriptFiles, err := typescript.Render(s, typescript.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, f := range golangFiles {
		declared = append(declared, exportedGo(t, f.Content)...)
	}
	exports := regexp.MustCompile(`(?m)^export (?:declare |abstract )*(?:class|interface|type|const|function) ([A-Z]\w*)`)
	for _, m := range exports.FindAllStringSubmatch(string(typescriptFiles[0].Content), -1) {
		declared = append(declared, m[1])
	}
	if len(declared) < 100 {
		t.Fatalf("%d declarations are too few", len(declared))
	}
	for _, id := range declared {
		id = strings.TrimSuffix(id, "_") // escaped: no type's name ends so
		refuses(t, id, strings.Replace(src, "\ntypes:\n", "\ntypes:\n  "+id+": { fields: {} }\n", 1))
	}
}

func TestSchemaRefusesFieldsNamedLikeGeneratedMethods(t *testing.T) {
	t.Parallel()
	src := `version: 1
connect: { params: { FIELD_CONNECT: string } }
types:
  Thing: { fields: { FIELD_THING: string } }
errors:
  slow: { fields: { FIELD_ERROR: string } }
channels:
  Room: { topic: "room:{FIELD_TOPIC}" }
`
	files, err := golang.Render(mustParse(t, src), golang.Options{Package: "p"})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"ConnectParams": "FIELD_CONNECT", "Thing": "FIELD_THING", "SlowError": "FIELD_ERROR", "RoomTopic": "FIELD_TOPIC"}
	methods := 0
	for _, decl := range parseGo(t, files[0].Content).Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv == nil || !f.Name.IsExported() {
			continue
		}
		receiver := f.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		if field := types[receiver.(*ast.Ident).Name]; field != "" {
			methods++
			refuses(t, f.Name.Name, strings.Replace(src, field, f.Name.Name, 1))
		}
	}
	if methods < 8 {
		t.Errorf("%d methods are too few", methods)
	}
}

func refuses(t *testing.T, id, src string) {
	t.Helper()
	_, problems := schema.Parse("x.yaml", []byte(src))
	for _, p := range problems {
		if p.Rule == "name-collision" || p.Rule == "duplicate-key" {
			return
		}
	}
	t.Errorf("the name %s is taken by generated code, and the schema does not refuse it: %v", id, problems)
}

func exportedGo(t *testing.T, source []byte) []string {
	t.Helper()
	var ids []string
	add := func(id *ast.Ident) {
		if id.IsExported() {
			ids = append(ids, id.Name)
		}
	}
	for _, decl := range parseGo(t, source).Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				add(decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name)
					}
				}
			}
		}
	}
	return ids
}

func parseGo(t *testing.T, source []byte) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func mustParse(t *testing.T, src string) *ir.Schema {
	t.Helper()
	s, problems := schema.Parse("x.yaml", []byte(src))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// A Go client has methods of its own, beside those of the events: no schema is refused for them.
func TestEventsNamedLikeAClientsOwnMethodsAreEscaped(t *testing.T) {
	t.Parallel()
	const src = `version: 1
channels:
  Room: { topic: room, presence: { name: string }, client_events: { EVENT: {} }, server_events: { rejoin: {} } }
`
	methods := func(src string) []string {
		files, err := golang.Render(mustParse(t, src), golang.Options{Package: "p", Client: true})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, decl := range parseGo(t, files[1].Content).Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil {
				names = append(names, f.Name.Name)
			}
		}
		return names
	}
	own := methods(strings.Replace(src, "EVENT: {}", "", 1))
	if len(own) < 6 {
		t.Fatalf("%d methods are too few", len(own))
	}
	for _, name := range own {
		if name == "Leave" || name == "OnRejoinEvent" { // which no event may be called, or the server event is called
			continue
		}
		all := methods(strings.Replace(src, "EVENT", name, 1))
		slices.Sort(all)
		if len(slices.Compact(all)) != len(own)+1 {
			t.Errorf("the event %s: its client has the methods %v", name, all)
		}
	}
}
