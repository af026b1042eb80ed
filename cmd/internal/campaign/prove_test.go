package campaign

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"squall/assert"
	"squall/report"
	"squall/scenario"
)

// scripted is a worker that answers as it is told.
type scripted struct {
	answer func(Job) (Answer, error)
	closed *atomic.Int32
}

func (w scripted) Do(j Job) (Answer, error) { return w.answer(j) }
func (w scripted) Close()                   { w.closed.Add(1) }

// proofOf is a plan over two cells whose runs end as answer says.
func proofOf(runs int, answer func(Job) (Answer, error)) (*ProofPlan, *atomic.Int32) {
	closed := new(atomic.Int32)
	return &ProofPlan{
		Cells:   []report.Cell{{Scenario: "a", Defect: "ack-then-drop", Where: InBubble}, {Scenario: "a", Where: InBubble}},
		Sources: map[string][]byte{"a": []byte("squall: 1\n")}, Runs: runs, Parallel: 2,
		Compile: func(string, []byte, uint64, ...string) (*scenario.Plan, error) { return &scenario.Plan{}, nil },
		Bubbles: func(context.Context) (Worker, error) { return scripted{answer, closed}, nil },
	}, closed
}

func TestProveCountsAndResumes(t *testing.T) {
	right := func(j Job) (Answer, error) {
		if j.Seed == 0 || string(j.Source) != "squall: 1\n" {
			return Answer{}, errors.New("a job without its facts")
		}
		return Answer{State: "pass", Judged: 10}, nil
	}
	plan, closed := proofOf(3, right)
	p := new(report.Proof)
	if err := Prove(context.Background(), plan, p); err != nil {
		t.Fatal(err)
	}
	if got := p.Totals(); got != (report.Totals{Cells: 2, Runs: 6, Judged: 60}) || closed.Load() == 0 {
		t.Errorf("%+v, %d workers closed", got, closed.Load())
	}
	var doc bytes.Buffer
	if err := p.JSON(&doc); err != nil {
		t.Fatal(err)
	}
	p, err := report.ReadProof(&doc)
	if err != nil {
		t.Fatal(err)
	}
	lowest := uint64(1 << 62)
	plan, _ = proofOf(5, func(j Job) (Answer, error) {
		lowest = min(lowest, j.Seed)
		return Answer{State: "fail", Why: "missed"}, nil
	})
	plan.Parallel = 1
	if err := Prove(context.Background(), plan, p); err != nil {
		t.Fatal(err)
	}
	if got := p.Totals(); got.Runs != 10 || got.Wrong != 4 || got.Alarms != 2 || got.Misses != 2 || lowest != 4 {
		t.Errorf("%+v, from seed %d", got, lowest)
	}
	if w := p.Cells[1].Wrong; len(w) != 2 || w[0] != (report.Wrong{Seed: 4, State: "fail", Why: "missed"}) || p.Cells[1].Anomaly != "ack-then-drop" {
		t.Errorf("%+v", p.Cells[1])
	}
}

// A worker that breaks is replaced, and its job counts as wrong.
func TestProveReplacesBrokenWorkers(t *testing.T) {
	n := 0
	plan, closed := proofOf(2, func(Job) (Answer, error) {
		if n++; n == 2 {
			return Answer{}, errors.New("deadlock")
		}
		return Answer{State: "pass"}, nil
	})
	plan.Parallel = 1
	p := new(report.Proof)
	if err := Prove(context.Background(), plan, p); err != nil {
		t.Fatal(err)
	}
	if got := p.Totals(); got.Runs != 4 || got.Wrong != 1 || closed.Load() != 2 {
		t.Errorf("%+v, %d workers closed", got, closed.Load())
	}
}

// The end of the time is no miss.
func TestProveEndsWithItsTime(t *testing.T) {
	plan, _ := proofOf(0, func(Job) (Answer, error) {
		time.Sleep(time.Millisecond)
		return Answer{State: "pass"}, nil
	})
	plan.For = 50 * time.Millisecond
	p := new(report.Proof)
	if err := Prove(context.Background(), plan, p); err != nil {
		t.Fatal(err)
	}
	got := p.Totals()
	if got.Runs == 0 || got.Wrong > 0 || p.Cells[0].Runs-p.Cells[1].Runs > 2 || p.Cells[1].Runs-p.Cells[0].Runs > 2 {
		t.Errorf("%+v", got)
	}
}

// What can't be planned is an error before anything runs.
func TestProvePlansFirst(t *testing.T) {
	plan, _ := proofOf(1, func(Job) (Answer, error) { t.Error("a job was run"); return Answer{}, nil })
	plan.Compile = func(string, []byte, uint64, ...string) (*scenario.Plan, error) { return nil, errors.New("no such key") }
	if err := Prove(context.Background(), plan, new(report.Proof)); err == nil || !strings.Contains(err.Error(), "planning a (ack-then-drop): no such key") {
		t.Errorf("got %v", err)
	}
}

// Every fault can be added to every shipped scenario, whether it has a timeline
// or not, and hits somebody.
func TestFaultsFitEverywhere(t *testing.T) {
	for _, file := range shipped(t) {
		src := source(t, file)
		for _, name := range FaultNames() {
			small := Header(src, "Small")
			before, after := compile(t, file, src, 1, small...), compile(t, file, withMoment(src, Faults()[name]), 1, small...)
			if len(after.Moments) <= len(before.Moments) || !slices.ContainsFunc(after.Moments, func(m scenario.Moment) bool {
				return (m.How == name || m.Do == name) && len(m.Victims) > 0
			}) {
				t.Errorf("%s in %s does nothing", name, file)
			}
		}
	}
}

// What is found under another name, or beside something else, is a miss.
func TestFoundByName(t *testing.T) {
	witness := []assert.Line{{}, {}, {}}
	fails := func(rule, anomaly string) assert.Verdict {
		return assert.Verdict{Rule: rule, State: assert.Fail, Findings: []assert.Finding{{Anomaly: anomaly, Witness: witness}}}
	}
	for _, row := range []struct {
		name     string
		state    assert.State
		verdicts []assert.Verdict
		want     string
	}{
		{"found", assert.Fail, []assert.Verdict{fails("delivery", "ack-then-drop")}, ""},
		{"passed", assert.Pass, nil, "missed"},
		{"another name", assert.Fail, []assert.Verdict{fails("delivery", "lost-message")}, "lost-message was blamed first"},
		{"another rule", assert.Fail, []assert.Verdict{fails("order", "fifo-violation")}, "fifo-violation was blamed by order"},
		{"both", assert.Fail, []assert.Verdict{fails("delivery", "ack-then-drop"), fails("order", "fifo-violation")}, "fifo-violation was blamed by order"},
		{"a limit only", assert.Fail, []assert.Verdict{{Rule: "latency", State: assert.Fail}}, "did not fail"},
		{"no witness", assert.Fail, []assert.Verdict{{Rule: "delivery", State: assert.Fail, Findings: []assert.Finding{{Anomaly: "ack-then-drop"}}}}, "the witness has 0 lines"},
	} {
		err := FoundByName(&report.Result{State: row.state, Verdicts: row.verdicts}, "ack-then-drop")
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
}

// Where time is real, or a fault is added, a run may stay open: neither an alarm nor
// a pass. In a bubble without one it must pass.
func TestProveLeavesOpen(t *testing.T) {
	for _, row := range []struct {
		where, fault string
		state        assert.State
		want         string // wrong, open or right
		defect       string
	}{
		{InBubble, "", assert.Pass, "right", ""},
		{InBubble, "", assert.Inconclusive, "wrong", ""},
		{InBubble, "reset", assert.Inconclusive, "open", ""},
		{InBubble, "reset", assert.Fail, "wrong", ""},
		{OnSockets, "", assert.Inconclusive, "open", ""},
		{Small, "", assert.Pass, "right", ""},
		{"mosquitto", "", assert.Inconclusive, "open", ""},
		{"mosquitto", "", assert.Fail, "wrong", ""},
		{OnSockets, "", assert.NotApplicable, "wrong", ""},
		{Small, "", assert.Inconclusive, "open", "ack-then-drop"},
		{Small, "", assert.Pass, "wrong", "ack-then-drop"},
		{InBubble, "", assert.Inconclusive, "wrong", "ack-then-drop"},
	} {
		j := Job{Where: row.where, Fault: row.fault, Defect: row.defect}
		a := j.judge(&report.Result{State: row.state, Verdicts: []assert.Verdict{{Name: "errors: 0", State: row.state, Reason: "so it is"}}})
		got := "right"
		switch {
		case a.Why != "":
			got = "wrong"
		case a.Open != "":
			got = "open"
		}
		if got != row.want {
			t.Errorf("%+v: %+v", row, a)
		}
	}
}

// What a run needs is there before it and gone after it; where it can't be had there is
// no run, and the proof ends with the reason.
func TestProveReadies(t *testing.T) {
	var ready, after int
	plan, _ := proofOf(2, nil)
	plan.Cells = []report.Cell{{Scenario: "a", Where: "there"}}
	plan.Ready = func(context.Context, Job) (func(), error) {
		if ready++; ready == 2 {
			return nil, errors.New("no server")
		}
		return func() { after++ }, nil
	}
	plan.Compile = func(string, []byte, uint64, ...string) (*scenario.Plan, error) {
		if ready == 1 {
			return nil, errors.New("not today") // the run itself is not what is tested
		}
		return &scenario.Plan{}, nil
	}
	p := new(report.Proof)
	err := Prove(context.Background(), plan, p)
	if !errors.Is(err, ErrTarget) || err.Error() != "no server" {
		t.Errorf("got %v", err)
	}
	if ready != 2 || after != 1 || p.Cells[0].Runs != 1 || len(p.Cells[0].Wrong) != 1 || p.Cells[0].Wrong[0].Why != "not today" {
		t.Errorf("%d ready, %d after, %+v", ready, after, p.Cells)
	}
}
