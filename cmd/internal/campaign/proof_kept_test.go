package campaign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"squall/report"
)

// What the long proofs have counted is kept in testdata/proof. `squall prove
// --seeds 20 --json FILE --resume` adds what a new scenario or defect lacks.
func TestKeptProof(t *testing.T) {
	read := func(name string) *report.Proof {
		f, err := os.Open(filepath.Join("testdata", "proof", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p, err := report.ReadProof(f)
		if err != nil {
			t.Fatal(err)
		}
		if n := p.Totals(); n.Wrong > 0 || n.Untried > 0 {
			t.Errorf("%s: %d wrong runs, %d cells without one", name, n.Wrong, n.Untried)
		}
		return p
	}
	p := read("bubbles.json")
	type cell struct{ scenario, defect, fault string }
	runs, clean := make(map[cell]int), 0
	for _, c := range p.Cells {
		runs[cell{c.Scenario, c.Defect, c.Fault}] = c.Right
		if c.Defect == "" {
			clean += c.Right
		}
	}
	enough := func(c cell) {
		if n := runs[c]; n < 20 {
			t.Errorf("%+v stands on %d runs; squall prove --scenario %s --seeds 20 --json … --resume makes more", c, n, c.scenario)
		}
	}
	for _, file := range shipped(t) {
		name := strings.TrimSuffix(file, ".yaml")
		for _, fault := range append(FaultNames(), "") {
			enough(cell{name, "", fault})
		}
		for _, defect := range failsWith(t, file) {
			enough(cell{name, defect, ""})
		}
	}
	if clean < 2000 {
		t.Errorf("%d runs on correct gateways, want 2,000", clean)
	}
}
