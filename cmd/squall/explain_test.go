package main

import (
	"strings"
	"testing"

	"squall/assert"
	"squall/driver/dialect"
	"squall/driver/gateway"
	"squall/scenario"
	"squall/scenarios"
)

// Every anomaly that a report may name can be looked up, and every defect leads
// to one.
func TestExplain(t *testing.T) {
	b := newBench()
	for _, a := range assert.Anomalies() {
		if code := b.squall("explain", a.String()); code != exitPass || b.err.Len() > 0 || !strings.Contains(b.out.String(), "look at") {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", a, code, b.out.String(), b.err.String())
		}
	}
	for _, d := range gateway.Defects() {
		if assert.AnomalyOf(d.Anomaly) == assert.NoAnomaly {
			t.Errorf("the defect %s is caught as %q, which nobody can look up", d.Name, d.Anomaly)
		}
	}
	if code := b.squall("explain", "session-hijack"); code != exitUsage || !strings.Contains(b.err.String(), "is a defect of the reference gateway, found as an anomaly: squall explain ") {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	if code := b.squall("explain"); code != exitPass {
		t.Errorf("exit %d", code)
	}
	for _, a := range assert.Anomalies() {
		if !strings.Contains(b.out.String(), "\n  "+a.String()+" ") {
			t.Errorf("squall explain does not list %s", a)
		}
	}
}

// The lists hold what there is, and fit into 80 columns.
func TestList(t *testing.T) {
	b := newBench()
	if code := b.squall("list"); code != exitPass || b.err.Len() > 0 {
		t.Fatalf("exit %d, stderr %q", code, b.err.String())
	}
	all := b.out.String()
	want := scenarios.List()
	for _, r := range scenario.Rules() {
		want = append(want, r.Name)
	}
	for _, d := range dialect.All() {
		want = append(want, d.About().Name)
	}
	for _, d := range gateway.Defects() {
		want = append(want, d.Name)
	}
	for _, name := range append(want, "disconnect", "slow", "causal-inversion") {
		if !strings.Contains(all, "\n  "+name+" ") {
			t.Errorf("squall list lacks %s", name)
		}
	}
	for _, line := range strings.Split(all, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("too long: %q", line)
		}
	}
	for _, l := range vocabulary() {
		for _, w := range l.words() {
			if w[1] == "" {
				t.Errorf("%s: nothing is said about %s", l.title, w[0])
			}
		}
		if code := b.squall("list", l.title); code != exitPass || !strings.Contains(all, b.out.String()) {
			t.Errorf("squall list %s: exit %d, not a part of squall list: %q", l.title, code, b.out.String())
		}
	}
}
