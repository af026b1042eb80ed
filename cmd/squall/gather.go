package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// gather turns the arguments of `squall run` into scenarios: a folder stands for
// the YAML files in it and in its folders, in the order of their names. Hidden ones
// and links to folders are passed by. Several, or a folder, are reported as one.
func gather(args []string) (files []string, merged bool, err error) {
	merged = len(args) > 1
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			files = append(files, arg) // whether it can be read is told later
			continue
		}
		merged = true
		before := len(files)
		err := filepath.WalkDir(arg, func(name string, e fs.DirEntry, err error) error {
			ext := filepath.Ext(name)
			base := strings.TrimSuffix(e.Name(), ext)
			switch {
			case err != nil:
				return usage(explainRead(name, err, "check its permissions"))
			case strings.HasPrefix(e.Name(), ".") && name != arg && e.IsDir():
				return filepath.SkipDir
			case !e.IsDir() && (ext == ".yaml" || ext == ".yml") && base != settings && !strings.HasPrefix(base, "."):
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, false, err
		}
		if len(files) == before {
			return nil, false, usage(fmt.Errorf("reading %s: no .yaml file is in it; name a scenario", arg))
		}
	}
	for i, f := range files {
		if slices.Contains(files[:i], f) {
			return nil, false, usage(fmt.Errorf("%s is named twice", f))
		}
	}
	return files, merged, nil
}

// settings is the name of the file beside scenarios that holds environments,
// without its extension.
const settings = "squall"
