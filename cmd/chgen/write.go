package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// write puts every output in its place. All are written in full beside their places before the first is moved there,
// so that a full disk changes nothing and an end at any moment leaves each file whole, old or new. What is behind a
// symbolic link is written, and the link stays.
func write(outputs []*output) error {
	var temps []string
	defer func() {
		for _, temp := range temps {
			_ = os.Remove(temp) // gone already where all went well
		}
	}()
	for _, o := range outputs {
		temp, err := stage(o)
		if temp != "" {
			temps = append(temps, temp)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
	}
	for i, o := range outputs {
		if err := os.Rename(temps[i], target(o.path)); err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
	}
	return nil
}

// target is what a symbolic link leads to, the path itself where there is none.
func target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// stage writes an output to a new file beside its place and returns the name of that file.
func stage(o *output) (temp string, err error) {
	dir := filepath.Dir(target(o.path))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, fmt.Sprintf(".chgen-%d-*.tmp", os.Getpid()))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(o.content); err != nil {
		return f.Name(), err
	}
	if err := f.Chmod(mode(o)); err != nil {
		return f.Name(), err
	}
	return f.Name(), f.Sync()
}

var staged = regexp.MustCompile(`^\.chgen-(?:([0-9]+)-)?[0-9]+\.tmp$`)

// sweep removes what runs that were killed have left beside these outputs. A file that stays is in nobody's way.
func sweep(outputs []*output) {
	swept := map[string]bool{}
	for _, o := range outputs {
		dir := filepath.Dir(target(o.path))
		if swept[dir] {
			continue
		}
		swept[dir] = true
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if m := staged.FindStringSubmatch(entry.Name()); m != nil && !running(m[1]) {
				_ = os.Remove(filepath.Join(dir, entry.Name()))
			}
		}
	}
}

// running reports whether there is a process of this id, which may be writing at this moment.
func running(id string) bool {
	pid, err := strconv.Atoi(id)
	if err != nil {
		return false
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = process.Release() }()
	return !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// mode keeps the permissions of a file that is replaced.
func mode(o *output) os.FileMode {
	if info, err := os.Stat(o.path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}

// remove removes an orphan.
func remove(path string) error {
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove what no schema makes any more: %w", err)
	}
	return nil
}
