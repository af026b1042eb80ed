package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenarios"
)

// oracle answers every job as it is told.
type oracle func(campaign.Job) campaign.Answer

func (o oracle) Do(j campaign.Job) (campaign.Answer, error) { return o(j), nil }
func (o oracle) Close()                                     {}

func proving(answer oracle) *bench {
	b := newBench()
	b.bubbles = func(context.Context) (campaign.Worker, error) { return answer, nil }
	return b
}

func TestProve(t *testing.T) {
	right := oracle(func(campaign.Job) campaign.Answer { return campaign.Answer{State: "pass", Judged: 5} })
	b := proving(right)
	doc := filepath.Join(t.TempDir(), "proof.json")
	if code := b.squall("prove", "--scenario", "cuts", "--defect", "ack-then-drop,lost-in-socket", "--seeds", "2", "--json", doc); code != exitPass {
		t.Fatalf("exit %d: %s", code, b.err.String())
	}
	if out := b.out.String(); !strings.Contains(out, "PROVEN  2 cells, 4 runs, 20 deliveries judged") {
		t.Errorf("stdout: %s", out)
	}
	// Resumed, one defect is missed from then on.
	b = proving(func(j campaign.Job) campaign.Answer {
		if j.Defect == "ack-then-drop" {
			return campaign.Answer{State: "pass", Why: "missed: the run ended as pass"}
		}
		return right(j)
	})
	if code := b.squall("prove", "--scenario", "cuts", "--defect", "ack-then-drop,lost-in-socket", "--seeds", "3", "--json", doc, "--resume"); code != exitFail {
		t.Errorf("exit %d: %s", code, b.err.String())
	}
	if !strings.Contains(b.err.String(), "wrong  ack-then-drop, cuts, bubble, seed 3: missed") {
		t.Errorf("stderr: %s", b.err.String())
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	var p report.Proof
	if err := json.Unmarshal(text, &p); err != nil || p.Totals().Runs != 6 || p.Totals().Misses != 1 {
		t.Errorf("%v: %+v", err, p.Totals())
	}
}

// Which cells the flags ask for.
func TestProveCells(t *testing.T) {
	jobs := func(args ...string) map[string]int {
		n := make(map[string]int)
		b := proving(func(j campaign.Job) campaign.Answer {
			switch {
			case j.Defect != "":
				n["defects"]++
			case j.Fault != "":
				n["faults"]++
			default:
				n["correct"]++
			}
			return campaign.Answer{State: "pass"}
		})
		if code := b.squall(append([]string{"prove", "--quiet", "--parallel", "1"}, args...)...); code != exitPass {
			t.Errorf("%v: exit %d: %s", args, code, b.err.String())
		}
		return n
	}
	faults := len(campaign.FaultNames())
	_, src, _ := shipped("cuts")
	defects := len(campaign.Header(src, "Fails with"))
	if n := jobs("--scenario", "cuts"); n["correct"] != 1 || n["faults"] != faults || n["defects"] != defects || defects < 8 {
		t.Errorf("by default: %v, want 1, %d faults, %d defects", n, faults, defects)
	}
	if n := jobs("--scenario", "cuts", "--correct", "--fault", "reset", "--seeds", "3"); n["correct"] != 0 || n["faults"] != 3 || n["defects"] != 0 {
		t.Errorf("one fault: %v", n)
	}
	if n := jobs("--correct", "--fault", "none"); n["correct"] != len(scenarios.Names()) || n["faults"] != 0 {
		t.Errorf("correct gateways: %v", n)
	}
}

func TestProveRefuses(t *testing.T) {
	for _, row := range []struct {
		args []string
		told string
	}{
		{[]string{"--defect", "ack-than-drop"}, `--defect: there is no defect "ack-than-drop"; did you mean ack-then-drop?`},
		{[]string{"--defect", "gremlins"}, `there is no defect "gremlins"; squall list defects tells them`},
		{[]string{"--scenario", "cut"}, "did you mean cuts?"},
		{[]string{"--fault", "fire"}, "choose from none, close"},
		{[]string{"--resume"}, "give that too"},
		{[]string{"--target", "ws://127.0.0.1:1", "--defect", "ack-then-drop"}, "leave it out with --target"},
		{[]string{"--dialect", "events"}, "give that too"},
		{[]string{"--start", "./gateway"}, "are about the server behind --target"},
		{[]string{"--set", "a=b"}, "are about the server behind --target"},
		{[]string{"--small"}, "--small is about --sockets"},
		{[]string{"--target", "ws://127.0.0.1:1", "--start", "a 'b", "--scenario", "cuts"}, "--start:"},
		{[]string{"--correct", "--defect", "ack-then-drop"}, "exclude each other"},
		{[]string{"--scenario", "fan-out", "--defect", "lost-in-socket"}, "no header of these scenarios"},
		{[]string{"--json", "/nonexistent/x.json"}, "mkdir -p"},
	} {
		b := proving(nil)
		if code := b.squall(append([]string{"prove"}, row.args...)...); code != exitUsage || !strings.Contains(b.err.String(), row.told) {
			t.Errorf("%v: exit %d, stderr %q, want %q", row.args, code, b.err.String(), row.told)
		}
	}
}
