package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// snapshotTwin is what the twin makes of a history: of each anomaly how many snapshots
// have it at least, since nothing else is wrong with them, and how many at most.
type snapshotTwin struct {
	least, most                            map[string]int64
	wrong, judged, rows, undecided, unseen int64
	gone, broken                           int64
}

// given is what came of one subscribe with snapshot.
type given struct {
	rows, parts          []*history.Event
	answer, early        *history.Event
	ended, whole, probed bool
}

func givenTo(events []history.Event) (all []given) {
	for i := range events {
		sub := &events[i]
		if sub.Kind != history.Subscribe || !sub.Has(history.FlagRows) {
			continue
		}
		var g given
		for k := i + 1; k < len(events) && !g.ended && !g.whole && g.early == nil; k++ {
			switch e := &events[k]; {
			case e.Client != sub.Client:
			case e.Kind == history.Subscribed:
				g.answer = e
			case e.Kind == history.Row:
				g.rows = append(g.rows, e)
			case e.Kind == history.Snapshot:
				g.parts = append(g.parts, e)
				g.whole = e.Code == 1
			case e.Kind == history.Closed:
				g.ended = true
			case e.Kind == history.Deliver && !g.answer.Has(history.FlagRecovered) && e.Offset > g.answer.Offset:
				g.early = e
			case e.Kind == history.Probe:
				g.probed = true
			}
		}
		all = append(all, g)
	}
	return all
}

// countSnapshots reads the whole history again for every row.
func countSnapshots(events []history.Event) (n snapshotTwin) {
	n.least, n.most = map[string]int64{}, map[string]int64{}
	type message struct {
		publisher int32
		seq       uint64
	}
	of := func(e *history.Event) message { return message{e.Publisher, e.Seq} }
	key := func(m message) (key history.KeyID, gone, made bool) {
		for i := range events {
			if e := &events[i]; e.Kind == history.Booked && of(e) == m {
				return e.Epoch, e.Has(history.FlagGone), true
			}
		}
		return 0, false, false
	}
	place := func(m message) uint64 {
		for i := range events {
			if e := &events[i]; (e.Kind == history.Deliver || e.Kind == history.Outcome && e.Result == history.OK) && e.Offset > 0 && of(e) == m {
				return e.Offset
			}
		}
		return 0
	}
	state := func(m message) (sent time.Duration, published, refused bool) {
		for i := range events {
			switch e := &events[i]; {
			case e.Kind == history.Publish && of(e) == m:
				sent, published = e.Sent, true
			case e.Kind == history.Outcome && of(e) == m:
				refused = e.Result == history.Failed
			}
		}
		return sent, published, refused
	}
	given := givenTo(events)
	said := func(m message) (at uint64) { // by rows, where the log says nothing and all rows agree
		_, published, refused := state(m)
		if _, takes, _ := key(m); takes || !published || refused || place(m) > 0 {
			return 0
		}
		for _, g := range given {
			for _, r := range g.rows {
				if g.whole && r.Offset <= g.parts[0].Offset && of(r) == m {
					if at > 0 && at != r.Offset {
						return 0
					}
					at = r.Offset
				}
			}
		}
		for i := range events {
			if e := &events[i]; e.Kind == history.Publish && place(of(e)) == at {
				return 0
			}
		}
		for _, g := range given {
			for _, r := range g.rows {
				if g.whole && r.Offset <= g.parts[0].Offset && r.Offset == at && of(r) != m {
					return 0
				}
			}
		}
		return at
	}
	where := func(m message) uint64 { return max(place(m), said(m)) }
	latest := func(k history.KeyID, upTo uint64) (at uint64, gone bool) {
		for i := range events {
			if e := &events[i]; e.Kind == history.Publish {
				key, takes, _ := key(of(e))
				if o := where(of(e)); key == k && o > at && o <= upTo {
					at, gone = o, takes
				}
			}
		}
		return at, gone
	}
	for _, g := range given {
		rows, parts, answer, early, ended, whole, probed := g.rows, g.parts, g.answer, g.early, g.ended, g.whole, g.probed
		has := map[string]bool{}
		switch recovered := answer.Has(history.FlagRecovered); {
		case early != nil:
			has["snapshot-missing"] = true
		case !whole && recovered:
			continue
		case !whole && ended:
			n.broken++
			continue
		case !whole && probed:
			has["snapshot-missing"] = true
		case !whole:
			n.unseen++
			continue
		}
		if whole {
			n.judged++
			p := parts[0]
			for _, other := range append(parts[1:], answer) {
				if other.Offset != p.Offset {
					has["snapshot-delta-skew"] = true
				}
			}
			if len(has) == 0 {
				var gone, right int64
				open := false
				there := map[history.KeyID]int{}
				for _, r := range rows {
					m := of(r)
					k, takes, _ := key(m)
					_, published, refused := state(m)
					at := where(m)
					if at == 0 {
						at = r.Offset
					}
					last, lastTakes := latest(k, p.Offset)
					switch {
					case !published || refused || at > p.Offset:
						has["snapshot-delta-skew"] = true
						continue
					case takes || last > at && lastTakes:
						has["removed-row-kept"] = true
					case last > at:
						has["snapshot-delta-skew"] = true
					}
					if there[k]++; there[k] > 1 {
						has["snapshot-delta-skew"] = true
					} else {
						right++
					}
				}
				keys := map[history.KeyID]bool{}
				for k := range events {
					if e := &events[k]; e.Kind == history.Booked && where(of(e)) > 0 {
						keys[e.Epoch] = true
					}
				}
				for k := range keys {
					at, takes := latest(k, p.Offset)
					switch {
					case at == 0 || there[k] > 0:
					case takes:
						gone++
					default:
						loose := false
						for q := range events {
							if e := &events[q]; e.Kind == history.Publish {
								key, removes, _ := key(of(e))
								sent, _, refused := state(of(e))
								loose = loose || key == k && removes && !refused && place(of(e)) == 0 && sent < parts[len(parts)-1].Seen
							}
						}
						if loose {
							open = true
						} else {
							has["row-missing"] = true
						}
					}
				}
				if len(has) == 0 {
					n.rows, n.gone = n.rows+right, n.gone+gone
					if open {
						n.undecided++
					}
				}
			}
		}
		if len(has) > 0 {
			n.wrong++
		}
		for a := range has {
			n.most[a]++
			if len(has) == 1 {
				n.least[a]++
			}
		}
	}
	return n
}

// TestSnapshotTwin: on any history of publications, subscribes and snapshots the rule
// finds what its twin finds, whatever the number of shards.
func TestSnapshotTwin(t *testing.T) {
	names := history.NewNames([]string{"c", "e", "ada", "bob", "cid"})
	brief := &Brief{
		Groups: []BriefGroup{{Name: "all", Count: 5}}, Publishers: []BriefPublisher{{Client: 3, Name: "p"}, {Client: 4, Name: "q"}}, Offsets: true, Ack: true,
		Promises: scenario.Promises{Delivery: "at-least-once", Order: "per-channel", Recovery: true, History: scenario.History{Size: 1000, TTL: time.Hour}},
		Expect:   []scenario.Expectation{{Rule: "snapshot", Name: "snapshot", Number: 1, Book: &scenario.Book{Key: "key", Tombstone: "gone"}}},
	}
	var sum snapshotTwin
	sum.least = map[string]int64{}
	rapid.Check(t, func(t *rapid.T) {
		events := drawSnapshots(t)
		want := countSnapshots(events)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			got := map[string]int64{}
			for _, c := range vs[0].Counts {
				got[c.Name] = c.N
			}
			var wrong int64
			for _, f := range vs[0].Findings {
				wrong += f.Times
				if f.Times > want.most[f.Anomaly] {
					t.Fatalf("%d shards: %d times %s, the twin says at most %d: %s\n%s", shards, f.Times, f.Anomaly, want.most[f.Anomaly], f.Missing, listAbuse(events))
				}
				got[f.Anomaly] += f.Times
			}
			for a, least := range want.least {
				if got[a] < least {
					t.Fatalf("%d shards: %d times %s, the twin says at least %d\n%s", shards, got[a], a, least, listAbuse(events))
				}
			}
			if wrong != want.wrong || got["snapshots judged"] != want.judged || got["rows of these"] != want.rows || got["undecided"] != want.undecided ||
				got["unseen"] != want.unseen || got["keys that have no row, rightly"] != want.gone || got["cut off"] != want.broken {
				t.Fatalf("%d shards: %d wrong and %v, the twin %+v\n%s", shards, wrong, got, want, listAbuse(events))
			}
		}
		sum.judged, sum.rows, sum.undecided, sum.unseen, sum.gone, sum.broken = sum.judged+want.judged, sum.rows+want.rows, sum.undecided+want.undecided, sum.unseen+want.unseen, sum.gone+want.gone, sum.broken+want.broken
		for a, k := range want.least {
			sum.least[a] += k
		}
	})
	if !fewHistories() && (sum.rows == 0 || sum.undecided == 0 || sum.unseen == 0 || sum.gone == 0 || sum.broken == 0 || len(sum.least) < 4) {
		t.Errorf("nothing is proven: %+v", sum)
	}
}

// drawSnapshots draws a history of one channel: client 0 watches, 1 and 2 ask for rows.
func drawSnapshots(t *rapid.T) (events []history.Event) {
	now := time.Second
	emit := func(e history.Event) {
		now += time.Millisecond
		e.Seen, e.Arrived = now, now
		if e.Kind == history.Publish || e.Kind == history.Subscribe {
			e.Sent, e.Due = now, now
		}
		events = append(events, e)
	}
	type message struct {
		history.Event
		key  history.KeyID
		gone bool
	}
	var log, refused []message
	var unknown []history.Event
	blind := rapid.Bool().Draw(t, "blind") // nobody but the rows says much of where messages stand
	seqs, life, open := [2]uint64{}, [3]int32{}, [3]bool{}
	enter := func(c history.ClientID, flags history.Flags) {
		life[c]++
		open[c] = true
		emit(history.Event{Kind: history.Open, Client: c, Channel: -1, Life: life[c]})
		emit(history.Event{Kind: history.Subscribe, Client: c, Life: life[c], Flags: flags})
	}
	position := func(kind history.Kind, c history.ClientID, offset int, flags history.Flags, code int32) {
		emit(history.Event{Kind: kind, Client: c, Life: life[c], Epoch: 1, Offset: uint64(offset), Flags: flags | history.FlagPositioned, Code: code})
	}
	row := func(c history.ClientID, m message, offset uint64) {
		emit(history.Event{Kind: history.Row, Client: c, Life: life[c], Epoch: 1, Offset: offset, Flags: history.FlagPositioned | history.FlagStamped, Publisher: m.Publisher, Incarnation: 1, Seq: m.Seq})
	}
	emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseActive})
	enter(0, 0)
	position(history.Subscribed, 0, 0, 0, 0)
	for range rapid.IntRange(10, 50).Draw(t, "steps") {
		switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
		case what < 6: // somebody publishes
			p := int32(rapid.IntRange(0, 1).Draw(t, "publisher"))
			seqs[p]++
			m := message{Event: history.Event{Kind: history.Publish, Client: history.ClientID(3 + p), Life: 1, Publisher: p, Incarnation: 1, Seq: seqs[p]}}
			m.key, m.gone = history.KeyID(rapid.IntRange(2, 4).Draw(t, "key")), rapid.IntRange(0, 2).Draw(t, "gone") == 0
			emit(m.Event)
			m.Due, m.Sent = now, now
			b := m.Event
			if b.Kind, b.Code, b.Result, b.Epoch = history.Booked, 1, history.OK, m.key; m.gone {
				b.Flags = history.FlagGone
			}
			emit(b)
			outcome := m.Event
			outcome.Kind = history.Outcome
			how := rapid.IntRange(0, 11).Draw(t, "outcome")
			if how == 0 {
				outcome.Result = history.Failed
				refused = append(refused, m)
				emit(outcome)
				break
			}
			if how > 1 { // it takes effect
				m.Offset = uint64(len(log) + 1)
				log = append(log, m)
				for c := range history.ClientID(3) {
					if open[c] && (c > 0 || !blind && rapid.IntRange(0, 6).Draw(t, "seen") > 0) {
						emit(history.Event{Kind: history.Deliver, Client: c, Life: life[c], Epoch: 1, Offset: m.Offset, Flags: history.FlagPositioned | history.FlagStamped, Publisher: p, Incarnation: 1, Seq: m.Seq, Due: m.Due})
					}
				}
			}
			if how < 4 {
				unknown = append(unknown, outcome)
				break
			}
			if outcome.Result = history.OK; !blind && rapid.IntRange(0, 3).Draw(t, "told") > 0 {
				outcome.Epoch, outcome.Offset, outcome.Flags = 1, m.Offset, history.FlagPositioned
			}
			emit(outcome)
		default: // somebody comes or goes
			c := history.ClientID(rapid.IntRange(1, 2).Draw(t, "client"))
			if open[c] {
				open[c] = false
				emit(history.Event{Kind: history.Closed, Client: c, Channel: -1, Life: life[c], Who: history.Fault})
				break
			}
			enter(c, history.FlagRows)
			if life[c] > 1 && rapid.IntRange(0, 4).Draw(t, "recovered") == 0 {
				position(history.Subscribed, c, len(log), history.FlagRecovering|history.FlagRecovered, 0)
				break
			}
			position(history.Subscribed, c, len(log), 0, 0)
			how := rapid.IntRange(0, 15).Draw(t, "how")
			if how == 0 {
				break // no snapshot
			}
			last := map[history.KeyID]message{}
			for _, m := range log {
				last[m.key] = m
			}
			var rows []message
			for k := history.KeyID(2); k <= 4; k++ {
				if m, any := last[k]; any && !m.gone {
					rows = append(rows, m)
				}
			}
			pick := func(of []message) (m message, ok bool) {
				if len(of) == 0 {
					return m, false
				}
				return of[rapid.IntRange(0, len(of)-1).Draw(t, "row")], true
			}
			at, part := len(log), len(log)
			switch how {
			case 1: // one too few
				if len(rows) > 0 {
					rows = rows[1:]
				}
			case 2: // one more, of whatever
				if m, ok := pick(log); ok {
					rows = append(rows, m)
				}
			case 3: // one that was refused
				if m, ok := pick(refused); ok {
					m.Offset = uint64(at)
					rows = append(rows, m)
				}
			case 4: // an old one instead
				if m, ok := pick(log); ok && len(rows) > 0 {
					rows[0] = m
				}
			case 5: // of another position
				at, part = max(at-1, 0), max(part-1, 0)
			case 6:
				part = max(part-1, 0)
			case 7: // said to stand behind
				if len(rows) > 0 {
					rows[0].Offset++
				}
			case 8: // never published
				rows = append(rows, message{Event: history.Event{Publisher: 0, Seq: 99, Offset: uint64(at)}})
			}
			for i, m := range rows {
				if row(c, m, m.Offset); i == 0 {
					position(history.Snapshot, c, part, 0, 0)
				}
			}
			if how != 9 { // else it breaks off
				position(history.Snapshot, c, at, 0, 1)
			}
		}
	}
	if !open[1] && rapid.IntRange(0, 2).Draw(t, "late") == 0 { // what it asks for never comes
		enter(1, history.FlagRows)
		position(history.Subscribed, 1, len(log), 0, 0)
	}
	for _, e := range unknown {
		emit(e)
	}
	emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseDrain})
	now += time.Second
	emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseProbe})
	asked := now
	for c := range history.ClientID(3) {
		if open[c] && rapid.IntRange(0, 3).Draw(t, "probed") > 0 {
			emit(history.Event{Kind: history.Probe, Client: c, Channel: -1, Life: life[c], Due: asked})
		}
	}
	emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseEnd})
	return events
}
