package campaign

import (
	"strings"
	"testing"

	"squall/assert"
	"squall/driver/gateway"
	"squall/scenarios"
)

// small makes those shipped scenarios small enough for a bubble whose headers
// don't say how.
var small = map[string][]string{}

// shipped lists the scenarios in the binary, without their folders.
func shipped(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, name := range scenarios.Names() {
		files = append(files, name+".yaml")
	}
	if len(files) == 0 {
		t.Fatal("no shipped scenarios")
	}
	return files
}

// failsWith reads from a scenario's header which defects make it fail.
func failsWith(t *testing.T, file string) []string {
	t.Helper()
	defects := Header(source(t, file), "Fails with")
	if len(defects) == 0 {
		t.Fatalf("the header of %s does not say what makes it fail", file)
	}
	return defects
}

// smallForm is what a shipped scenario's header says of bubbles.
func smallForm(t *testing.T, file string) []string {
	t.Helper()
	return append(Header(source(t, file), "Small"), small[file]...)
}

// seeds is how many runs stand behind each row: as many as are wanted, or one with
// -short.
func seeds(wanted uint64) uint64 {
	if testing.Short() {
		return 1
	}
	return wanted
}

// TestShippedScenariosPassInBubbles: no alarm on the correct gateway, and
// nothing left unexercised, in virtual time. The twenty runs of each are counted by
// squall prove: see TestKeptProof.
func TestShippedScenariosPassInBubbles(t *testing.T) {
	for _, file := range shipped(t) {
		set := smallForm(t, file)
		t.Run(strings.TrimSuffix(file, ".yaml"), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= seeds(4); seed++ {
				if r := bubble(t, plan(t, file, seed, set...)); r.State != assert.Pass {
					t.Errorf("seed %d: a correct gateway did not pass:\n%s", seed, tell(r))
				}
			}
		})
	}
}

// TestDefectsFailByNameInBubbles: each defect that a header names is found, by
// its own name, before anything else is blamed, with a witness that shows it. The
// twenty runs of each are counted by squall prove: see TestKeptProof.
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
				set := append(smallForm(t, file), "target.gateway.defects=["+d+"]")
				r := bubble(t, plan(t, file, 1, set...))
				if err := FoundByName(r, anomaly[d]); err != nil {
					t.Errorf("%v:\n%s", err, tell(r))
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
