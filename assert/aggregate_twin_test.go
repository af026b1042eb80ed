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

// sumTwin reads the whole history again for every client, and adds up by hand.
type sumTwin struct{ wrong map[history.ClientID]string }

func newSumTwin(events []history.Event, every time.Duration) sumTwin {
	x := sumTwin{map[history.ClientID]string{}}
	type cast struct {
		key    history.KeyID
		amount int64
		sent   time.Duration
		came   int // −1 refused, 0 unknown, 1 acknowledged
		at     time.Duration
	}
	votes := map[[2]uint64]*cast{}
	for i := range events {
		e := &events[i]
		id := [2]uint64{uint64(e.Publisher), e.Seq}
		switch e.Kind {
		case history.Publish:
			votes[id] = &cast{sent: e.Sent, at: e.Sent}
		case history.Booked:
			votes[id].key, votes[id].amount = e.Epoch, int64(e.Offset)
		case history.Outcome:
			votes[id].came, votes[id].at = map[history.Result]int{history.OK: 1, history.Failed: -1}[e.Result], e.Seen
		}
	}
	if len(votes) == 0 {
		return x
	}
	first, last := time.Duration(1<<62), time.Duration(0)
	for _, v := range votes {
		first, last = min(first, v.sent), max(last, v.at)
	}
	for client := range history.ClientID(3) {
		throughout, sound, answers := true, false, 0
		got := map[history.KeyID]int64{}
		seen := map[uint64]bool{}
		offset := uint64(0)
		newest := time.Duration(0)
		for i := range events {
			switch e := &events[i]; {
			case e.Client != client:
			case e.Kind == history.Subscribed:
				if answers == 0 && e.Seen >= first || answers > 0 && e.Flags&history.FlagRecovered == 0 {
					throughout = false
				}
				answers++
			case e.Kind == history.Deliver:
				offset, newest = e.Offset, e.Seen
			case e.Kind == history.Told:
				if !seen[offset] {
					got[e.Epoch] += int64(e.Offset)
				}
				seen[offset] = true
			case e.Kind == history.Probe:
				sound = e.Due >= last+every+settleSlack && newest+stillArriving <= e.Due
			}
		}
		exact := throughout && sound
		keys := map[history.KeyID]bool{}
		for _, v := range votes {
			keys[v.key] = true
		}
		for k := range got {
			keys[k] = true
		}
		bounds := func(of func(history.KeyID) bool) (lo, hi int64) {
			for _, v := range votes {
				if v.came < 0 || !of(v.key) {
					continue
				}
				low, high := min(v.amount, 0), max(v.amount, 0) // it may count, or not
				if exact && v.came > 0 {
					low, high = v.amount, v.amount
				}
				lo, hi = lo+low, hi+high
			}
			return lo, hi
		}
		less, more, total := false, false, int64(0)
		for k := range keys {
			lo, hi := bounds(func(x history.KeyID) bool { return x == k })
			less, more, total = less || got[k] < lo, more || got[k] > hi, total+got[k]
		}
		lo, hi := bounds(func(history.KeyID) bool { return true })
		name := "more"
		switch {
		case !less && !more:
			continue
		case exact && less && total >= lo && total <= hi:
			name = "elsewhere"
		case exact && !(more && (!less || total > hi)):
			name = "less"
		case !exact:
			name = "part"
		}
		x.wrong[client] = name
	}
	return x
}

// TestSumTwin: on any history of a channel of sums, right or wrong, the rule finds what its
// twin finds, whatever the number of shards.
func TestSumTwin(t *testing.T) {
	met := map[string]int{}
	clean, recovered, late := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		const ms = time.Millisecond
		every := time.Duration(rapid.IntRange(50, 300).Draw(t, "every")) * ms
		wild := rapid.SampledFrom([]string{"", "", "drop", "twice", "elsewhere", "refused", "lose"}).Draw(t, "wild")
		negative := rapid.Bool().Draw(t, "negative")
		names := history.NewNames([]string{"c", "yes", "no", "abstain", "never"})
		brief := &Brief{
			Groups: []BriefGroup{{Name: "all", Count: 3}, {Name: "tellers", First: 3, Count: 2}}, Publishers: []BriefPublisher{{Client: 3, Name: "p"}, {Client: 4, Name: "q"}},
			Promises: scenario.Promises{Delivery: "exactly-once", Order: "per-channel", Recovery: true, History: scenario.History{Size: 1000, TTL: time.Hour}, Shapes: []scenario.Shape{{Kind: scenario.Aggregate, Match: "c", Every: every, Sum: "w", By: "o"}}},
			Expect:   []scenario.Expectation{{Rule: scenario.Aggregate, Name: "sums", Channel: "c", Number: 1, Book: &scenario.Book{}, Told: &scenario.Book{}}}, Offsets: true, Ack: true,
		}
		var events []history.Event
		emit := func(e history.Event) { events = append(events, e) }
		// What each subscriber does: it is there from a time on, and away once, perhaps.
		type stay struct{ from, leaves, back time.Duration }
		var stays [3]stay
		for c := range stays {
			stays[c].from = time.Duration(rapid.SampledFrom([]int{10, 20, 30, 700}).Draw(t, "arrives")) * ms
			if rapid.Bool().Draw(t, "leaves") {
				stays[c].leaves = stays[c].from + time.Duration(rapid.IntRange(300, 900).Draw(t, "stays"))*ms
				stays[c].back = stays[c].leaves + time.Duration(rapid.IntRange(100, 600).Draw(t, "away"))*ms
			}
		}
		// What the target does: it takes each vote a while after it was sent, and adds it to
		// the window that is open then; by chance it does something else.
		type sent struct {
			key history.KeyID
			sum int64
			at  time.Duration
		}
		var all []sent
		window := map[history.KeyID]int64{}
		due := time.Duration(-1)
		flush := func() {
			for _, k := range slices.Sorted(maps.Keys(window)) {
				all = append(all, sent{k, window[k], due})
			}
			clear(window)
			due = -1
		}
		now := 200 * ms
		seqs := [2]uint64{}
		for range rapid.IntRange(3, 25).Draw(t, "votes") {
			now += time.Duration(rapid.IntRange(1, 90).Draw(t, "pause")) * ms
			p := rapid.IntRange(0, 1).Draw(t, "publisher")
			seqs[p]++
			key := history.KeyID(rapid.IntRange(1, 3).Draw(t, "key"))
			amount := int64(rapid.IntRange(1, 1000).Draw(t, "amount")) * 10_000
			if negative && rapid.IntRange(0, 2).Draw(t, "sign") == 0 {
				amount = -amount
			}
			e := history.Event{Kind: history.Publish, Client: history.ClientID(3 + p), Life: 1, Publisher: int32(p), Incarnation: 1, Seq: seqs[p], Due: now, Sent: now, Seen: now}
			emit(e)
			booked := e
			booked.Kind, booked.Code, booked.Epoch, booked.Offset, booked.Result = history.Booked, 1, key, uint64(amount), history.OK
			emit(booked)
			e.Kind, e.Seen = history.Outcome, now+time.Duration(rapid.IntRange(2, 6).Draw(t, "answer"))*ms
			counts := true
			switch rapid.IntRange(0, 9).Draw(t, "outcome") {
			case 0:
				e.Result, counts = history.Failed, false
			case 1:
				e.Result, counts = history.Unknown, rapid.Bool().Draw(t, "took effect")
			default:
				e.Result = history.OK
			}
			emit(e)
			if due >= 0 && now+ms >= due {
				flush()
			}
			hit := wild != "" && rapid.IntRange(0, 3).Draw(t, "hit") == 0
			switch {
			case !hit:
			case wild == "drop" && counts:
				counts = false
			case wild == "twice" && counts:
				window[key] += amount
			case wild == "elsewhere":
				key = history.KeyID(rapid.IntRange(1, 4).Draw(t, "other key"))
			case wild == "refused":
				counts = true
			}
			if !counts {
				continue
			}
			if window[key] += amount; due < 0 {
				due = now + ms + every
			}
		}
		if due >= 0 {
			flush()
		}
		tell := func(c history.ClientID, life int32, i int, at time.Duration, flags history.Flags) {
			if wild == "lose" && rapid.IntRange(0, 9).Draw(t, "loses") == 0 {
				return
			}
			e := history.Event{Kind: history.Deliver, Client: c, Life: life, Publisher: -1, Offset: uint64(i + 1), Seen: at, Arrived: at, Flags: flags | history.FlagPositioned}
			emit(e)
			emit(history.Event{Kind: history.Told, Client: c, Life: life, Code: 1, Epoch: all[i].key, Offset: uint64(all[i].sum), Result: history.OK, Seen: at, Arrived: at})
		}
		end := now + every + 5*time.Second
		for n, s := range stays {
			c := history.ClientID(n)
			join := func(life int32, at time.Duration, flags history.Flags, from, top uint64) {
				e := history.Event{Client: c, Life: life, Seen: at, Sent: at}
				for _, k := range []history.Kind{history.Open, history.Subscribe, history.Subscribed} {
					switch e.Kind, e.Flags, e.Offset = k, 0, 0; {
					case k == history.Subscribe && flags != 0:
						e.Flags, e.Offset = history.FlagRecover, from
					case k == history.Subscribed:
						e.Flags, e.Offset = flags|history.FlagPositioned, top
					}
					emit(e)
				}
			}
			top := func(at time.Duration) (n int) {
				for n < len(all) && all[n].at <= at {
					n++
				}
				return n
			}
			at := top(s.from)
			join(1, s.from, 0, 0, uint64(at))
			late += at
			life := int32(1)
			for ; at < len(all); at++ {
				if s.leaves > 0 && life == 1 && all[at].at >= s.leaves {
					break
				}
				tell(c, life, at, all[at].at+ms/2, 0)
			}
			if s.leaves > 0 {
				emit(history.Event{Kind: history.Closed, Client: c, Life: 1, Who: history.Server, Seen: s.leaves})
				life = 2
				n := top(s.back)
				join(2, s.back, history.FlagRecovering|history.FlagRecovered, uint64(at), uint64(n))
				if n > at {
					recovered++
				}
				for ; at < len(all); at++ {
					if at < n {
						tell(c, life, at, s.back, history.FlagReplay)
					} else {
						tell(c, life, at, all[at].at+ms/2, 0)
					}
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "probed") > 0 {
				emit(history.Event{Kind: history.Probe, Client: c, Life: life, Due: end - ms, Seen: end - ms})
			}
		}
		emit(history.Event{Kind: history.Phase, Client: -1, Seen: end, Note: history.PhaseEnd})
		slices.SortStableFunc(events, func(a, b history.Event) int { return int(a.Seen - b.Seen) })

		want := newSumTwin(events, every)
		j, vs := judgeEvents(brief, names, events, rapid.IntRange(1, 3).Draw(t, "shards"))
		got := map[history.ClientID]string{}
		for _, f := range j.settle().found {
			if f.anomaly.Define().Owner != scenario.Aggregate {
				continue
			}
			met[want.wrong[f.client]]++
			got[f.client] = map[Anomaly]string{AggregateLost: "less", AggregateOvercounted: "more", AggregateMisattributed: "elsewhere"}[f.anomaly]
			if want.wrong[f.client] == "part" { // named as those who have everything are
				got[f.client] = "part"
			}
		}
		if !maps.Equal(got, want.wrong) {
			t.Fatalf("found %v, want %v\n%s", got, want.wrong, dump(vs[0]))
		}
		if (len(got) > 0) != (vs[0].State == Fail) {
			t.Fatalf("found %v, and it is %s: %s", got, vs[0].State, vs[0].Reason)
		}
		if wild == "" {
			if clean++; len(got) > 0 {
				t.Fatalf("a target that does it right is blamed: %s", dump(vs[0]))
			}
		}
	})
	if fewHistories() {
		return
	}
	for _, name := range []string{"less", "more", "elsewhere", "part"} {
		if met[name] < 3 {
			t.Errorf("%s came up %d times", name, met[name])
		}
	}
	if clean < 10 || recovered < 10 || late < 10 {
		t.Errorf("only %d targets were right, %d recoveries missed something, %d sums came before somebody", clean, recovered, late)
	}
}
