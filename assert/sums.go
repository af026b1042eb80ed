package assert

import (
	"squall/assert/history"
	"squall/scenario"
)

// sumFold is what one shard's subscriptions have received of channels on which the target
// sends sums instead of messages. See aggregate.go.
type sumFold struct {
	on    bool
	wants []*want
	of    []*summed
	latest
}

// latest is the delivery whose sum is told next.
type latest struct {
	event  history.Event
	cursor int32 // −1: there is none
}

// summed is what one subscription has received.
type summed struct {
	amounts  map[history.KeyID]scenario.Amount
	epoch    history.EpochID
	places   flow  // the offsets in that epoch; they came once
	messages int64 // sums that count
	replayed int64 // of these
	repeats  int64 // sums that came before, by their offset
	unread   int64 // messages that hold no sum
	overflow bool  // too much to be added up, or to be told apart
	loose    bool  // copies may be lawful, and can't be told from others
}

// mostSums bounds the keys of one subscription.
const mostSums = 1 << 14

func newSums(w *wants) (x sumFold) {
	for i := range w.all {
		if e := &w.all[i]; e.Rule == scenario.Aggregate {
			x.wants, x.on = append(x.wants, e), true
		}
	}
	x.cursor = -1
	return x
}

// deliver takes a receipt to a subscription. What it holds is told next, unless it was
// published as it came.
func (x *sumFold) deliver(j *Judge, at int32, e *history.Event) {
	x.cursor = -1
	c := &j.ledger.all[at]
	if !anyAbout(x.wants, e.Channel) || j.shape(e.Channel) == nil || c.state != live && c.state != asked || e.Life != c.life {
		return
	}
	switch {
	case e.Flags&(history.FlagFence|history.FlagCorrupt) != 0:
	case e.Flags&history.FlagStamped != 0:
		x.raw(j, at, e, "it is as it was published")
	default:
		x.event, x.cursor = *e, at
	}
}

func (x *sumFold) at(at int32) *summed {
	for int(at) >= len(x.of) {
		x.of = append(x.of, nil)
	}
	if x.of[at] == nil {
		x.of[at] = &summed{amounts: make(map[history.KeyID]scenario.Amount)}
	}
	return x.of[at]
}

// raw reports a message that holds no sum.
func (x *sumFold) raw(j *Judge, at int32, e *history.Event, why string) {
	x.at(at).unread++
	j.report(incident{anomaly: NotAggregated, came: true, epoch: epochOf(e), from: e.Offset, to: e.Offset, n: 1, id: identOf(e), said: why}, e, &j.ledger.all[at])
}

// told takes the sum of the latest delivery.
func (x *sumFold) told(j *Judge, e *history.Event) {
	at, d := x.cursor, &x.event
	x.cursor = -1
	if at < 0 || d.Client != e.Client || d.Channel != e.Channel {
		return
	}
	if e.Result != history.OK {
		if !j.strangers(d.Channel) {
			x.raw(j, at, d, e.Note)
		}
		return
	}
	s := x.at(at)
	if d.Flags&history.FlagPositioned != 0 {
		if d.Epoch != s.epoch {
			s.epoch, s.places = d.Epoch, flow{}
		}
		if s.places.holds(d.Offset) {
			s.repeats++
			return
		}
		s.places.insert(d.Offset)
		s.overflow = s.overflow || s.places.overflow
	} else if j.brief.Promises.Copies != scenario.CopiesOne {
		if k, _ := j.matching(&j.ledger.all[at], d); k > 1 {
			s.loose = true
		}
	}
	was, had := s.amounts[e.Epoch]
	sum, ok := was.Plus(scenario.Amount(e.Offset))
	if !ok || !had && len(s.amounts) >= mostSums {
		s.overflow = true
		return
	}
	s.amounts[e.Epoch] = sum
	s.messages++
	if d.Flags&history.FlagReplay != 0 {
		s.replayed++
	}
}
