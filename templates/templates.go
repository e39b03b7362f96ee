// Package templates is what the renderers of an ir.Schema have in common. Each renderer is a package below this one
// whose Render is a pure function: the same schema gives the same bytes, and nothing is read or written.
package templates

// File is one rendered output.
type File struct {
	Path    string // relative to the directory that the output belongs in, with slashes
	Content []byte
}
