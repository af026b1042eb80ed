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

// ownOffsets lists the offsets at which somebody received a message of this run.
func ownOffsets(events []history.Event) map[[3]uint64]bool {
	own := map[[3]uint64]bool{}
	for _, e := range events {
		if e.Kind == history.Deliver && e.Has(history.FlagStamped) {
			own[[3]uint64{uint64(e.Channel), uint64(e.Epoch), e.Offset}] = true
		}
	}
	return own
}

// twin judges events; where own is not nil only its offsets are owed to anybody.
func twin(events []history.Event, own map[[3]uint64]bool) (r twinResult) {
	owed := func(ch history.ChannelID, ep history.EpochID, o uint64) bool {
		return own == nil || own[[3]uint64{uint64(ch), uint64(ep), o}]
	}
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
				if missing && !(replayed && !s.answered) && owed(k.ch, s.epoch, o) {
					r.lost++
				}
			}
			top := max(most, s.base)
			for _, w := range s.waived {
				top = max(top, w)
			}
			if f, ok := fence[k.ch]; ok && proven && s.answered && f.Epoch == s.epoch && f.Offset > top {
				for o := top + 1; o <= f.Offset; o++ {
					if owed(k.ch, s.epoch, o) {
						r.lost++
					}
				}
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

// messageUnheard reports whether nobody received some message that was acknowledged.
func messageUnheard(events []history.Event) bool {
	type key struct {
		ch       history.ChannelID
		pub      int32
		inc, seq uint64
	}
	heard := map[key]bool{}
	of := func(e *history.Event) key { return key{e.Channel, e.Publisher, uint64(e.Incarnation), e.Seq} }
	for i := range events {
		if e := &events[i]; e.Kind == history.Deliver && e.Has(history.FlagStamped) && !e.Has(history.FlagFence) {
			heard[of(e)] = true
		}
	}
	for i := range events {
		if e := &events[i]; e.Kind == history.Outcome && e.Result == history.OK && !e.Has(history.FlagFence) && !heard[of(e)] {
			return true
		}
	}
	return false
}

// TestTwinAgreesAmongStrangers: the same where others publish on the channels, and
// not everything of theirs comes.
func TestTwinAgreesAmongStrangers(t *testing.T) {
	var sum twinResult
	check := func(t *rapid.T) {
		s := drawShape(t)
		s.steps, s.strangers, s.clients = 300, true, max(s.clients, 3)
		seed, shards := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "shards")
		for _, s.defect = range []string{"", "lost-message", "duplicate-delivery", "recovered-flag-lie", "lost-in-socket"} {
			want := compareWithTwin(t, s, seed, shards)
			sum.lost, sum.repeated = sum.lost+want.lost, sum.repeated+want.repeated
		}
	}
	for range 5 { // a short run draws only a few
		if rapid.Check(t, check); sum.lost > 0 && sum.repeated > 0 {
			break
		}
	}
	if sum.lost == 0 || sum.repeated == 0 {
		t.Errorf("not exercised: %+v", sum)
	}
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
	var own map[[3]uint64]bool
	if s.strangers {
		if own = ownOffsets(events); messageUnheard(events) {
			return twinResult{} // it has no offset either
		}
	}
	want := twin(events, own)
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
