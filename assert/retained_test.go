package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// handed counts what is wrong with retained messages.
type handed struct{ missing, stale, unasked, owed int }

// The twin of retained reads the whole history again for every subscribe and every
// retained message.
func retainedTwin(events []history.Event) (n handed) {
	type said struct {
		sent, settled time.Duration
		ok, retain    bool
	}
	all := map[uint64]*said{}
	for _, e := range events {
		switch e.Kind {
		case history.Publish:
			all[e.Seq] = &said{sent: e.Sent, retain: e.Has(history.FlagRetain)}
		case history.Outcome:
			all[e.Seq].settled, all[e.Seq].ok = e.Seen, e.Result == history.OK
		}
	}
	there := func(at time.Duration, f func(*said) bool) bool {
		for _, q := range all {
			if q.ok && q.retain && q.settled < at && f(q) {
				return true
			}
		}
		return false
	}
	for i, sub := range events {
		if sub.Kind != history.Subscribe {
			continue
		}
		answered, ended, proof, came := time.Duration(0), false, time.Duration(0), false
		probe, last := time.Duration(0), time.Duration(0)
		for _, e := range events[i+1:] {
			if e.Client != sub.Client || e.Life != sub.Life {
				continue
			}
			switch e.Kind {
			case history.Subscribed:
				if !ended && answered == 0 {
					answered = e.Seen
				}
			case history.Unsubscribe, history.Closed:
				ended = true
			case history.Deliver:
				last = e.Seen
				if !ended {
					proof = max(proof, e.Due)
				}
			case history.Probe:
				probe = e.Due
			case history.Retained:
				came = true
			}
		}
		if !ended && last+250*time.Millisecond <= probe {
			proof = max(proof, probe)
		}
		if answered == 0 || !there(sub.Sent, func(*said) bool { return true }) {
			continue
		}
		if n.owed++; !came && proof >= answered+time.Second {
			n.missing++
		}
	}
	for i, e := range events {
		if e.Kind != history.Retained {
			continue
		}
		var first *history.Event
		for k := range events[:i] {
			if s := &events[k]; first == nil && s.Kind == history.Subscribe && s.Client == e.Client && s.Life == e.Life {
				first = s
			}
		}
		x := all[e.Seq]
		switch {
		case first == nil:
		case !x.retain:
			n.unasked++
		case x.ok && there(first.Sent, func(q *said) bool { return x.settled < q.sent }):
			n.stale++
		}
	}
	return n
}

// TestRetainedTwin: on any history of publications, subscribes and retained messages
// the rule finds what its twin finds, whatever the number of shards.
func TestRetainedTwin(t *testing.T) {
	names := history.NewNames([]string{"c"})
	brief := &Brief{
		Groups: []BriefGroup{{Name: "all", Count: 5}}, Publishers: []BriefPublisher{{Client: 3, Name: "p"}, {Client: 4, Name: "q"}},
		Promises: scenario.Promises{Delivery: "at-least-once", Order: "per-publisher"},
		Expect:   []scenario.Expectation{{Rule: "retained", Name: "retained", Want: "latest"}},
	}
	var sum handed
	rapid.Check(t, func(t *rapid.T) {
		var events []history.Event
		now := time.Second
		lives, open, subscribed, silent := [3]int32{}, [3]bool{}, [3]bool{}, [3]bool{}
		var said, pending []uint64
		emit := func(e history.Event) {
			now += time.Duration(rapid.IntRange(1, 600).Draw(t, "later")) * time.Millisecond
			e.Seen, e.Arrived = now, now
			if e.Sent == 0 {
				e.Sent = now
			}
			if e.Due == 0 {
				e.Due = now
			}
			events = append(events, e)
		}
		settle := func(i int) {
			n := pending[i]
			pending = append(pending[:i:i], pending[i+1:]...)
			r := history.OK
			if rapid.IntRange(0, 4).Draw(t, "unknown") == 0 {
				r = history.Unknown
			}
			emit(history.Event{Kind: history.Outcome, Result: r, Client: 3 + history.ClientID(n%2), Life: 1, Publisher: int32(n % 2), Incarnation: 1, Seq: n})
		}
		for range rapid.IntRange(80, 160).Draw(t, "steps") {
			c := rapid.IntRange(0, 2).Draw(t, "client")
			e := history.Event{Client: history.ClientID(c), Life: lives[c]}
			switch what := rapid.IntRange(0, 11).Draw(t, "what"); {
			case what < 3:
				n := uint64(len(said) + 1)
				m := history.Event{Kind: history.Publish, Client: 3 + history.ClientID(n%2), Life: 1, Publisher: int32(n % 2), Incarnation: 1, Seq: n}
				if rapid.IntRange(0, 3).Draw(t, "retain") > 0 {
					m.Flags = history.FlagRetain
				}
				said, pending = append(said, n), append(pending, n)
				emit(m)
			case what < 6:
				if len(pending) > 0 {
					settle(rapid.IntRange(0, len(pending)-1).Draw(t, "answered"))
				}
			case !open[c]:
				lives[c]++
				open[c], subscribed[c], e.Life = true, false, lives[c]
				silent[c] = rapid.Bool().Draw(t, "silent")
				for _, k := range []history.Kind{history.Dial, history.Open, history.Connected} {
					e.Kind = k
					emit(e)
				}
			case !subscribed[c]:
				subscribed[c] = true
				e.Kind = history.Subscribe
				emit(e)
				if rapid.IntRange(0, 5).Draw(t, "answer") > 0 {
					e.Kind, e.Sent, e.Due = history.Subscribed, 0, 0
					emit(e)
				}
			case what == 6 && open[c]:
				open[c] = false
				e.Kind, e.Who = history.Closed, history.Fault
				emit(e)
			case what == 7:
				subscribed[c] = false
				e.Kind = history.Unsubscribe
				emit(e)
			case len(said) > 0:
				n := said[rapid.IntRange(0, len(said)-1).Draw(t, "message")]
				e.Kind, e.Flags, e.Publisher, e.Incarnation, e.Seq = history.Deliver, history.FlagStamped, int32(n%2), 1, n
				if !silent[c] && rapid.IntRange(0, 3).Draw(t, "retained") > 0 {
					e.Kind = history.Retained
				}
				emit(e)
			}
		}
		for c := range 3 {
			if open[c] && rapid.Bool().Draw(t, "probed") {
				emit(history.Event{Kind: history.Probe, Client: history.ClientID(c), Life: lives[c]})
			}
		}
		want := retainedTwin(events)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			var got handed
			for _, f := range vs[0].Findings {
				switch f.Anomaly {
				case "retained-missing":
					got.missing += int(f.Times)
				case "retained-stale":
					got.stale += int(f.Times)
				case "retained-unasked":
					got.unasked += int(f.Times)
				default:
					t.Fatalf("found %s", f.Anomaly)
				}
			}
			for _, c := range vs[0].Counts {
				if c.Name == "subscribes owed a retained message" {
					got.owed = int(c.N)
				}
			}
			if got != want {
				t.Fatalf("%d shards: found %+v, the twin %+v\n%s", shards, got, want, listAbuse(events))
			}
		}
		sum.missing, sum.stale, sum.unasked, sum.owed = sum.missing+want.missing, sum.stale+want.stale, sum.unasked+want.unasked, sum.owed+want.owed
	})
	if !fewHistories() && (sum.missing == 0 || sum.stale == 0 || sum.unasked == 0 || sum.owed < 20) {
		t.Errorf("%+v: nothing is proven", sum)
	}
}
