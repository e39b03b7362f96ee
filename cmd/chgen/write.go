package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// write puts every output in its place. All are written in full beside their places before the first is moved there,
// so that a full disk changes nothing and an end at any moment leaves each file whole, old or new.
func write(outputs []*output) error {
	var staged []string
	defer func() {
		for _, temp := range staged {
			_ = os.Remove(temp) // gone already where all went well
		}
	}()
	for _, o := range outputs {
		temp, err := stage(o)
		if temp != "" {
			staged = append(staged, temp)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
	}
	for i, o := range outputs {
		if err := os.Rename(staged[i], o.path); err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
	}
	return nil
}

// stage writes an output to a new file beside its place and returns the name of that file.
func stage(o *output) (temp string, err error) {
	dir := filepath.Dir(o.path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".chgen-*.tmp")
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
