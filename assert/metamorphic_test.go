package assert

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// interior lists live deliveries of a good history that have a live neighbour on
// both sides in the same segment, so that a change there has one name only.
func interior(events []history.Event) (at []int) {
	type key struct {
		c    history.ClientID
		ch   history.ChannelID
		life int32
	}
	last := make(map[key][]int)
	for i, e := range events {
		k := key{e.Client, e.Channel, e.Life}
		switch e.Kind {
		case history.Subscribe, history.Unsubscribe, history.Unsubscribed, history.Gap:
			last[k] = nil
		case history.Deliver:
			if e.Flags&(history.FlagReplay|history.FlagFence) != 0 {
				last[k] = nil
				continue
			}
			l := append(last[k], i)
			if n := len(l); n >= 3 && events[l[n-2]].Offset+1 == e.Offset && events[l[n-3]].Offset+2 == e.Offset {
				at = append(at, l[n-2])
			}
			last[k] = l
		}
	}
	return at
}

func goodWorld(t *rapid.T) (*world, []history.Event) {
	s := drawShape(t)
	s.clients, s.channels, s.steps, s.size, s.restarts, s.gapNotices = max(s.clients, 3), 1, 300, 1000, false, false
	w := newWorld(rapid.Uint64().Draw(t, "seed"), s)
	return w, w.run(s.steps)
}

// One delivery deleted, doubled or swapped with its neighbour: each fails, by name.
func TestOneChangedDeliveryFailsByName(t *testing.T) {
	names := map[string][]string{
		"delete": {"lost-message", "slow-consumer-silent-drop", "ack-then-drop", "lost-in-socket", "recovered-flag-lie"},
		"double": {"duplicate-delivery"},
		"swap":   {"fifo-violation", "order-divergence"},
	}
	tried := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w, events := goodWorld(t)
		at := interior(events)
		if len(at) == 0 {
			return
		}
		i := rapid.SampledFrom(at).Draw(t, "at")
		change := rapid.SampledFrom([]string{"delete", "double", "swap"}).Draw(t, "change")
		switch e := events[i]; change {
		case "delete":
			events = slices.Delete(slices.Clone(events), i, i+1)
		case "double":
			events = slices.Insert(slices.Clone(events), i, e)
		case "swap":
			events = slices.Clone(events)
			for k := i + 1; ; k++ {
				if n := &events[k]; n.Kind == history.Deliver && n.Client == e.Client && n.Channel == e.Channel {
					seenE, seenN := e.Seen, n.Seen
					events[i], events[k] = *n, e
					events[i].Seen, events[k].Seen = seenE, seenN
					break
				}
			}
		}
		tried[change]++
		_, vs := judgeEvents(w.brief(), w.names, events, rapid.IntRange(1, 3).Draw(t, "shards"))
		got := anomaliesIn(vs)
		if len(got) == 0 {
			t.Fatalf("%s of %+v went unnoticed", change, events[i])
		}
		for name := range got {
			if !slices.Contains(names[change], name) {
				t.Fatalf("%s is called %s\n%s%s%s", change, name, dump(vs[0]), dump(vs[1]), dump(vs[2]))
			}
		}
	})
	for change := range names {
		if tried[change] < 5 && !testing.Short() { // then there are only 20 draws for all three
			t.Errorf("%s was tried only %d times", change, tried[change])
		}
	}
}

// Events of different clients that the shard learned of in another order change
// nothing: only each client's own order, and the times, mean anything.
func TestInterleavingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		s.defect = rapid.SampledFrom([]string{"", "lost-message", "duplicate-delivery", "recovered-flag-lie"}).Draw(t, "defect")
		w := newWorld(rapid.Uint64().Draw(t, "seed"), s)
		events := w.run(s.steps)
		_, want := judgeEvents(w.brief(), w.names, events, 1)
		_, got := judgeEvents(w.brief(), w.names, shuffleClients(events, rapid.Uint64().Draw(t, "order")), 1)
		for i := range want {
			if want[i].State != got[i].State || !reflect.DeepEqual(want[i].Counts, got[i].Counts) || len(want[i].Findings) != len(got[i].Findings) {
				t.Fatalf("%+v\nbecame\n%+v", want[i], got[i])
			}
		}
	})
}

// shuffleClients merges the clients' streams anew between phases.
func shuffleClients(events []history.Event, seed uint64) (out []history.Event) {
	r := rand.New(rand.NewPCG(seed, 3))
	var part []history.Event
	flush := func() {
		streams := make(map[history.ClientID][]history.Event)
		var left []history.ClientID
		for _, e := range part {
			streams[e.Client] = append(streams[e.Client], e)
			left = append(left, e.Client)
		}
		r.Shuffle(len(left), func(a, b int) { left[a], left[b] = left[b], left[a] })
		for _, c := range left {
			out, streams[c] = append(out, streams[c][0]), streams[c][1:]
		}
		part = nil
	}
	for _, e := range events {
		if e.Client < 0 {
			flush()
			out = append(out, e)
			continue
		}
		part = append(part, e)
	}
	flush()
	return out
}
