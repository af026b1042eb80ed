// Package scenarios holds the shipped scenarios, in folders by purpose. Each
// begins with a comment that says what it proves, and which seeded defects of
// the embedded gateway make it fail.
package scenarios

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed *.yaml */*.yaml
var files embed.FS

// List returns the files of the shipped scenarios, relative to this folder, with
// slashes and without `.yaml`: reconnect-storm, voting/live-tally. Those at the
// top come first, then folder by folder; the last elements are unique.
func List() []string {
	var top, grouped []string
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		name, ok := strings.CutSuffix(name, ".yaml")
		switch {
		case !ok || err != nil || d.IsDir():
		case strings.Contains(name, "/"):
			grouped = append(grouped, name)
		default:
			top = append(top, name)
		}
		return nil
	})
	return append(top, grouped...)
}

// Names returns the names of the shipped scenarios in the order of List, without
// folders.
func Names() []string {
	names := List()
	for i, name := range names {
		names[i] = path.Base(name)
	}
	return names
}

// Find returns the shipped scenario of a name, with or without its folder and
// `.yaml`; file is relative to this folder. The source is the caller's.
func Find(name string) (file string, source []byte, ok bool) {
	name = strings.TrimSuffix(name, ".yaml")
	for _, one := range List() {
		if one == name || path.Base(one) == name {
			source, err := files.ReadFile(one + ".yaml")
			return one + ".yaml", source, err == nil
		}
	}
	return "", nil, false
}
