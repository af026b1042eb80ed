package assert

import (
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// TestApart: times over links of their own are never mixed with the others, and
// are judged only where nobody else is named.
func TestApart(t *testing.T) {
	limit := []scenario.Quantile{{Key: "p99", Q: 0.99, Limit: scenario.Limit{Op: "<=", A: 0.1, Text: "100ms"}}}
	for _, row := range []struct {
		about         string
		to            []string
		during        string
		quick, apart  int // samples of 10 ms, and of 1 s with the flag
		state         State
		samples, left int64
		reason        string
	}{
		{"left out", nil, "all", 50, 50, Pass, 50, 50, ""},
		{"left out of healthy", nil, "healthy", 50, 50, Pass, 50, 50, ""},
		{"nothing else", nil, "all", 0, 50, Inconclusive, 0, 50, "all 50 samples"},
		{"groups of both kinds", []string{"quick", "train"}, "all", 50, 50, Pass, 50, 50, ""},
		{"nobody else is named", []string{"train"}, "all", 0, 50, Fail, 50, 0, "p99 of pong is 1s"},
		{"nobody else, by healthy", []string{"train"}, "healthy", 0, 50, Inconclusive, 0, 0, "`during: healthy`"},
		{"a group without a link, worse for a while", []string{"quick"}, "all", 50, 20, Pass, 50, 20, ""},
	} {
		b := &Brief{
			Groups: []BriefGroup{{Name: "quick", Count: 1}, {Name: "train", First: 1, Count: 1, Limited: true}},
			Expect: []scenario.Expectation{{Rule: "latency", Name: "latency", Groups: row.to, Latency: scenario.LatencyWant{Of: "pong", During: row.during, P: limit}}},
		}
		j := NewJudge(b, history.NewNames(nil))
		j.Add(history.Event{Kind: history.Phase, Client: -1, Note: history.PhaseActive})
		sample := func(client history.ClientID, took time.Duration, f history.Flags) {
			j.Add(history.Event{Kind: history.Beat, Client: client, Channel: -1, Due: time.Second, Seen: time.Second + took, Arrived: time.Second + took, Flags: f})
		}
		for range row.quick {
			sample(0, 10*time.Millisecond, 0)
		}
		for range row.apart {
			client := history.ClientID(1)
			if len(row.to) == 1 && row.to[0] == "quick" {
				client = 0
			}
			sample(client, time.Second, history.FlagApart)
		}
		v := j.Verdicts(End{})[0]
		count := func(name string) int64 {
			for _, c := range v.Counts {
				if c.Name == name {
					return c.N
				}
			}
			return 0
		}
		if v.State != row.state || count("samples") != row.samples || count("left out, over links of their own") != row.left || !strings.Contains(v.Reason, row.reason) {
			t.Errorf("%s: %v (%s), %+v; want %v, %d samples, %d left out", row.about, v.State, v.Reason, v.Counts, row.state, row.samples, row.left)
		}
		for _, r := range j.Latency() {
			if r.During != "apart" && r.Max > 500*time.Millisecond {
				t.Errorf("%s: the row %s %s holds times of a link", row.about, r.Stage, r.During)
			}
		}
	}
}

// TestReturnsApart: who returns over a link of its own counts, its time does not;
// who is sent home while it is away no longer wants back.
func TestReturnsApart(t *testing.T) {
	b := &Brief{
		Groups: []BriefGroup{{Name: "m", Count: 3}},
		Expect: []scenario.Expectation{{
			Rule: "reconnect", Name: "reconnect", Success: scenario.Limit{Op: ">=", A: 1, Text: "100%"},
			P: []scenario.Quantile{{Key: "max", Q: 1, Limit: scenario.Limit{Op: "<=", A: 0.5, Text: "500ms"}}},
		}},
	}
	for _, sent := range []bool{true, false} {
		j := NewJudge(b, history.NewNames(nil))
		add := func(c history.ClientID, k history.Kind, s float64, change func(*history.Event)) {
			at := time.Duration(s * float64(time.Second))
			e := history.Event{Kind: k, Client: c, Life: 1, Channel: -1, Due: at, Sent: at, Seen: at, Arrived: at, Who: history.Fault}
			if change != nil {
				change(&e)
			}
			j.Add(e)
		}
		for c := range history.ClientID(3) {
			add(c, history.Open, 1, nil)
			add(c, history.Ready, 1, nil)
			add(c, history.Closed, 2, nil)
		}
		add(0, history.Ready, 2.1, func(e *history.Event) { e.Due = 2 * time.Second })
		add(1, history.Ready, 5, func(e *history.Event) { e.Due, e.Flags = 2*time.Second, history.FlagApart })
		if sent {
			add(2, history.FaultBegin, 3, func(e *history.Event) { e.Note = "scale" })
		}
		v := j.Verdicts(End{})[0]
		if want := map[bool]State{true: Pass, false: Fail}[sent]; v.State != want {
			t.Errorf("sent home %v: %v (%s), want %v", sent, v.State, v.Reason, want)
		}
		if r := j.Returns(); sent && (r.Lost != 2 || r.Back != 2 || r.Apart != 1) {
			t.Errorf("%+v", r)
		}
	}
}
