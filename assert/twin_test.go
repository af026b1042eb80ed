package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// The twin judges positioned histories the obvious, quadratic way: for each
// client and channel it writes down what was owed and looks for each offset in
// turn. It shares nothing with the rules but history.Event.

type twinSegment struct {
	life      int32
	epoch     history.EpochID
	base, top uint64
	answered  bool
	fresh     bool
	got       []twinGot
	waived    []uint64 // offsets announced as lost
	ended     bool     // before the end of the run
	left      bool
}

type twinGot struct {
	offset uint64
	replay bool
	seen   time.Duration
}

type twinResult struct{ lost, repeated, late int64 }

func twin(events []history.Event) (r twinResult) {
	type key struct {
		c  history.ClientID
		ch history.ChannelID
	}
	fence := map[history.ChannelID]history.Event{}
	probe := map[history.ClientID]history.Event{}
	subs := map[key][]*twinSegment{}
	over := false
	for _, e := range events {
		k := key{e.Client, e.Channel}
		var s *twinSegment
		if n := len(subs[k]); n > 0 {
			s = subs[k][n-1]
		}
		switch e.Kind {
		case history.Phase:
			over = over || e.Note == history.PhaseEnd
		case history.Probe:
			probe[e.Client] = e
		case history.Closed:
			for o, list := range subs {
				if o.c == e.Client && !over && !list[len(list)-1].left {
					list[len(list)-1].ended = true
				}
			}
		case history.Subscribe:
			if s != nil {
				s.ended = true
			}
			n := &twinSegment{life: e.Life, fresh: e.Flags&history.FlagRecover == 0, base: e.Offset, epoch: e.Epoch}
			subs[k] = append(subs[k], n)
		case history.Unsubscribe:
			s.ended, s.left = true, true
		case history.Subscribed:
			s.answered, s.top = true, e.Offset
			if e.Flags&history.FlagRecovered == 0 {
				s.fresh, s.base, s.epoch = true, e.Offset, e.Epoch
			}
		case history.Gap:
			s.waived = append(s.waived, e.Offset)
		case history.Deliver:
			if s == nil || s.ended {
				continue
			}
			s.got = append(s.got, twinGot{e.Offset, e.Flags&history.FlagReplay != 0, e.Seen})
			if e.Flags&history.FlagFence != 0 && (fence[e.Channel].Offset < e.Offset || fence[e.Channel].Epoch != e.Epoch) {
				fence[e.Channel] = e
			}
		}
	}
	for k, list := range subs {
		for i, s := range list {
			most := uint64(0)
			for x, g := range s.got {
				// A repeat: received before, in this segment or in an earlier one of the epoch.
				again := false
				for _, o := range s.got[:x] {
					again = again || o.offset == g.offset
				}
				for _, p := range list[:i] {
					for _, o := range p.got {
						again = again || p.epoch == s.epoch && o.offset == g.offset
					}
				}
				switch {
				case again:
					r.repeated++
				case g.offset < most:
					r.late++
				}
				most = max(most, g.offset)
			}
			proven := probe[k.c].Life == s.life && !s.ended
			for o := s.base + 1; o <= most && (s.ended || proven); o++ {
				missing, replayed := true, false
				for _, g := range s.got {
					missing = missing && g.offset != o
				}
				for _, g := range s.got { // who revealed it?
					if g.offset > o {
						replayed = g.replay
						break
					}
				}
				for _, w := range s.waived {
					missing = missing && o > w
				}
				if missing && !(replayed && !s.answered) {
					r.lost++
				}
			}
			top := max(most, s.base)
			for _, w := range s.waived {
				top = max(top, w)
			}
			if f, ok := fence[k.ch]; ok && proven && s.answered && f.Epoch == s.epoch && f.Offset > top {
				r.lost += int64(f.Offset - top)
			}
		}
	}
	return r
}

func fenceUnheard(events []history.Event) bool {
	heard := map[history.ChannelID]bool{}
	for _, e := range events {
		if e.Kind == history.Deliver && e.Flags&history.FlagFence != 0 {
			heard[e.Channel] = true
		}
	}
	for _, e := range events {
		if e.Kind == history.Outcome && e.Flags&history.FlagFence != 0 && !heard[e.Channel] {
			return true
		}
	}
	return false
}

func TestTwinAgrees(t *testing.T) {
	defects := []string{"", "lost-message", "duplicate-delivery", "replay-live-overlap", "recovered-flag-lie", "lost-in-socket",
		"subscribe-history-gap", "slow-consumer-silent-drop", "double-replay", "live-before-replay", "confirmed-not-subscribed"}
	var sum twinResult
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		s.steps = 300
		seed, shards := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "shards")
		for _, s.defect = range defects {
			want := compareWithTwin(t, s, seed, shards)
			sum.lost, sum.repeated, sum.late = sum.lost+want.lost, sum.repeated+want.repeated, sum.late+want.late
		}
	})
	if sum.lost == 0 || sum.repeated == 0 || sum.late == 0 {
		t.Errorf("not exercised: %+v", sum)
	}
}

func compareWithTwin(t *rapid.T, s shape, seed uint64, shards int) twinResult {
	w := newWorld(seed, s)
	events := w.run(s.steps)
	if fenceUnheard(events) {
		return twinResult{} // what nobody received has no offset that the twin could count
	}
	want := twin(events)
	j, vs := judgeEvents(w.brief(), w.names, events, shards)
	var got twinResult
	for _, p := range j.parts {
		for _, i := range p.incidents.all {
			switch i.anomaly {
			case DuplicateDelivery, ReplayLiveOverlap, DoubleReplay:
				got.repeated++
			case FIFOViolation, OrderDivergence, LiveBeforeReplay:
				got.late++
			}
		}
	}
	for _, v := range vs { // each owner counts its own
		for _, c := range v.Counts {
			if c.Name == "messages lost" {
				got.lost += c.N
			}
		}
	}
	if got != want {
		t.Fatalf("%s: the rules say %+v, the twin %+v\n%s%s%s", s.defect, got, want, dump(vs[0]), dump(vs[1]), dump(vs[2]))
	}
	return want
}
