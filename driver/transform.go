package driver

import (
	"bytes"
	"hash/maphash"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/scenario"
)

// weighing compares delivered payloads with what the plan's transformations make of
// the published ones, or where their state by key is expected with the published ones
// themselves. What was published is not kept: the stamp says which
// publication it is, and the plan composes it again. What has been found right is
// remembered by its bytes, so that of a fan-out, a replay and all who share a pattern
// only the first copy is decoded.
type weighing struct {
	on      bool    // the plan expects any of that
	numbers []int16 // 1 + the transformation of a channel, by the channel's number, 1 + asWritten; 0: not asked yet
	seed    maphash.Seed
	slots   [repeatSlots]weighed
}

// weighed is a payload that was found right.
type weighed struct {
	hash    uint64
	payload []byte
}

// asWritten is the number that stands for no transformation at all.
const asWritten = -2

// of is the number of the transformation that is expected of a channel; 0: none.
// asWritten: what is delivered is to be what was published.
func (w *weighing) of(f *fleet, ch history.ChannelID) int {
	for int(ch) >= len(w.numbers) {
		w.numbers = append(w.numbers, 0)
	}
	if w.numbers[ch] == 0 {
		name := f.cfg.Names.Name(int32(ch))
		if w.numbers[ch] = int16(1 + f.plan.TransformOf(name)); f.plan.Weighs(name) {
			w.numbers[ch] = 1 + asWritten
		}
	}
	return int(w.numbers[ch]) - 1
}

// numbered says in a stamp which publication it is, where payloads are to be compared.
func (s *shard) numbered(st dialect.Stamp, id history.ChannelID, m *scenario.Publication) dialect.Stamp {
	if s.weighing.on && s.weighing.of(s.fleet, id) != 0 {
		st.Number, st.Made = m.Number, m.Made
	}
	return st
}

// weigh compares the payload of the delivery in s.in, whose stamp is valid.
func (s *shard) weigh(st *dialect.Stamp, payload []byte) {
	in, plan := &s.in, s.fleet.plan
	if in.Flags&(history.FlagStamped|history.FlagFence) != history.FlagStamped || st.Number <= 0 ||
		st.Publisher < 0 || int(st.Publisher) >= len(plan.Publishers) {
		return
	}
	number := s.weighing.of(s.fleet, in.Channel)
	if number == 0 {
		return
	}
	w := &s.weighing
	if w.seed == (maphash.Seed{}) {
		w.seed = maphash.MakeSeed()
	}
	h := maphash.Bytes(w.seed, payload)
	slot := &w.slots[h%repeatSlots]
	if slot.hash == h && bytes.Equal(slot.payload, payload) { // and so the stamp is
		in.Flags |= history.FlagWeighed
		return
	}
	m, err := plan.Publishers[st.Publisher].Compose(st.Number-1, st.Made, s.fleet.runID)
	if err != nil { // then it was never published
		return
	}
	var fit scenario.Fit
	var wrong string
	if number != asWritten {
		fit, wrong = plan.Compare(number, m.Payload, payload)
	} else if wrong = plan.Differs(s.fleet.cfg.Names.Name(int32(in.Channel)), m.Payload, payload); wrong != "" {
		fit = scenario.Misfit
	}
	switch fit {
	case scenario.Vague:
		return
	case scenario.Fits:
		slot.hash, slot.payload = h, append(slot.payload[:0], payload...)
	default:
		in.Altered, in.Raw = wrong, fit == scenario.Raw
	}
	in.Flags |= history.FlagWeighed
}
