package driver

import (
	"bytes"
	"hash/maphash"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/scenario"
)

// weighing compares delivered payloads with what the plan's transformations make of
// the published ones. What was published is not kept: the stamp says which
// publication it is, and the plan composes it again. What has been found right is
// remembered by its bytes, so that of a fan-out, a replay and all who share a pattern
// only the first copy is decoded.
type weighing struct {
	numbers []int16 // 1 + the transformation of a channel, by the channel's number; 0: not asked yet
	seed    maphash.Seed
	slots   [repeatSlots]weighed
}

// weighed is a payload that was found right.
type weighed struct {
	hash    uint64
	payload []byte
}

// of is the number of the transformation that is expected of a channel; 0: none.
func (w *weighing) of(f *fleet, ch history.ChannelID) int {
	for int(ch) >= len(w.numbers) {
		w.numbers = append(w.numbers, 0)
	}
	if w.numbers[ch] == 0 {
		w.numbers[ch] = int16(1 + f.plan.TransformOf(f.cfg.Names.Name(int32(ch))))
	}
	return int(w.numbers[ch]) - 1
}

// numbered says in a stamp which publication it is, where payloads are to be compared.
func (s *shard) numbered(st dialect.Stamp, id history.ChannelID, m *scenario.Publication) dialect.Stamp {
	if len(s.fleet.plan.Transforms) > 0 && s.weighing.of(s.fleet, id) > 0 {
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
	fit, wrong := plan.Compare(number, m.Payload, payload)
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
