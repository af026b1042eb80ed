package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// gather turns the arguments of `squall run` into scenarios: a folder stands for
// the YAML files in it, in the order of their names. Several, or a folder, are
// reported as one.
func gather(args []string) (files []string, merged bool, err error) {
	merged = len(args) > 1
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			files = append(files, arg) // whether it can be read is told later
			continue
		}
		merged = true
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, false, usage(explainRead(arg, errors.Unwrap(err), "check its permissions"))
		}
		before := len(files)
		for _, e := range entries {
			ext := filepath.Ext(e.Name())
			base := strings.TrimSuffix(e.Name(), ext)
			if !e.IsDir() && (ext == ".yaml" || ext == ".yml") && base != settings && !strings.HasPrefix(base, ".") {
				files = append(files, filepath.Join(arg, e.Name()))
			}
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
