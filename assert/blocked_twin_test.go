package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// blockedTwin says the obvious way whether slow readers made others wait: for each tenth
// of a second it goes through all deliveries and all slow times again.
func blockedTwin(events []history.Event, share float64, limit time.Duration) bool {
	const tenth = 100 * time.Millisecond
	slowAt := func(t time.Duration, who history.ClientID) bool { // who −1: anybody
		since := map[history.ClientID]time.Duration{}
		for _, e := range events {
			if who >= 0 && e.Client != who || e.Note != "slow" {
				continue
			}
			if e.Kind == history.FaultBegin {
				since[e.Client] = e.Seen
			} else if from, was := since[e.Client]; was {
				if delete(since, e.Client); from < t+tenth && e.Seen >= t {
					return true
				}
			}
		}
		for _, from := range since {
			if from < t+tenth {
				return true
			}
		}
		return false
	}
	var in, inLate, out, outLate int
	chain := false
	for t := time.Duration(0); t < 40*time.Second; t += tenth {
		all, late := 0, 0
		hurt := map[history.ClientID]bool{} // once slow, its connection is never compared again
		for _, e := range events {
			if e.Kind == history.FaultBegin {
				hurt[e.Client] = true
			}
			if e.Kind == history.Deliver && e.Due >= t && e.Due < t+tenth && !hurt[e.Client] {
				if all++; e.Arrived-e.Due > limit {
					late++
				}
			}
		}
		chain = slowAt(t, -1) || chain && late > 0
		if chain {
			in, inLate = in+all, inLate+late
		} else {
			out, outLate = out+all, outLate+late
		}
	}
	return inLate > 0 && float64(inLate) > share*float64(in) && out >= contrast && float64(outLate) <= share*float64(out)
}

// TestBlockedTwin: a broken limit is called head-of-line-block where the twin does, and
// nowhere else, whatever the number of shards.
func TestBlockedTwin(t *testing.T) {
	names := history.NewNames([]string{"c"})
	const limit = 200 * time.Millisecond
	blocked, slow, other := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.SampledFrom([]scenario.Quantile{{Key: "p50", Q: 0.5}, {Key: "p90", Q: 0.9}, {Key: "max", Q: 1}}).Draw(t, "quantile")
		q.Limit = scenario.Limit{Op: "<=", A: limit.Seconds()}
		brief := &Brief{
			Groups:     []BriefGroup{{Name: "all", Count: 6, Subs: 1}},
			Publishers: make([]BriefPublisher, 1),
			Expect:     []scenario.Expectation{{Rule: "latency", Name: "latency", Latency: scenario.LatencyWant{Of: "delivery", During: "all", P: []scenario.Quantile{q}}}},
		}
		events := []history.Event{{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseActive, Seen: time.Millisecond}}
		for c := range history.ClientID(5) {
			for i, k := range []history.Kind{history.Dial, history.Open, history.Connected, history.Subscribe, history.Subscribed, history.Ready} {
				e := history.Event{Kind: k, Client: c, Life: 1, Channel: -1, Seen: time.Duration(2+i) * time.Millisecond, Sent: time.Millisecond}
				if k == history.Subscribe || k == history.Subscribed {
					e.Channel = 0
				}
				events = append(events, e)
			}
		}
		blocks := rapid.Bool().Draw(t, "blocks")
		lates := rapid.IntRange(0, 3).Draw(t, "late without a reason, of 40")
		isSlow := [5]bool{}
		tail := 0
		for k := 1; k < 60; k++ {
			at := time.Duration(k) * 300 * time.Millisecond
			if c := history.ClientID(rapid.IntRange(0, 24).Draw(t, "who")); c < 2 {
				kind := history.FaultBegin
				if isSlow[c] {
					kind = history.FaultEnd
				}
				isSlow[c] = !isSlow[c]
				events = append(events, history.Event{Kind: kind, Client: c, Life: 1, Channel: -1, Seen: at + 10*time.Millisecond, Note: "slow", Code: 100})
			}
			due := at + 20*time.Millisecond
			if isSlow[0] || isSlow[1] {
				tail = rapid.IntRange(0, 3).Draw(t, "catches up")
			} else if tail > 0 {
				tail--
			}
			events = append(events, history.Event{Kind: history.Publish, Client: 5, Life: 1, Channel: 0, Publisher: 0, Seq: uint64(k), Due: due, Sent: due, Seen: due})
			for c := range history.ClientID(5) {
				by := 10 * time.Millisecond
				if blocks && tail > 0 || rapid.IntRange(1, 40).Draw(t, "luck") <= lates {
					by = 250 * time.Millisecond
				}
				events = append(events, history.Event{Kind: history.Deliver, Client: c, Life: 1, Channel: 0, Flags: history.FlagStamped, Publisher: 0, Seq: uint64(k), Due: due, Seen: due + by, Arrived: due + by})
			}
		}
		events = append(events, history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseEnd, Seen: 40 * time.Second})
		want := blockedTwin(events, 1-q.Q, limit)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			v := vs[0]
			got := len(v.Findings) > 0
			if v.State == Pass && got || got && v.Findings[0].Anomaly != "head-of-line-block" {
				t.Fatalf("%s: %s", v.State, dump(v))
			}
			if v.State == Fail && got != want {
				t.Fatalf("%d shards: the twin says %v\n%s", shards, want, dump(v))
			}
			switch {
			case shards > 1:
			case got:
				blocked++
			case v.State == Fail:
				other++
			case isSlow[0] || isSlow[1]:
				slow++
			}
		}
	})
	t.Logf("%d blocked, %d late for another reason, %d in time beside somebody slow", blocked, other, slow)
	if (blocked == 0 || other == 0 || slow == 0) && !fewHistories() {
		t.Error("nothing is proven")
	}
}
