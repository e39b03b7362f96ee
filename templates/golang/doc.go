package golang

import (
	"go/build/constraint"
	"strings"

	"github.com/dave/jennifer/jen"
)

// docLines are the lines of a doc comment: what the generator says, what the schema says, and whether it is
// deprecated. The schema's words follow the first line as a paragraph.
func docLines(about, doc, deprecated string) []string {
	var paragraphs []string
	for _, p := range []string{about, strings.TrimSpace(doc), deprecation(deprecated)} {
		if p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	var lines []string
	for line := range strings.SplitSeq(strings.Join(paragraphs, "\n\n"), "\n") {
		line = "// " + strings.ReplaceAll(line, "\r", "")
		if constraint.IsPlusBuild(line) { // which would decide where the file is built
			line = strings.Replace(line, "+", "\\+", 1)
		}
		lines = append(lines, strings.TrimRight(line, " \t"))
	}
	return lines
}

func deprecation(text string) string {
	switch text {
	case "":
		return ""
	case "deprecated": // the schema gives no reason
		return "Deprecated: do not use."
	}
	return "Deprecated: " + strings.TrimSpace(text)
}

// comment is a doc comment, each line a piece of code.
func comment(about, doc, deprecated string) []jen.Code {
	var code []jen.Code
	for _, line := range docLines(about, doc, deprecated) {
		code = append(code, jen.Comment(line))
	}
	return code
}

// doc writes the doc comment of the declaration that follows.
func (g *generator) doc(about, doc, deprecated string) {
	for _, line := range comment(about, doc, deprecated) {
		g.file.Add(line)
	}
}

// named is the doc comment "Name: the schema's words", or about where the schema says nothing.
func named(name, doc, about string) string {
	if doc = strings.TrimSpace(doc); doc != "" {
		return name + ": " + doc
	}
	return about
}
