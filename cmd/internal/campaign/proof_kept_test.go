package campaign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"squall/report"
)

// kept is what a long proof has counted.
func kept(t *testing.T, name string) *report.Proof {
	t.Helper()
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

// What the long proofs have counted is kept in testdata/proof. `squall prove
// --seeds 20 --json FILE --resume` adds what a new scenario or defect lacks.
func TestKeptProof(t *testing.T) {
	p := kept(t, "bubbles.json")
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

// The same on real sockets, where a run may stay open: those don't count.
//
//	squall prove --sockets --small --fault none --seeds 3 --parallel 3 --json FILE --resume
//	squall prove --sockets --correct --fault none --seeds 3 --json FILE --resume
func TestKeptProofOnSockets(t *testing.T) {
	const enough = 3
	settled, clean := make(map[[2]string]int), 0
	for _, c := range kept(t, "sockets.json").Cells {
		settled[[2]string{c.Scenario, c.Defect}] += c.Right - c.Inconclusive
		if c.Defect == "" {
			clean += c.Right
		}
	}
	for _, file := range shipped(t) {
		name := strings.TrimSuffix(file, ".yaml")
		for _, defect := range append(failsWith(t, file), "") {
			if n := settled[[2]string{name, defect}]; n < enough {
				t.Errorf("%s on real sockets, with the defect %q: %d runs that settled it, want %d", name, defect, n, enough)
			}
		}
	}
	if clean < 200 {
		t.Errorf("%d runs on correct gateways, want 200", clean)
	}
}

// And against real servers: TestSoak with -soak centrifuge,mosquitto,mochi makes them.
func TestKeptProofOfServers(t *testing.T) {
	passed := make(map[[2]string]int)
	for _, c := range kept(t, "servers.json").Cells {
		passed[[2]string{c.Where, c.Scenario}] = c.Right - c.Inconclusive
	}
	for _, server := range []string{"centrifuge", "mosquitto", "mochi"} {
		all := 0
		for _, r := range serverRows(server) {
			n := passed[[2]string{server, r.name}]
			if all += n; n < 10 {
				t.Errorf("%s on %s: %d runs passed, want 10", r.name, server, n)
			}
		}
		if all < 50 {
			t.Errorf("%s: %d runs passed, want 50", server, all)
		}
	}
}
