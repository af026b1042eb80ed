package assert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

func TestOverall(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []Verdict
		want State
	}{
		{"nothing judged is no pass", nil, Inconclusive},
		{"pass", []Verdict{{State: Pass}}, Pass},
		{"fail beats inconclusive", []Verdict{{State: Inconclusive}, {State: Fail}, {State: Pass}}, Fail},
		{"inconclusive beats pass", []Verdict{{State: Pass}, {State: Inconclusive}}, Inconclusive},
		{"promised and not applicable is skipped", []Verdict{{State: Pass}, {State: NotApplicable, Promised: true}}, Pass},
		{"written and not applicable is inconclusive", []Verdict{{State: Pass}, {State: NotApplicable}}, Inconclusive},
		{"all not applicable is inconclusive", []Verdict{{State: NotApplicable, Promised: true}}, Inconclusive},
	} {
		if got := Overall(c.in); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEveryAnomalyHasOneOwner(t *testing.T) {
	owners := []string{"delivery", "order", "recovery", "queue", "reconnect", "close", "isolation", "heartbeat", "retained", "will", "throttle", "debounce", "aggregate", "state", "transform", "priority", "latency", "batch", "errors", "presence", "snapshot"}
	for _, a := range Anomalies() {
		d := a.Define()
		if d.Name == "" || d.Means == "" || d.Promise == "" || d.harm == 0 || !slices.Contains(owners, d.Owner) {
			t.Errorf("anomaly %d is not defined: %+v", a, d)
		}
		if AnomalyOf(d.Name) != a {
			t.Errorf("%s does not lead back to itself", d.Name)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"vote.*", "vote.1", true},
		{"vote.*", "vote.1.2", false}, // one segment
		{"vote.*", "vote", false},
		{"vote.**", "vote.1.2", true},
		{"vote.**", "vote", false}, // the rest is one or more
		{"**", "anything.at.all", true},
		{"*.urgent", "broadcast.urgent", true},
		{"*.urgent", "broadcast.digest", false},
		{"room", "room", true},
		{"room", "rooms", false},
	} {
		if got := scenario.Match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// Soundness 23: overload makes timing inconclusive and leaves safety alone.
func TestSaturationSparesSafety(t *testing.T) {
	text := "expect: delivery=pass\n0.1 v0 dial\n0.1 v0 open\n0.1 v0 sub room\n0.2 v0 ack room 0/e1\n0.5 run phase active\n" +
		"1.0 t0 pub room t0#1\n1.1 t0 ok room t0#1\n1.2 v0 recv room 1/e1 t0#1\n" +
		"2.0 t0 pub room t0#1!\n2.1 t0 ok room t0#1!\n2.2 v0 recv room 2/e1 t0#1!\n3 run phase probe\n3.2 v0 probe 3.1\n4 run phase end\n"
	s, err := parseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	s.brief.Expect = append(s.brief.Expect, scenario.Expectation{Rule: "latency", Name: "latency", Latency: scenario.LatencyWant{Of: "delivery", During: "all",
		P: []scenario.Quantile{{Key: "p99", Q: 0.99, Limit: scenario.Limit{Op: "<=", A: 1}}}}})
	for _, c := range []struct {
		name           string
		end            End
		safety, timing State
	}{
		{"calm", End{}, Pass, Pass},
		{"saturated", End{Saturated: true, Why: "lag"}, Pass, Inconclusive},
		{"interrupted", End{Interrupted: true}, Inconclusive, Inconclusive},
		{"target lost", End{Lost: "gone"}, Inconclusive, Inconclusive},
	} {
		j := NewJudge(s.brief, s.names)
		for _, e := range s.events {
			j.Add(e)
		}
		vs := j.Verdicts(c.end)
		if vs[0].State != c.safety || vs[1].State != c.timing {
			t.Errorf("%s: delivery %v (%s), latency %v (%s)", c.name, vs[0].State, vs[0].Reason, vs[1].State, vs[1].Reason)
		}
	}
}

// What is late for want of a processor is nobody's fault: answers that did not come
// in time, returns that never came, and what whoever returned late has missed. What
// was refused stays refused.
func TestSaturationExcusesWhatIsLate(t *testing.T) {
	for _, c := range []struct {
		about, lines string
		expect       scenario.Expectation
		calm, hard   State
	}{
		{"no answer in time", "0.1 v0 dial 0\n10.1 v0 problem 0 overdue\n", scenario.Expectation{Rule: "errors", Errors: scenario.Limit{Op: "<="}}, Fail, Inconclusive},
		{"no upgrade in time", "0.1 v0 dial 0\n10.1 v0 refused 0 overdue\n", scenario.Expectation{Rule: "errors", Errors: scenario.Limit{Op: "<="}}, Fail, Inconclusive},
		{"no answer in time, and an error", "0.1 v0 dial 0\n0.2 v0 problem 400\n10.1 v0 problem 0 overdue\n", scenario.Expectation{Rule: "errors", Errors: scenario.Limit{Op: "<="}}, Fail, Fail},
		{"as many as may be", "0.1 v0 dial 0\n10.1 v0 problem 0 overdue\n", scenario.Expectation{Rule: "errors", Errors: scenario.Limit{Op: "<=", A: 1}}, Pass, Pass},
		{"nobody came back", "0.1 v0 dial 0\n0.1 v0 open\n0.2 v0 ready\n1 v0 closed server 1001\n", scenario.Expectation{Rule: "reconnect", Success: scenario.Limit{Op: ">=", A: 1}}, Fail, Inconclusive},
		{"too much was waived", "0.1 v0 dial 0\n0.1 v0 open\n0.1 v0 sub room\n0.2 v0 ack room 0/e1\n1 v0 closed server 1001\n" +
			"2 t0 pub room t0#1\n2.1 t0 ok room t0#1 1/e1\n3 v0 dial 0\n3.1 v0 open\n3.1 v0 sub room from 0/e1\n3.2 v0 ack room 1/e1 refused\n",
			scenario.Expectation{Rule: "delivery", Want: "exactly-once", Waived: scenario.Limit{Op: "<=", Text: "0"}}, Fail, Inconclusive},
	} {
		s, err := parseScript("expect: delivery=pass\n0 run phase active\n" + c.lines + "20 run phase end\n")
		if err != nil {
			t.Fatalf("%s: %v", c.about, err)
		}
		s.brief.Expect = []scenario.Expectation{c.expect}
		for _, end := range []End{{}, {Saturated: true, Why: "lag"}} {
			j := NewJudge(s.brief, s.names)
			for _, e := range s.events {
				j.Add(e)
			}
			want := c.calm
			if end.Saturated {
				want = c.hard
			}
			if v := j.Verdicts(end)[0]; v.State != want {
				t.Errorf("%s, saturated %v: %v (%s), want %v", c.about, end.Saturated, v.State, v.Reason, want)
			}
		}
	}
}

// The example of an error names its client as every other line of a report does.
func TestErrorsNameTheirClient(t *testing.T) {
	s, err := parseScript("expect: delivery=pass\n0 run phase active\n0.1 v1 dial 0\n0.25 v1 problem 403\n20 run phase end\n")
	if err != nil {
		t.Fatal(err)
	}
	j := NewJudge(s.brief, s.names)
	for _, e := range s.events {
		j.Add(e)
	}
	j.Verdicts(End{})
	if got := j.Errors(); len(got) != 1 || !strings.HasPrefix(got[0].Example, "voters/1") || !strings.HasSuffix(got[0].Example, " at 0.250s") {
		t.Errorf("got %+v", got)
	}
}

// Soundness 20: only the first live copy counts, for a client that was
// subscribed when the message was due; fences and replays do not.
func TestDeliveryLatencyCountsWhatTheLanguageSays(t *testing.T) {
	text := "expect: delivery=pass\n0.1 v0 open\n0.1 v0 sub room\n0.2 v0 ack room 0/e1\n0.1 v1 open\n0.9 v1 sub room\n0.5 run phase active\n" +
		"1.0 t0 pub room t0#1\n1.1 t0 ok room t0#1\n1.2 v0 recv room 1/e1 t0#1\n" +
		"1.3 v1 ack room 0/e1\n1.4 v1 recv room 1/e1 t0#1\n" + // not subscribed when it was due
		"1.5 v0 recv room 1/e1 t0#1\n" + // a second copy
		"2.0 t0 pub room t0#1!\n2.1 t0 ok room t0#1!\n2.2 v0 recv room 2/e1 t0#1!\n"
	s, err := parseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	j, _ := judgeEvents(s.brief, s.names, s.events, 1)
	for _, r := range j.Latency() {
		if r.Stage == "delivery" && (r.Count != 1 || r.Max != 200*time.Millisecond) {
			t.Errorf("%+v", r)
		}
	}
}

// A log whose window has rolled on still sees an inversion, and memory stays bounded.
func TestLongLogKeepsJudging(t *testing.T) {
	g := newLog(0, 1)
	e := history.Event{Kind: history.Deliver, Epoch: 1, Flags: history.FlagStamped | history.FlagPositioned}
	for o := uint64(1); o <= 5*logWindow; o++ {
		e.Offset, e.Seq = o, o
		switch o { // one pair is inverted
		case 1000:
			e.Seq = 1001
		case 1001:
			e.Seq = 1000
		}
		if s := g.see(&e); s != first {
			t.Fatalf("offset %d: %v", o, s)
		}
	}
	if len(g.ring) != logWindow {
		t.Errorf("the window holds %d", len(g.ring))
	}
	if len(g.inversion) != 1 || g.inversion[0].early != 1000 {
		t.Errorf("inversions %+v", g.inversion)
	}
	e.Offset, e.Seq = 5, 5
	if s := g.see(&e); s != unknown {
		t.Errorf("an offset that has left the window: %v", s)
	}
	if sum, ok := g.blocks.full(7); !ok || sum == 0 {
		t.Error("the digest of a whole block is missing")
	}
}

func TestFindingsNameTheOwnerToAdd(t *testing.T) {
	var v Verdict
	v.State = Pass
	v.orphaned(RecoveredFlagLie)
	if v.State != Inconclusive || !strings.Contains(v.Reason, "recovery: complete") {
		t.Errorf("%v %q", v.State, v.Reason)
	}
}

// TestLastOfABurst: the messages of a burst are sent at one time; the last of them is the one
// with the highest number, not the first.
func TestLastOfABurst(t *testing.T) {
	const text = `expect: throttle=fail:last-value-swallowed
with: throttle=room:1s
0.10 v0 open
0.10 v0 sub room
0.20 v0 ack room 0/e1
0.20 v0 ready
1.00 run phase active
1.10 t0 pub room t0#1
1.10 t0 pub room t0#2
1.10 t0 pub room t0#3
1.11 v0 recv room 1/e1 t0#1
1.12 t0 ok room t0#1
1.12 t0 ok room t0#2
1.12 t0 ok room t0#3
7.00 run phase drain
7.10 run phase fences
9.90 run phase probe
10.0 v0 probe 9.90
10.1 run phase end
`
	s, err := parseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	_, vs := judgeEvents(s.brief, s.names, s.events, 1)
	const want = "ended on message 1 of tellers/0 of room, where message 3 of tellers/0 was the last"
	for _, v := range vs {
		if v.State == Fail && (len(v.Findings) != 1 || v.Findings[0].Missing != want) {
			t.Errorf("%s, want: %s", dump(v), want)
		}
	}
	if vs[0].State != Fail {
		t.Errorf("%s is %v", vs[0].Rule, vs[0].State)
	}
}
