package assert

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// withCommand puts a command of the plan into a history.
func withCommand(events []history.Event, from, to time.Duration, end string) (out []history.Event) {
	note := func(k history.Kind, at time.Duration, text string) history.Event {
		return history.Event{Kind: k, Client: -1, Channel: -1, Code: -1, Sent: at, Seen: at, Arrived: at, Note: text}
	}
	begun, over := false, false
	for _, e := range events {
		if !begun && e.Seen >= from {
			begun = true
			out = append(out, note(history.FaultBegin, from, "exec ctl"))
		}
		if begun && !over && e.Seen >= to {
			over = true
			out = append(out, note(history.FaultEnd, to, "exec ctl"+end))
		}
		out = append(out, e)
	}
	return out
}

// TestCommandsExcuseNoClaim: a command, whenever it runs, makes a server neither
// wrong nor right. What a server was blamed for that it claimed and did not keep it
// is still blamed for, as often; only refusals are no longer held against it. And a
// command that failed leaves no pass.
func TestCommandsExcuseNoClaim(t *testing.T) {
	kept, doubted := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		s.steps = 300
		seed, shards := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "shards")
		at, took := rapid.IntRange(0, 100).Draw(t, "at, % of the run"), rapid.IntRange(0, 1000).Draw(t, "took, ms")
		for _, s.defect = range []string{"", "lost-message", "duplicate-delivery", "recovered-flag-lie", "lost-in-socket", "false-unrecovered", "fifo-violation", "stale-epoch-accepted", "phantom-message"} {
			w := newWorld(seed, s)
			events := w.run(s.steps)
			last := events[len(events)-1].Seen
			from := last * time.Duration(at) / 100
			k, d := commandChanges(t, w, events, from, from+time.Duration(took)*time.Millisecond, shards)
			kept, doubted = kept+k, doubted+d
		}
	})
	if !fewHistories() && (kept == 0 || doubted == 0) {
		t.Errorf("not exercised: %d incidents stood, %d refusals were doubted", kept, doubted)
	}
}

// commandChanges judges a history with and without a command. It returns how many
// incidents stood, and how many refusals came into doubt.
func commandChanges(t *rapid.T, w *world, events []history.Event, from, to time.Duration, shards int) (kept, doubted int) {
	refusals := []Anomaly{FalseUnrecovered, IncompleteRecovery}
	count := func(j *Judge) (n map[Anomaly]int) {
		n = make(map[Anomaly]int)
		for _, p := range j.parts {
			for i := range p.incidents.all {
				n[p.incidents.all[i].anomaly]++
			}
		}
		return n
	}
	b := w.brief()
	before, was := judgeEvents(b, w.names, events, shards)
	after, is := judgeEvents(b, w.names, withCommand(events, from, to, ""), shards)
	x, y := count(before), count(after)
	for a := range anomalies {
		if slices.Contains(refusals, a) {
			continue
		}
		if x[a] != y[a] {
			t.Fatalf("%s: %d became %d by a command from %v to %v", a, x[a], y[a], from, to)
		}
		kept += x[a]
	}
	names := anomaliesIn(was)
	for name := range anomaliesIn(is) {
		if names[name] == "" {
			t.Fatalf("a command made %s", name)
		}
		delete(names, name)
	}
	for name := range names {
		if !slices.Contains(refusals, AnomalyOf(name)) {
			t.Fatalf("a command from %v to %v excuses %s", from, to, name)
		}
	}
	for _, p := range after.parts {
		for i := range p.refusals {
			if p.refusals[i].doubtful {
				doubted++
			}
		}
	}
	for i := range is {
		if is[i].State == Pass && was[i].State == Fail {
			t.Fatalf("%s failed and passes after a command", is[i].Name)
		}
	}
	if to >= events[len(events)-1].Seen {
		return kept, doubted
	}
	_, failed := judgeEvents(b, w.names, withCommand(events, from, to, ", failed: exit status 1"), shards)
	for i := range failed {
		if failed[i].State == Pass || (failed[i].State == Fail) != (is[i].State == Fail) {
			t.Fatalf("%s is %s, and the command failed; without that it is %s", failed[i].Name, failed[i].State, is[i].State)
		}
	}
	return kept, doubted
}
