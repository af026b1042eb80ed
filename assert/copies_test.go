package assert

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// overlapped turns a good history into one in which some clients hold a pattern
// beside their channel, and get of each live message up to most copies, some of
// them late. It returns how many copies each message had, by client, life and offset.
func overlapped(w *world, events []history.Event, r *rand.Rand, most int) (out []history.Event, copies map[[3]uint64]int, since map[[2]uint64]time.Duration) {
	pattern := history.ChannelID(w.names.ID("room.*"))
	holds := map[history.ClientID]bool{}
	for _, c := range w.clients {
		holds[c.id] = !c.publishes && r.IntN(3) > 0
	}
	for _, e := range events {
		if e.Kind == history.Unsubscribe { // a pattern would go on, and the model's server doesn't
			holds[e.Client] = false
		}
	}
	copies, since = map[[3]uint64]int{}, map[[2]uint64]time.Duration{}
	late := map[history.ClientID][]history.Event{}
	flush := func(c history.ClientID, at time.Duration, all bool) {
		for len(late[c]) > 0 && (all || r.IntN(2) == 0) {
			e := late[c][0]
			late[c] = late[c][1:]
			e.Seen, e.Arrived = at, at
			copies[[3]uint64{uint64(c), uint64(e.Life), e.Offset}]++
			out = append(out, e)
		}
	}
	done := false // from the fences on nothing comes late
	for _, e := range events {
		if e.Kind == history.Phase && e.Note == history.PhaseFences {
			done = true
			for _, c := range w.clients {
				flush(c.id, e.Seen, true)
			}
		}
		if !holds[e.Client] {
			out = append(out, e)
			continue
		}
		life := [2]uint64{uint64(e.Client), uint64(e.Life)}
		switch e.Kind {
		case history.Closed:
			if r.IntN(2) == 0 {
				flush(e.Client, e.Seen, true)
			}
			late[e.Client] = nil // cut off with the connection
		}
		out = append(out, e)
		switch e.Kind {
		case history.Ready:
			p := history.Event{Kind: history.Subscribe, Client: e.Client, Life: e.Life, Channel: pattern, Sent: e.Seen, Seen: e.Seen, Arrived: e.Seen}
			out = append(out, p)
			p.Kind, p.Due = history.Subscribed, e.Seen
			out = append(out, p)
			since[life] = e.Seen
		case history.Deliver:
			if e.Flags&history.FlagReplay == 0 {
				copies[[3]uint64{uint64(e.Client), uint64(e.Life), e.Offset}]++
				if t, ok := since[life]; ok && e.Due > t {
					for range r.IntN(most) {
						late[e.Client] = append(late[e.Client], e)
					}
				}
			}
			flush(e.Client, e.Seen, done)
		}
	}
	return out, copies, since
}

// tooFew counts, the obvious way, the second copies that never came: of messages
// that were acknowledged and sent after the pattern's answer in a client's last
// life, which its probe closes.
func tooFew(events []history.Event, copies map[[3]uint64]int, since map[[2]uint64]time.Duration) (n int) {
	type key struct {
		pub      int32
		inc, seq uint64
	}
	of := func(e *history.Event) key { return key{e.Publisher, uint64(e.Incarnation), e.Seq} }
	fenced := false // without, nobody knows where the channel ends
	sent, acked, last := map[key]time.Duration{}, map[key]bool{}, map[uint64]uint64{}
	for i := range events {
		switch e := &events[i]; {
		case e.Has(history.FlagFence):
			fenced = fenced || e.Kind == history.Deliver || e.Result == history.OK
		case e.Kind == history.Publish:
			sent[of(e)] = e.Sent
		case e.Kind == history.Outcome && e.Result == history.OK:
			acked[of(e)] = true
		case e.Kind == history.Probe:
			last[uint64(e.Client)] = uint64(e.Life)
		}
	}
	if !fenced {
		return 0
	}
	seen := map[[3]uint64]bool{}
	for i := range events {
		e := &events[i]
		k := [3]uint64{uint64(e.Client), uint64(e.Life), e.Offset}
		if e.Kind != history.Deliver || e.Flags&(history.FlagFence|history.FlagReplay) != 0 || seen[k] || last[k[0]] != k[1] || !acked[of(e)] {
			continue
		}
		seen[k] = true
		if t, ok := since[[2]uint64{k[0], k[1]}]; ok && sent[of(e)] > t && copies[k] < 2 {
			n++
		}
	}
	return n
}

// TestCopiesAgainstTwin: each promise of copies counts too many, and too few, as the
// obvious counting does.
func TestCopiesAgainstTwin(t *testing.T) {
	over, few, right := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w, events := goodWorld(t)
		most := rapid.IntRange(1, 4).Draw(t, "most")
		events, copies, since := overlapped(w, events, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "copies"), 1)), most)
		shards := rapid.IntRange(1, 3).Draw(t, "shards")
		for _, promise := range []string{"one", "per-subscription", "either", ""} {
			b := w.brief()
			b.Promises.Copies = promise
			allowed, short := 2, 0
			switch promise {
			case "one":
				allowed = 1
			case "per-subscription":
				short = tooFew(events, copies, since)
			}
			want := 0
			for _, n := range copies {
				want += max(0, n-allowed)
				right += min(n-1, allowed-1)
			}
			j, vs := judgeEvents(b, w.names, events, shards)
			got := 0
			for _, p := range j.parts {
				for _, i := range p.incidents.all {
					if i.anomaly == OverlapCopies {
						got++
					}
				}
				got += int(p.incidents.overflow[OverlapCopies])
			}
			lost := int64(0)
			for _, c := range vs[0].Counts {
				if c.Name == "messages lost" {
					lost = c.N
				}
			}
			names := anomaliesIn(vs)
			delete(names, "overlap-copies")
			if short > 0 {
				delete(names, "lost-message")
			}
			if got != want || lost != int64(short) || len(names) > 0 {
				t.Fatalf("copies %q: %d too many and %d lost, want %d and %d; also %v\n%s%s%s", promise, got, lost, want, short, names, dump(vs[0]), dump(vs[1]), dump(vs[2]))
			}
			over, few = over+want, few+short
		}
	})
	if !fewHistories() && (over == 0 || few == 0 || right == 0) {
		t.Errorf("not exercised: %d too many, %d too few, %d right", over, few, right)
	}
}

// TestStrangersAreNoLoss: what others publish, and the server does not send to
// everybody, is a loss only where nothing is promised of them; and it excuses no
// loss of ours.
func TestStrangersAreNoLoss(t *testing.T) {
	blamed, deleted := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		s.clients, s.channels, s.steps, s.size, s.restarts, s.gapNotices, s.strangers = max(s.clients, 3), 1, 300, 1000, false, false, true
		w := newWorld(rapid.Uint64().Draw(t, "seed"), s)
		events := w.run(s.steps)
		shards := rapid.IntRange(1, 3).Draw(t, "shards")
		_, vs := judgeEvents(w.brief(), w.names, events, shards)
		if names := anomaliesIn(vs); len(names) > 0 {
			t.Fatalf("a correct server is blamed for %v\n%s%s%s", names, dump(vs[0]), dump(vs[1]), dump(vs[2]))
		}
		b := w.brief()
		b.Promises.Foreign = nil
		_, vs = judgeEvents(b, w.names, events, shards)
		blamed += len(anomaliesIn(vs))
		others := map[[2]uint64]int{} // who received an offset
		for _, e := range events {
			if e.Kind == history.Deliver {
				others[[2]uint64{uint64(e.Epoch), e.Offset}] |= 1 << e.Client
			}
		}
		at := slices.DeleteFunc(interior(events), func(i int) bool {
			e := &events[i] // what nobody else received may be a stranger's
			return !e.Has(history.FlagStamped) || others[[2]uint64{uint64(e.Epoch), e.Offset}]&^(1<<e.Client) == 0
		})
		if len(at) == 0 {
			return
		}
		i := rapid.SampledFrom(at).Draw(t, "at")
		deleted++
		_, vs = judgeEvents(w.brief(), w.names, slices.Delete(slices.Clone(events), i, i+1), shards)
		for _, name := range []string{"lost-message", "slow-consumer-silent-drop", "ack-then-drop", "lost-in-socket", "recovered-flag-lie"} {
			if anomaliesIn(vs)[name] != "" {
				return
			}
		}
		t.Fatalf("without %+v nothing is missed\n%s%s%s", events[i], dump(vs[0]), dump(vs[1]), dump(vs[2]))
	})
	if !fewHistories() && (blamed == 0 || deleted == 0) {
		t.Errorf("not exercised: %d blamed where nothing is promised, %d deleted", blamed, deleted)
	}
}
