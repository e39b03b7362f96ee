package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/compat"
	"github.com/chgen/chgen/schema/ir"
)

// breakingArgs is what the command line of breaking says.
type breakingArgs struct {
	against, format string
}

func breakingFlags() (*flag.FlagSet, *breakingArgs) {
	b := &breakingArgs{}
	flags := flag.NewFlagSet("breaking", flag.ContinueOnError)
	flags.StringVar(&b.against, "against", "", "the old schema: `FILE`, or git:REV for the same path at a revision")
	flags.StringVar(&b.format, "format", "text", "write `text`, json or github (workflow annotations)")
	return flags, b
}

// breaking reports what in a schema would break clients that are deployed with an older one.
func (c *command) breaking(args []string) int {
	flags, b := breakingFlags()
	if code, done := c.parse(flags, args); done {
		return code
	}
	formats := map[string]func(compat.Files, []compat.Change) error{
		"text":   func(f compat.Files, changes []compat.Change) error { return f.Text(c.stdout, changes) },
		"json":   func(f compat.Files, changes []compat.Change) error { return f.JSON(c.stdout, changes) },
		"github": func(f compat.Files, changes []compat.Change) error { return f.GitHub(c.stdout, changes) },
	}
	write := formats[b.format]
	if flags.NArg() != 1 || b.against == "" || write == nil {
		c.errorf("breaking needs -against FILE or -against git:REV, and one schema; -format is text, json or github\nchgen help breaking says more")
		return exitUsage
	}
	now := revision{path: flags.Arg(0)}
	old := revision{path: b.against}
	if commit, ok := strings.CutPrefix(b.against, "git:"); ok {
		old = revision{path: now.path, commit: commit, isGit: true}
	}
	was, _, code := c.readRevision(old)
	is, src, newCode := c.readRevision(now)
	if was == nil || is == nil {
		return max(code, newCode)
	}
	changes := compat.Ignores(src).Filter(compat.Compare(was, is))
	if err := write(compat.Files{Old: old.String(), New: now.String()}, changes); err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	if len(changes) > 0 {
		return exitProblems
	}
	return exitFine
}

// revision is a schema on the disk or in git.
type revision struct {
	path, commit string
	isGit        bool
}

func (r revision) String() string {
	if r.isGit {
		return r.commit + ":" + filepath.ToSlash(r.path)
	}
	return r.path
}

// readRevision parses a schema; where it is nil, the reason has been reported and code says of what kind it is.
func (c *command) readRevision(r revision) (parsed *ir.Schema, src []byte, code int) {
	src, err := r.read()
	if err != nil {
		c.errorf("%v", err)
		return nil, nil, exitUsage
	}
	parsed, problems := schema.Parse(filepath.Base(r.path), src)
	if len(problems) > 0 {
		if err := problems.Render(c.stderr, r.String(), src); err != nil {
			return nil, nil, exitUsage
		}
		return nil, nil, exitProblems
	}
	return parsed, src, exitFine
}

func (r revision) read() ([]byte, error) {
	if r.isGit {
		return r.show()
	}
	src, err := os.ReadFile(r.path)
	if err != nil {
		return nil, errors.New(unreadable(r.path, err))
	}
	return src, nil
}

// show reads the file as it was in the revision.
func (r revision) show() ([]byte, error) {
	if r.commit == "" || strings.HasPrefix(r.commit, "-") {
		return nil, fmt.Errorf("-against git:%s names no revision: write git:main or git:v1.2.0", r.commit)
	}
	dir, base := filepath.Split(r.path)
	if info, err := os.Stat(filepath.Join(dir, ".")); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: there is no such directory", dir)
	}
	if _, err := git(dir, "rev-parse", "--git-dir"); err != nil {
		return nil, err
	}
	if _, err := git(dir, "rev-parse", "--verify", "--quiet", r.commit+"^{commit}"); err != nil {
		return nil, fmt.Errorf("git knows no revision %s here (a shallow clone lacks old ones: git fetch --unshallow)", r.commit)
	}
	src, err := git(dir, "show", r.commit+":./"+filepath.ToSlash(base))
	if err != nil {
		return nil, fmt.Errorf("%s is not there: %w", r, err)
	}
	return src, nil
}

// git runs git in a directory and returns what it prints.
func git(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(gitEnviron(), "LC_ALL=C")
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed, and -against git:REV needs it")
	case errors.As(err, &exit):
		return nil, fmt.Errorf("git: %s", strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}

// gitEnviron is the environment without a GIT_DIR that goes with the current directory, as hooks have it in linked work
// trees: git would take any other directory for the root of the work tree.
func gitEnviron() []string {
	env := os.Environ()
	if os.Getenv("GIT_WORK_TREE") != "" {
		return env
	}
	return slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, "GIT_DIR=") })
}
