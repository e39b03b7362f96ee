package main

import (
	"bytes"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema"
)

// starter is the project that init starts. Go files end in .txt, so that they are no package of ours; MODULE in them
// stands for the path of the package.
//
//go:embed starter
var starter embed.FS

// goVersion is what the go.mod of a new project says: what that of chgen does, or the go command would change it.
const goVersion = "1.26.0"

// init writes a project that runs, with its outputs.
func (c *command) init(args []string) int {
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	if code, done := c.parse(flags, args); done {
		return code
	}
	if flags.NArg() > 1 {
		c.errorf("init takes at most one directory")
		return exitUsage
	}
	dir := "."
	if flags.NArg() == 1 {
		dir = filepath.Clean(flags.Arg(0))
	}
	outputs, err := startProject(dir)
	if err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	obstacles, err := inTheWay(dir, outputs)
	switch {
	case err != nil:
		c.errorf("%v", err)
		return exitUsage
	case len(obstacles) > 0:
		c.errorf("init overwrites nothing, and in the way stand:\n%s\nto start elsewhere: chgen init DIR", strings.Join(obstacles, "\n"))
		return exitProblems
	}
	if err := write(outputs); err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	for _, o := range outputs {
		fmt.Fprintln(c.stdout, "wrote", o.path)
	}
	fmt.Fprintf(c.stdout, "\nnext:\n%s\n", nextCommand(dir))
	return exitFine
}

// nextCommand is what runs the new project. The version of chgen is this one's where it has one.
func nextCommand(dir string) string {
	tool := "github.com/chgen/chgen/cmd/chgen"
	if v := moduleVersion(); strings.HasPrefix(v, "v") && !strings.Contains(v, "+") {
		tool += "@" + v
	}
	commands := []string{"go get -tool " + tool, "go get .", "go run ."}
	if dir != "." {
		commands = slices.Insert(commands, 0, "cd "+shellQuote(dir))
	}
	return strings.Join(commands, " && ")
}

// startProject makes every file of the project in dir: the starter's, what is generated from its schema, and a go.mod
// unless dir is inside of a module.
func startProject(dir string) ([]*output, error) {
	var outputs []*output
	module, err := modulePath(absolute(dir))
	if err != nil {
		return nil, err
	}
	if module == "" {
		module = "example/" + moduleName(filepath.Base(absolute(dir)))
		content := fmt.Sprintf("module %s\n\ngo %s\n", module, goVersion)
		outputs = append(outputs, &output{path: filepath.Join(dir, "go.mod"), content: []byte(content)})
	}
	err = fs.WalkDir(starter, "starter", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := starter.ReadFile(name)
		name = strings.TrimSuffix(strings.TrimPrefix(name, "starter/"), ".txt")
		content = bytes.ReplaceAll(content, []byte("MODULE"), []byte(module))
		o := &output{path: filepath.Join(dir, filepath.FromSlash(name)), content: content}
		outputs = append(outputs, o)
		if path.Ext(name) != ".yaml" || err != nil {
			return err
		}
		parsed, problems := schema.Parse(name, content)
		if len(problems) > 0 {
			return errors.New(problems[0].Message) // cannot be: a test generates from it
		}
		generated, err := render(&source{path: o.path, text: content, schema: parsed}, outputArgs{})
		outputs = append(outputs, generated...)
		return err
	})
	return outputs, err
}

// inTheWay names what stands where outputs would, and Go files that would be in the package with them.
func inTheWay(dir string, outputs []*output) ([]string, error) {
	var obstacles []string
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == ".go" {
			obstacles = append(obstacles, filepath.Join(dir, entry.Name()))
		}
	}
	for _, o := range outputs {
		_, err := os.Lstat(o.path)
		switch {
		case err == nil && !slices.Contains(obstacles, o.path):
			obstacles = append(obstacles, o.path)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	slices.Sort(obstacles)
	return obstacles, nil
}

var moduleLine = regexp.MustCompile(`(?m)^\s*module\s+"?([^\s"]+)"?`)

// modulePath returns the import path of dir, which need not exist, or "" where it is in no module.
func modulePath(dir string) (string, error) {
	for root := dir; ; root = filepath.Dir(root) {
		content, err := os.ReadFile(filepath.Join(root, "go.mod"))
		switch {
		case errors.Is(err, fs.ErrNotExist) && root != filepath.Dir(root):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return "", nil
		case err != nil:
			return "", err
		}
		m := moduleLine.FindSubmatch(content)
		if m == nil {
			return "", fmt.Errorf("%s names no module", filepath.Join(root, "go.mod"))
		}
		rel, err := filepath.Rel(root, dir)
		return path.Join(string(m[1]), filepath.ToSlash(rel)), err
	}
}

// moduleName makes an element of a module's path of the name of a directory.
func moduleName(dir string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r == '.' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') {
			return r
		}
		return -1
	}, dir)
	if name = strings.Trim(name, "."); name == "" {
		return "chat"
	}
	return name
}
