package assert

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// saying is a publication as the twin knows it, and receipt what came of it.
type saying struct {
	publisher     int32
	seq           uint64
	sent, settled time.Duration // settled 0: nobody knows what became of it
	came          bool          // somebody received it
}

// shapeTwin reads the whole history again for every client. It finds who got too many
// messages, by trying each pair of receipts; who ended on the wrong one, by trying
// each publication as the last; and which messages had been followed within the quiet
// time.
type shapeTwin struct {
	flooded, early, wrong, right map[history.ClientID]bool
	superseded, calm             map[[2]uint64]bool // calm: some receipt was not too early
}

func newShapeTwin(events []history.Event, kind string, most int, window time.Duration) shapeTwin {
	x := shapeTwin{map[history.ClientID]bool{}, map[history.ClientID]bool{}, map[history.ClientID]bool{}, map[history.ClientID]bool{}, map[[2]uint64]bool{}, map[[2]uint64]bool{}}
	window -= time.Millisecond
	said := map[[2]uint64]*saying{}
	key := func(e *history.Event) [2]uint64 { return [2]uint64{uint64(e.Publisher), e.Seq} }
	for i := range events {
		switch e := &events[i]; e.Kind {
		case history.Publish:
			said[key(e)] = &saying{publisher: e.Publisher, seq: e.Seq, sent: e.Sent}
		case history.Outcome:
			if e.Result == history.OK {
				said[key(e)].settled = e.Seen
			}
		case history.Deliver:
			said[key(e)].came = true
		}
	}
	known := func(s *saying) bool { return s.settled > 0 || s.came }
	// before: a was at the target before b.
	before := func(a, b *saying) bool {
		return a.publisher == b.publisher && a.seq < b.seq || a.settled > 0 && a.settled < b.sent
	}
	for k, a := range said {
		for _, b := range said {
			if before(a, b) && b.settled > 0 && b.settled < a.sent+window {
				x.superseded[k] = true
			}
		}
	}
	newest := time.Duration(-1)
	for _, s := range said {
		if known(s) {
			newest = max(newest, s.sent)
		}
	}
	mayEnd := func(k [2]uint64) bool {
		s := said[k]
		for _, other := range said {
			if known(other) && before(s, other) {
				return false
			}
		}
		return true
	}
	for client := range history.ClientID(4) {
		var got []*history.Event
		answered, probed := time.Duration(-1), false
		for i := range events {
			switch e := &events[i]; {
			case e.Client != client:
			case e.Kind == history.Subscribed:
				answered = e.Seen
			case e.Kind == history.Deliver:
				got = append(got, e)
			case e.Kind == history.Probe:
				probed = true
			}
		}
		for i, a := range got {
			if kind == scenario.Debounce && a.Seen < a.Due+window {
				x.early[client] = true
			} else {
				x.calm[key(a)] = true
			}
			for n, b := range got[i:] {
				if n%most == 0 && n > 0 && a.Due+time.Duration(n/most)*window > b.Seen {
					x.flooded[client] = true
				}
			}
		}
		switch n := len(got); {
		case answered < 0:
		case n > 0 && mayEnd(key(got[n-1])):
			x.right[client] = true
		case newest > answered && probed && (kind != scenario.Debounce || n == 0 || !x.superseded[key(got[n-1])] || x.early[client]):
			x.wrong[client] = true
		}
	}
	return x
}

// TestShapeTwin: on any history of a shaped channel, right or wrong, the rules find what
// their twin finds, whatever the number of shards.
func TestShapeTwin(t *testing.T) {
	met := map[Anomaly]int{}
	clean := 0
	rapid.Check(t, func(t *rapid.T) {
		const ms = time.Millisecond
		kind := rapid.SampledFrom([]string{scenario.Throttle, scenario.Debounce}).Draw(t, "kind")
		most, window := 1, time.Duration(rapid.IntRange(50, 400).Draw(t, "window"))*ms
		if kind == scenario.Throttle {
			most = rapid.IntRange(1, 3).Draw(t, "most")
		}
		honest := rapid.Bool().Draw(t, "honest")
		names := history.NewNames([]string{"c"})
		brief := &Brief{
			Groups: []BriefGroup{{Name: "all", Count: 4}, {Name: "tellers", First: 4, Count: 2}}, Publishers: []BriefPublisher{{Client: 4, Name: "p"}, {Client: 5, Name: "q"}},
			Promises: scenario.Promises{Delivery: "exactly-once", Order: "per-channel", Recovery: true, History: scenario.History{Size: 100}, Shapes: []scenario.Shape{{Kind: kind, Match: "c", Every: window, Keep: "last"}}},
			Expect:   []scenario.Expectation{{Rule: kind, Name: kind, Channel: "c", Shape: scenario.ShapeLimit{Count: most, Per: window, Quiet: window}}}, Offsets: true, Ack: true,
		}
		if kind == scenario.Debounce {
			brief.Promises.Shapes[0] = scenario.Shape{Kind: kind, Match: "c", Quiet: window}
		}
		var events []history.Event
		emit := func(e history.Event) { events = append(events, e) }
		for c := range history.ClientID(4) {
			at := time.Duration(rapid.IntRange(1, 300).Draw(t, "arrives")) * ms
			e := history.Event{Client: c, Life: 1, Seen: at, Sent: at}
			for _, k := range []history.Kind{history.Open, history.Subscribe, history.Subscribed} {
				if e.Kind = k; k == history.Subscribed {
					e.Flags = history.FlagPositioned
				}
				emit(e)
			}
		}
		// What the target does: it takes each publication some time after it was sent,
		// and sends what its shape lets through, or by chance something else.
		type taken struct {
			e  history.Event
			at time.Duration
		}
		var all []taken
		now := 200 * ms
		seqs := [2]uint64{}
		for range rapid.IntRange(3, 30).Draw(t, "publications") {
			now += time.Duration(rapid.IntRange(1, int(window/ms)).Draw(t, "pause")) * ms
			p := rapid.IntRange(0, 1).Draw(t, "publisher")
			seqs[p]++
			e := history.Event{Kind: history.Publish, Client: history.ClientID(4 + p), Life: 1, Publisher: int32(p), Incarnation: 1, Seq: seqs[p], Due: now, Sent: now, Seen: now}
			emit(e)
			at := now + time.Duration(rapid.IntRange(0, 3).Draw(t, "way"))*ms
			if n := len(all); n > 0 {
				at = max(at, all[n-1].at)
			}
			all = append(all, taken{e, at})
			if rapid.IntRange(0, 9).Draw(t, "answer") > 0 {
				e.Kind, e.Result, e.Seen = history.Outcome, history.OK, at+time.Duration(rapid.IntRange(1, 4).Draw(t, "back"))*ms
				emit(e)
			}
		}
		offset := uint64(0)
		send := func(x taken, at time.Duration) {
			offset++
			for c := range history.ClientID(4) {
				answered := events[slices.IndexFunc(events, func(e history.Event) bool { return e.Client == c && e.Kind == history.Subscribed })].Seen
				if answered >= at || !honest && rapid.IntRange(0, 19).Draw(t, "loses") == 0 {
					continue
				}
				seen := at + time.Duration(rapid.IntRange(1, 6).Draw(t, "late"))*ms/2
				for i := len(events) - 1; i >= 0; i-- { // one connection keeps its order
					if e := &events[i]; e.Client == c && e.Kind == history.Deliver {
						seen = max(seen, e.Seen)
						break
					}
				}
				e := x.e
				e.Kind, e.Client, e.Offset, e.Sent, e.Seen, e.Arrived = history.Deliver, c, offset, 0, seen, seen
				e.Flags = history.FlagPositioned | history.FlagStamped
				emit(e)
			}
		}
		free := time.Duration(0)
		for i, x := range all {
			next := time.Duration(1 << 62)
			if i+1 < len(all) {
				next = all[i+1].at
			}
			wild := !honest && rapid.IntRange(0, 9).Draw(t, "wild") == 0
			switch {
			case wild:
				send(x, x.at)
			case kind == scenario.Debounce && x.at+window < next:
				send(x, x.at+window)
			case kind == scenario.Throttle:
				if at := max(x.at, free); at < next {
					send(x, at)
					free = at + window
				}
			}
		}
		end := now + 10*time.Second
		for _, note := range []string{history.PhaseDrain, history.PhaseProbe} {
			emit(history.Event{Kind: history.Phase, Client: -1, Seen: now + window + 20*ms, Note: note})
		}
		for c := range history.ClientID(4) {
			emit(history.Event{Kind: history.Probe, Client: c, Life: 1, Due: end, Seen: end})
		}
		emit(history.Event{Kind: history.Phase, Client: -1, Seen: end, Note: history.PhaseEnd})
		slices.SortStableFunc(events, func(a, b history.Event) int { return int(a.Seen - b.Seen) })

		want := newShapeTwin(events, kind, most, window)
		j, vs := judgeEvents(brief, names, events, rapid.IntRange(1, 3).Draw(t, "shards"))
		got := newShapeTwin(nil, kind, most, window)
		s := j.settle()
		for _, f := range s.found {
			met[f.anomaly]++
			switch f.anomaly {
			case ThrottleExceeded:
				got.flooded[f.client] = true
			case DebouncedEarly:
				got.early[f.client] = true
			case LastValueSwallowed, StaleLastValue, DebounceUnsettled:
				got.wrong[f.client] = true
			case DebouncedSuperseded:
				if f.entry < 0 {
					got.wrong[f.client] = true
				} else if got.superseded[[2]uint64{uint64(f.id.publisher), f.id.seq}] = true; !want.superseded[[2]uint64{uint64(f.id.publisher), f.id.seq}] {
					t.Fatalf("%v is blamed, and was not followed", f.id)
				}
			}
		}
		if kind == scenario.Throttle && !maps.Equal(got.flooded, want.flooded) {
			t.Fatalf("too many: found %v, want %v", got.flooded, want.flooded)
		}
		if kind == scenario.Debounce && !maps.Equal(got.early, want.early) {
			t.Fatalf("too early: found %v, want %v", got.early, want.early)
		}
		for k := range want.superseded {
			if kind == scenario.Debounce && want.calm[k] && !got.superseded[k] {
				t.Fatalf("%v had been followed, and is not blamed", k)
			}
		}
		if !maps.Equal(got.wrong, want.wrong) {
			t.Fatalf("on the wrong message: found %v, want %v", got.wrong, want.wrong)
		}
		if honest {
			if clean++; len(s.found) > 0 {
				t.Fatalf("a target that does it right is blamed: %s", dump(vs[0]))
			}
		}
	})
	if testing.Short() {
		return
	}
	for _, a := range []Anomaly{ThrottleExceeded, LastValueSwallowed, DebouncedEarly, DebounceUnsettled} {
		if met[a] < 5 {
			t.Errorf("%s came up %d times", a, met[a])
		}
	}
	if clean < 20 {
		t.Errorf("only %d targets were right", clean)
	}
}
