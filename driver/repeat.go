package driver

import (
	"bytes"
	"hash/maphash"

	"squall/assert/history"
	"squall/driver/dialect"
)

const (
	repeatSlots   = 64
	longestRepeat = 4 << 10 // bytes of a message that is remembered
)

// repeats remembers what the latest deliveries said. A fan-out sends the same
// bytes to one subscriber after another, and whoever has read them once knows
// what they say: a shard decodes and verifies them for the first subscriber, and
// compares for the others. Only what does not depend on who receives it is kept,
// and only of messages whose bytes are all equal. What comes once costs its hash:
// it is learned when it comes for the second time.
type repeats struct {
	seed  maphash.Seed
	slots [repeatSlots]repeat
}

// repeat is a WebSocket message that was one valid delivery and nothing else.
type repeat struct {
	hash    uint64
	known   bool
	payload []byte
	msg     dialect.Message // without its byte slices
	channel history.ChannelID
	stamp   dialect.Stamp
	weighed history.Flags // FlagWeighed if its payload was found right
}

// find returns what to learn a payload in, or, if known, what it said before. It
// is nil for a payload that comes for the first time or is too long.
func (r *repeats) find(payload []byte) *repeat {
	if len(payload) > longestRepeat {
		return nil
	}
	h := maphash.Bytes(r.seed, payload)
	e := &r.slots[h%repeatSlots]
	if e.hash != h {
		e.hash, e.known = h, false
		return nil
	}
	e.known = e.known && bytes.Equal(e.payload, payload)
	return e
}

// learn keeps a delivery that was found valid. It becomes known when the payload
// has turned out to hold nothing else.
func (e *repeat) learn(payload []byte, m *dialect.Message, ch history.ChannelID, st *dialect.Stamp, weighed history.Flags) {
	e.payload, e.weighed = append(e.payload[:0], payload...), weighed
	e.msg, e.channel, e.stamp = *m, ch, *st
	e.msg.Channel, e.msg.Payload, e.msg.Reason, e.msg.Client = nil, nil, nil, nil
}
