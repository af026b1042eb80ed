package main

import (
	"os"
	"path/filepath"
	"squall/scenarios"
	"strings"
	"testing"
)

// All problems of a scenario come at once, one a line, with their places; the
// plan and the run tell the same.
func TestScenarioProblems(t *testing.T) {
	for _, verb := range []string{"plan", "run"} {
		b := newBench()
		if code := b.squall(verb, "testdata/wrong.yaml"); code != exitUsage || b.out.Len() > 0 || b.plan != nil {
			t.Errorf("squall %s: exit %d, stdout %q, run %v", verb, code, b.out.String(), b.plan != nil)
		}
		golden(t, "wrong", b.err.String())
	}
	b := newBench()
	b.squall("plan", small, "--set", "clients.voters.token=", "--set", "clients.voters.headers.x=pa55", "--set", "clients.voters.tokne=pa55")
	if told := b.err.String(); strings.Contains(told, "headers.x=pa55") || !strings.HasPrefix(told, "squall: "+small+" has ") {
		t.Errorf("stderr is %q", told)
	}
}

// A shipped scenario is found by its name, after files.
func TestShipped(t *testing.T) {
	names := scenarios.Names()
	if len(names) == 0 {
		t.Fatal("no scenario is shipped")
	}
	for _, name := range []string{"reconnect-storm", "reconnect-storm.yaml", "scenarios/reconnect-storm.yaml", "./scenarios/reconnect-storm.yaml"} {
		b := newBench()
		if code := b.squall("plan", name); code != exitPass || b.err.String() != "squall: note: "+name+" is the shipped scenarios/reconnect-storm.yaml\n" {
			t.Errorf("%s: exit %d, stderr %q", name, code, b.err.String())
		}
		if b.squall("run", name, "--quiet"); b.err.Len() > 0 {
			t.Errorf("%s --quiet: stderr %q", name, b.err.String())
		}
	}
	for _, name := range []string{"cuts", "cuts.yaml", "reconnect/cuts", "scenarios/reconnect/cuts.yaml"} {
		b := newBench()
		if code := b.squall("plan", name); code != exitPass || b.err.String() != "squall: note: "+name+" is the shipped scenarios/reconnect/cuts.yaml\n" {
			t.Errorf("%s: exit %d, stderr %q", name, code, b.err.String())
		}
	}
	b := newBench()
	if code := b.squall("plan", "voting/cuts"); code != exitUsage {
		t.Errorf("a folder that does not hold it: exit %d, stderr %q", code, b.err.String())
	}
	b = newBench()
	if code := b.squall("plan", "no-such-thing"); code != exitUsage || !strings.Contains(b.err.String(), "no such file, and no shipped scenario either; the shipped ones are ") {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	if code := b.squall("plan", "reconect-storm"); code != exitUsage || !strings.Contains(b.err.String(), "did you mean reconnect-storm?") {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("reconnect-storm", []byte("squall: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := b.squall("plan", "reconnect-storm"); code != exitUsage || strings.Contains(b.err.String(), "note") {
		t.Errorf("the file beside us was not taken: exit %d, stderr %q", code, b.err.String())
	}
}

func TestScenarioSources(t *testing.T) {
	text, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench()
	b.in.Write(text)
	if code := b.squall("plan", "-"); code != exitPass || b.err.Len() > 0 {
		t.Errorf("from stdin: exit %d, stderr %q", code, b.err.String())
	}
	b.in.WriteString("squall: 1\n")
	if code := b.squall("plan", "-"); code != exitUsage || !strings.Contains(b.err.String(), "\nstdin:1:1: ") {
		t.Errorf("a wrong one from stdin: exit %d, stderr %q", code, b.err.String())
	}
	if code := b.squall("plan", t.TempDir()); code != exitUsage || !strings.Contains(b.err.String(), "is a directory; give a scenario in YAML") {
		t.Errorf("a folder: exit %d, stderr %q", code, b.err.String())
	}
	huge := filepath.Join(t.TempDir(), "huge.yaml")
	if err := os.WriteFile(huge, make([]byte, maxScenario+5), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := b.squall("plan", huge); code != exitUsage || b.err.Len() > 1000 {
		t.Errorf("a huge file: exit %d, %d bytes on stderr", code, b.err.Len())
	}
}

// The same file and seed print the same bytes, on stdout only.
func TestPlan(t *testing.T) {
	b := newBench()
	if code := b.squall("plan", small); code != exitPass || b.err.Len() > 0 {
		t.Fatalf("exit %d, stderr %q", code, b.err.String())
	}
	first := b.out.String()
	golden(t, "plan", first)
	if b.squall("plan", small); b.out.String() != first {
		t.Error("the second plan differs from the first")
	}
	if b.squall("plan", small, "--seed", "8"); b.out.String() == first {
		t.Error("another seed gives the same plan")
	}
	if b.squall("plan", small, "--set", "clients.voters.token=pa55"); strings.Contains(b.out.String()+b.err.String(), "pa55") {
		t.Errorf("the plan shows a token: %s%s", b.out.String(), b.err.String())
	}
}
