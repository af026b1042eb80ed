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

// entered is a publication as the twin of folds knows it.
type entered struct {
	saying
	key    history.EpochID
	amount int64
	gone   bool
	offset uint64 // 0: nobody has told it
}

// foldTwin reads the whole history again for every client. For merge it tries each
// message of a key as its last; for sum it adds up on both sides. It says of each client
// whether it ends on something wrong, or on what is right.
func foldTwin(events []history.Event, sum bool) (wrong, right map[history.ClientID]bool) {
	wrong, right = map[history.ClientID]bool{}, map[history.ClientID]bool{}
	said := map[[2]uint64]*entered{}
	of := func(e *history.Event) [2]uint64 { return [2]uint64{uint64(e.Publisher), e.Seq} }
	first := time.Duration(1 << 62)
	for i := range events {
		e := &events[i]
		if e.Flags&history.FlagFence != 0 {
			continue
		}
		switch e.Kind {
		case history.Publish:
			said[of(e)] = &entered{saying: saying{publisher: e.Publisher, seq: e.Seq, sent: e.Sent}}
			first = min(first, e.Sent)
		case history.Booked:
			m := said[of(e)]
			m.key, m.amount, m.gone = e.Epoch, int64(e.Offset), e.Flags&history.FlagGone != 0
		case history.Outcome:
			if e.Result == history.OK {
				said[of(e)].settled = e.Seen
				said[of(e)].offset = max(said[of(e)].offset, e.Offset)
			}
		case history.Deliver:
			said[of(e)].came = true
			said[of(e)].offset = max(said[of(e)].offset, e.Offset)
		}
	}
	rows := map[history.EpochID][]*entered{}
	for _, m := range said {
		if m.settled > 0 || m.came {
			rows[m.key] = append(rows[m.key], m)
		}
	}
	before := func(a, b *entered) bool {
		return a.publisher == b.publisher && a.seq < b.seq || a.settled > 0 && a.settled < b.sent
	}
	for client := range history.ClientID(4) {
		got, answered := map[[2]uint64]bool{}, time.Duration(-1)
		for i := range events {
			switch e := &events[i]; {
			case e.Client != client || e.Flags&history.FlagFence != 0:
			case e.Kind == history.Subscribed:
				answered = e.Seen
			case e.Kind == history.Deliver:
				got[of(e)] = true
			}
		}
		has := func(m *entered) bool { return got[[2]uint64{uint64(m.publisher), m.seq}] }
		for _, row := range rows {
			if sum {
				var mine, all int64
				for _, m := range row {
					if all += m.amount; has(m) {
						mine += m.amount
					}
				}
				if answered < first {
					wrong[client], right[client] = wrong[client] || mine != all, true
				}
				continue
			}
			var lasts []*entered
			placed, newest, gone := true, row[0], false
			for _, m := range row {
				if m.sent > newest.sent {
					newest = m
				}
				if !slices.ContainsFunc(row, func(o *entered) bool { return before(m, o) }) {
					lasts = append(lasts, m)
					placed = placed && m.offset > 0
				}
			}
			if placed {
				newest = slices.MaxFunc(lasts, func(a, b *entered) int { return int(a.offset) - int(b.offset) })
				lasts = []*entered{newest}
			}
			gone = newest.gone
			switch {
			case slices.ContainsFunc(lasts, has):
				right[client] = true
			case newest.sent <= answered:
			case gone && !slices.ContainsFunc(row, has):
				right[client] = true
			default:
				wrong[client] = true
			}
		}
		if wrong[client] {
			delete(right, client)
		}
	}
	maps.DeleteFunc(wrong, func(_ history.ClientID, is bool) bool { return !is })
	return wrong, right
}

// TestFoldTwin: on any history of a channel whose state by key is expected, right or
// wrong, the rule finds what its twin finds, whatever the number of shards.
func TestFoldTwin(t *testing.T) {
	met := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		const ms = time.Millisecond
		fold := rapid.SampledFrom([]string{scenario.FoldMerge, scenario.FoldSum}).Draw(t, "fold")
		honest := rapid.IntRange(0, 2).Draw(t, "honest") == 0
		offsets := rapid.Bool().Draw(t, "offsets")
		told := offsets && rapid.Bool().Draw(t, "told") // by acknowledgements
		names := history.NewNames([]string{"c", "ada", "bob", "eve"})
		brief := &Brief{
			Groups: []BriefGroup{{Name: "all", Count: 4}, {Name: "tellers", First: 4, Count: 2}}, Publishers: []BriefPublisher{{Client: 4, Name: "p"}, {Client: 5, Name: "q"}},
			Promises: scenario.Promises{Delivery: "at-most-once", Order: "per-channel"},
			Expect:   []scenario.Expectation{{Rule: "state", Name: "state", Channel: "c", Want: fold, Number: 1, Book: &scenario.Book{Channel: "c", Key: "key"}}}, Offsets: offsets, Ack: true,
		}
		var events []history.Event
		emit := func(e history.Event) { events = append(events, e) }
		positioned := history.Flags(0)
		if offsets {
			positioned = history.FlagPositioned
		}
		answers := map[history.ClientID]time.Duration{}
		type taken struct {
			e  history.Event
			at time.Duration
		}
		var all []taken
		now := 200 * ms
		seqs := [2]uint64{}
		for range rapid.IntRange(2, 14).Draw(t, "publications") {
			now += time.Duration(rapid.IntRange(1, 20).Draw(t, "pause")) * ms
			p := rapid.IntRange(0, 1).Draw(t, "publisher")
			seqs[p]++
			e := history.Event{Kind: history.Publish, Client: history.ClientID(4 + p), Life: 1, Publisher: int32(p), Incarnation: 1, Seq: seqs[p], Due: now, Sent: now, Seen: now}
			emit(e)
			b := e
			b.Kind, b.Code, b.Result, b.Epoch = history.Booked, 1, history.OK, history.EpochID(rapid.IntRange(1, 3).Draw(t, "key"))
			if fold == scenario.FoldSum {
				b.Offset = uint64(int64(rapid.IntRange(-2, 2).Draw(t, "amount")))
			} else if rapid.IntRange(0, 2).Draw(t, "gone") == 0 {
				b.Flags = history.FlagGone
			}
			emit(b)
			at := now + time.Duration(rapid.IntRange(0, 30).Draw(t, "way"))*ms
			if n := len(all); n > 0 {
				at = max(at, all[n-1].at)
			}
			all = append(all, taken{e, at})
		}
		end := now + 500*ms
		for c := range history.ClientID(4) {
			at := time.Duration(rapid.SampledFrom([]int{1, 1, 1, 210, 250}).Draw(t, "arrives")) * ms
			e := history.Event{Client: c, Life: 1, Seen: at, Sent: at}
			for _, k := range []history.Kind{history.Open, history.Subscribe, history.Subscribed} {
				if e.Kind = k; k == history.Subscribed {
					answers[c] = at
					if e.Flags = positioned; offsets {
						for _, x := range all {
							if x.at <= at {
								e.Offset++
							}
						}
					}
				}
				emit(e)
			}
		}
		for i, x := range all {
			offset := uint64(i + 1)
			for c := range history.ClientID(4) {
				if answers[c] >= x.at || !honest && rapid.IntRange(0, 5).Draw(t, "loses") == 0 {
					continue
				}
				e := x.e
				e.Kind, e.Client, e.Sent, e.Flags, e.Seen = history.Deliver, c, 0, history.FlagStamped|positioned, x.at+time.Duration(c+1)*ms/8
				if e.Arrived = e.Seen; offsets {
					e.Offset = offset
				}
				emit(e)
			}
			if rapid.IntRange(0, 5).Draw(t, "answer") > 0 {
				e := x.e
				e.Kind, e.Result, e.Seen = history.Outcome, history.OK, x.at+time.Duration(rapid.IntRange(1, 4).Draw(t, "back"))*ms
				if told {
					e.Flags, e.Offset = history.FlagPositioned, offset
				}
				emit(e)
			}
		}
		fences := uint64(len(all))
		for _, note := range []string{history.PhaseDrain, history.PhaseFences} {
			emit(history.Event{Kind: history.Phase, Client: -1, Seen: end, Note: note})
		}
		for p, seq := range seqs {
			if seq == 0 {
				continue
			}
			fences++
			e := history.Event{Kind: history.Publish, Client: history.ClientID(4 + p), Life: 1, Publisher: int32(p), Incarnation: 1, Seq: seq, Due: end + ms, Sent: end + ms, Seen: end + ms, Flags: history.FlagFence}
			emit(e)
			for c := range history.ClientID(4) {
				d := e
				d.Kind, d.Client, d.Sent, d.Seen, d.Arrived, d.Flags = history.Deliver, c, 0, end+time.Duration(2+p)*ms, end+time.Duration(2+p)*ms, history.FlagFence|history.FlagStamped|positioned
				if offsets {
					d.Offset = fences
				}
				emit(d)
			}
			e.Kind, e.Result, e.Seen = history.Outcome, history.OK, end+5*ms
			emit(e)
		}
		emit(history.Event{Kind: history.Phase, Client: -1, Seen: end + 6*ms, Note: history.PhaseProbe})
		for c := range history.ClientID(4) {
			emit(history.Event{Kind: history.Probe, Client: c, Life: 1, Due: end + 3*time.Second, Seen: end + 3*time.Second})
		}
		emit(history.Event{Kind: history.Phase, Client: -1, Seen: end + 4*time.Second, Note: history.PhaseEnd})
		slices.SortStableFunc(events, func(a, b history.Event) int { return int(a.Seen - b.Seen) })

		wrong, right := foldTwin(events, fold == scenario.FoldSum)
		shards := rapid.IntRange(1, 3).Draw(t, "shards")
		j, vs := judgeEvents(brief, names, events, shards)
		s := j.settle()
		gotWrong, gotRight := map[history.ClientID]bool{}, map[history.ClientID]bool{}
		w := &s.j.want.all[0]
		for i, p := range s.parts {
			for at := range p.ledger.all {
				c := &p.ledger.all[at]
				switch e, _, l := s.foldedAt(w, s.fold(1, s.channel(c.channel)), i, int32(at)); e {
				case behind:
					gotWrong[c.client] = true
					if met["wrong "+fold]++; l.gone {
						met["gone"]++
					}
				case settled:
					gotRight[c.client] = true
					met["right "+fold]++
				case notOwed:
					met["not owed"]++
				default:
					t.Fatalf("client %d came to %d", c.client, e)
				}
			}
		}
		if !maps.Equal(gotWrong, wrong) || !maps.Equal(gotRight, right) {
			t.Fatalf("%s: found %v wrong and %v right, want %v and %v\n%s", fold, gotWrong, gotRight, wrong, right, dump(vs[0]))
		}
		if fails := vs[0].State == Fail; fails != (len(wrong) > 0) {
			t.Fatalf("%d are wrong, and the verdict is\n%s", len(wrong), dump(vs[0]))
		}
		if honest && len(wrong) > 0 {
			t.Fatalf("a target that does it right is blamed: %s", dump(vs[0]))
		}
	})
	if testing.Short() {
		return
	}
	for _, what := range []string{"wrong merge", "wrong sum", "right merge", "right sum", "gone", "not owed"} {
		if met[what] < 5 {
			t.Errorf("%s came up %d times", what, met[what])
		}
	}
}
