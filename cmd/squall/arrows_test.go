package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows are the local packages that each package may import directly. They
// keep the judge, the client and the reference gateway from sharing anything but
// the codec, so that they can't share a mistake.
var arrows = map[string][]string{
	"scenario":              nil,
	"scenarios":             nil,
	"assert/history":        nil,
	"driver/dialect":        nil,
	"driver/fault":          nil,
	"assert/latency":        {"assert/history"},
	"assert":                {"assert/history", "assert/latency", "scenario"},
	"driver/session":        {"driver/dialect", "assert/history"},
	"driver/engine/memory":  nil,
	"driver/engine":         {"driver/engine/memory", "driver/fault"},
	"driver/detour":         {"driver/engine", "driver/fault"},
	"driver":                {"driver/detour", "scenario", "assert/history", "driver/session", "driver/dialect", "driver/fault", "driver/engine"},
	"driver/gateway":        {"driver/dialect"},
	"report":                {"assert", "assert/history", "assert/latency"},
	"cmd/internal/campaign": {"scenario", "driver", "driver/detour", "driver/dialect", "driver/engine", "driver/engine/memory", "driver/gateway", "assert", "assert/history", "assert/latency", "report"},
}

// owners are the folders that may import a library.
var owners = map[string][]string{
	"github.com/spf13/cobra":                  {"cmd/squall"},
	"gopkg.in/yaml.v3":                        {"scenario"},
	"github.com/expr-lang/expr":               {"scenario"},
	"github.com/invopop/jsonschema":           {"scenario"},
	"github.com/HdrHistogram/hdrhistogram-go": {"assert/latency"},
	"github.com/gobwas/ws":                    {"driver/engine", "driver/gateway"},
	"github.com/klauspost/compress":           {"assert/history"},
	"github.com/mochi-mqtt/server/v2":         {"driver/dialect"},
	"github.com/tmaxmax/go-sse":               {"driver/detour"},
	"golang.org/x/term":                       {"cmd/squall"},
	"github.com/golang-jwt/jwt/v5":            {"cmd/internal/campaign"},
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "squall/...").Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	seen := 0
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "squall/")
		may, known := arrows[name]
		if !known && name != "cmd/squall" {
			t.Errorf("package %s has no place in the house: add it to arrows", name)
			continue
		}
		seen++
		for _, imp := range p.Imports {
			if local, ok := strings.CutPrefix(imp, "squall/"); ok {
				if known && !slices.Contains(may, local) {
					t.Errorf("%s may not import %s", name, local)
				}
				continue
			}
			for lib, folders := range owners {
				if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !slices.Contains(folders, name) {
					t.Errorf("%s imports %s, which belongs to %s", name, imp, strings.Join(folders, " and "))
				}
			}
		}
	}
	if seen < len(arrows) {
		t.Errorf("saw %d packages, want all %d of the table", seen, len(arrows)+1)
	}
}
