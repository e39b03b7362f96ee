package schema

import _ "embed" // for the file below

//go:embed v1.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema (draft 7) by which editors complete and check schemas. It accepts every schema that
// Parse accepts and refuses what has the wrong shape; what depends on another place of the file only Parse can tell.
func JSONSchema() []byte { return append([]byte(nil), jsonSchema...) }
