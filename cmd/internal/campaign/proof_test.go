package campaign

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"squall/assert"
	"squall/driver/gateway"
	"squall/report"
	"squall/scenarios"
)

// small makes a shipped scenario small enough for a bubble.
var small = map[string][]string{
	"replies.yaml":         {"clients.members.count=48"},
	"reconnect-storm.yaml": {"clients.voters.count=160"},
	"fan-out.yaml":         {"clients.listeners.count=24"},
	"cuts.yaml":            {"clients.members.count=60"},
	"slow-consumers.yaml":  {"clients.quick.count=8", "clients.sluggish.count=8"},
}

// shipped lists the scenarios in the binary.
func shipped(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(scenarios.Files, "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shipped scenarios: %v", err)
	}
	return files
}

// failsWith reads from a scenario's header which defects make it fail.
func failsWith(t *testing.T, file string) (defects []string) {
	t.Helper()
	src, err := fs.ReadFile(scenarios.Files, file)
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(src), "# Fails with:")
	if !ok {
		t.Fatalf("the header of %s does not say what makes it fail", file)
	}
	var words strings.Builder
	for i, line := range strings.Split(list, "\n") {
		text, comment := strings.CutPrefix(line, "#")
		if i > 0 && (!comment || strings.TrimSpace(text) == "") {
			break
		}
		words.WriteString(text + " ")
	}
	for _, d := range strings.Split(words.String(), ",") {
		defects = append(defects, strings.TrimSpace(d))
	}
	return defects
}

// seeds is how many runs stand behind each row: 20, or 2 with -short.
func seeds() uint64 {
	if testing.Short() {
		return 2
	}
	return 20
}

// TestShippedScenariosPassInBubbles: no alarm on the correct gateway, and
// nothing left unexercised, in virtual time.
func TestShippedScenariosPassInBubbles(t *testing.T) {
	for _, file := range shipped(t) {
		set, ok := small[file]
		if !ok {
			t.Errorf("%s has no small form", file)
		}
		t.Run(strings.TrimSuffix(file, ".yaml"), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= seeds(); seed++ {
				if r := bubble(t, plan(t, file, seed, set...)); r.State != assert.Pass {
					t.Errorf("seed %d: a correct gateway did not pass:\n%s", seed, tell(r))
				}
			}
		})
	}
}

// TestDefectsFailByNameInBubbles: each defect that a header names is found, by
// its own name, before anything else is blamed, with a witness that shows it.
func TestDefectsFailByNameInBubbles(t *testing.T) {
	anomaly := make(map[string]string)
	named := make(map[string]bool)
	for _, d := range gateway.Defects() {
		anomaly[d.Name] = d.Anomaly
	}
	for _, file := range shipped(t) {
		for _, d := range failsWith(t, file) {
			if anomaly[d] == "" {
				t.Errorf("%s names the unknown defect %q", file, d)
			}
			named[d] = true
			t.Run(strings.TrimSuffix(file, ".yaml")+"/"+d, func(t *testing.T) {
				t.Parallel()
				set := append(slices.Clone(small[file]), "target.gateway.defects=["+d+"]")
				for seed := uint64(1); seed <= seeds(); seed++ {
					r := bubble(t, plan(t, file, seed, set...))
					if err := foundByName(r, anomaly[d]); err != nil {
						t.Errorf("seed %d: %v:\n%s", seed, err, tell(r))
					}
				}
			})
		}
	}
	for d := range anomaly {
		if !named[d] {
			t.Errorf("no shipped scenario's header names the defect %s", d)
		}
	}
}

// foundByName reports what is wrong with a Result that should fail because of
// one anomaly.
func foundByName(r *report.Result, anomaly string) error {
	if r.State != assert.Fail {
		return fmt.Errorf("missed: the run ended as %s", r.State)
	}
	owner := assert.AnomalyOf(anomaly).Define().Owner
	for _, v := range r.Verdicts {
		if v.Rule == owner {
			if v.State != assert.Fail || len(v.Findings) == 0 {
				return fmt.Errorf("%s, which owns %s, did not fail", owner, anomaly)
			}
			f := v.Findings[0]
			if f.Anomaly != anomaly {
				return fmt.Errorf("%s was blamed first, want %s", f.Anomaly, anomaly)
			}
			if n := len(f.Witness); n < 2 || n > 8 {
				return fmt.Errorf("the witness has %d lines", n)
			}
			continue
		}
		for _, f := range v.Findings {
			if v.State == assert.Fail && f.Anomaly != anomaly {
				return fmt.Errorf("%s was blamed by %s, want only %s", f.Anomaly, v.Rule, anomaly)
			}
		}
	}
	return nil
}
