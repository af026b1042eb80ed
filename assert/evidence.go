package assert

import (
	"time"

	"squall/assert/history"
)

// fact is an Event small enough to be kept: 64 bytes, which is a cache line, and no
// pointer.
type fact struct {
	seen, sent  time.Duration
	offset, seq uint64
	client      history.ClientID
	life        int32
	channel     history.ChannelID
	epoch       history.EpochID
	publisher   int32
	number      int32 // the incarnation if the kind names a message, else the code
	flags       history.Flags
	note        uint16
	kind        history.Kind
	end         uint8 // Who, where the kind tells it, else the Result
}

// names reports whether facts of a kind name a message, and so have no code.
func names(k history.Kind) bool {
	return k == history.Deliver || k == history.Leftover || k == history.Caused || k == history.Retained || k == history.Altered
}

// ends reports whether facts of a kind tell who ended a connection, and so have no
// result.
func ends(k history.Kind) bool { return k == history.Closed || k == history.Displaced }

func (f *fact) code() int32 {
	if names(f.kind) {
		return 0
	}
	return f.number
}

func (f *fact) incarnation() uint32 {
	if names(f.kind) {
		return uint32(f.number)
	}
	return 0
}

func (f *fact) who() history.Who {
	if ends(f.kind) {
		return history.Who(f.end)
	}
	return history.NoOne
}

func (f *fact) result() history.Result {
	if ends(f.kind) {
		return history.Unknown
	}
	return history.Result(f.end)
}

// evidenceSize is how many facts a shard remembers (soundness 21).
const evidenceSize = 1 << 16

// firstEvidence is how many of them have room from the start: most runs of tests are
// short, and to clear megabytes would be most of their work.
const firstEvidence = 1 << 10

// evidence is the ring of a shard's most recent facts. A witness is cut out of
// it when an anomaly is met, before the ring rolls on.
type evidence struct {
	ring  []fact // a power of two: at first few, and size when these are full
	size  int
	next  uint64
	notes []string
	ids   map[string]uint16

	pattern func(history.ChannelID) bool // whether a name is a pattern's
}

func newEvidence(size int) evidence {
	return evidence{ring: make([]fact, min(size, firstEvidence)), size: size, notes: []string{""}, ids: map[string]uint16{"": 0}}
}

func (v *evidence) add(e *history.Event) {
	switch e.Kind {
	case history.Publish, history.Outcome, history.Missed, history.Ready, history.Resynced, history.Refused, history.Problem, history.Phase, history.Say, history.Told, history.Will, history.Booked, history.Member:
		return // no witness shows them: see concerns
	}
	if v.next == uint64(len(v.ring)) && len(v.ring) < v.size {
		ring := make([]fact, v.size) // at once: what is not written to takes no memory yet
		copy(ring, v.ring)
		v.ring = ring
	}
	f := &v.ring[v.next&uint64(len(v.ring)-1)]
	v.next++
	f.seen, f.sent, f.offset, f.seq = e.Seen, e.Sent, e.Offset, e.Seq
	f.client, f.life, f.channel, f.epoch = e.Client, e.Life, e.Channel, e.Epoch
	f.publisher, f.flags, f.kind = e.Publisher, e.Flags, e.Kind
	if f.number = e.Code; names(e.Kind) {
		f.number = int32(e.Incarnation)
	}
	if f.end = uint8(e.Result); ends(e.Kind) {
		f.end = uint8(e.Who)
	}
	f.note = 0
	if e.Note != "" {
		f.note = v.note(e.Note)
	}
}

// note numbers a text. Texts come from plans and close reasons; a target that
// invents endless ones gets the last number for all that do not fit.
func (v *evidence) note(s string) uint16 {
	if id, ok := v.ids[s]; ok {
		return id
	}
	const most = 4096
	if len(v.notes) == most {
		return most - 1
	}
	id := uint16(len(v.notes))
	v.notes = append(v.notes, s)
	v.ids[s] = id
	return id
}

// witnessFacts bounds what is kept of one witness before it is rendered.
const witnessFacts = 48

// cut returns the latest facts that concern the client and, where they name a
// channel, the channel or a pattern; oldest first. With topics, whatever the
// client subscribed to concerns it.
func (v *evidence) cut(client history.ClientID, channel history.ChannelID, topics bool) []fact {
	return v.until(client, channel, topics, 1<<63-1)
}

// until is cut as it would have been at a time.
func (v *evidence) until(client history.ClientID, channel history.ChannelID, topics bool, at time.Duration) []fact {
	var back []fact
	for i := v.next; i > 0 && v.next-i < uint64(len(v.ring)); i-- {
		f := &v.ring[(i-1)&uint64(len(v.ring)-1)]
		if f.seen > at || f.client != client && (f.client >= 0 || f.kind != history.FaultBegin) || !f.concerns(channel) && !(f.subscribes() && (topics || v.pattern != nil && v.pattern(f.channel))) {
			continue
		}
		back = append(back, *f)
		if len(back) == witnessFacts {
			break
		}
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}

func (f *fact) subscribes() bool {
	switch f.kind {
	case history.Subscribe, history.Subscribed, history.Unsubscribe, history.Unsubscribed:
		return true
	}
	return false
}

func (f *fact) concerns(channel history.ChannelID) bool {
	switch f.kind {
	case history.Denied:
		return f.channel == channel || f.channel < 0
	case history.Dial, history.Open:
		return channel < 0
	case history.Deliver, history.Subscribe, history.Subscribed, history.Unsubscribe, history.Unsubscribed, history.Gap, history.Leftover, history.Passed, history.Retained, history.Altered, history.Present, history.Joined, history.Left, history.Snapshot:
		return f.channel == channel
	case history.Connected, history.Expires, history.Revoked, history.Closed, history.Displaced, history.Announced, history.Pinged, history.FaultBegin, history.FaultEnd, history.Probe:
		return true
	}
	return false
}

// latest is the receipt of a client before now, or nil.
func (v *evidence) latest(client history.ClientID) *fact {
	for i := v.next; i > 0 && v.next-i < uint64(len(v.ring)); i-- {
		if f := &v.ring[(i-1)&uint64(len(v.ring)-1)]; f.client == client && f.kind == history.Deliver {
			return f
		}
	}
	return nil
}

// receipt is when a client received an offset of a channel last; 0: nobody knows.
func (v *evidence) receipt(client history.ClientID, channel history.ChannelID, o uint64) time.Duration {
	for i := v.next; i > 0 && v.next-i < uint64(len(v.ring)); i-- {
		if f := &v.ring[(i-1)&uint64(len(v.ring)-1)]; f.client == client && f.kind == history.Deliver && f.channel == channel && f.offset == o {
			return f.seen
		}
	}
	return 0
}

func (f *fact) ident() ident {
	return ident{seq: f.seq, publisher: f.publisher, incarnation: f.incarnation(), fence: f.flags&history.FlagFence != 0}
}

// overtaken looks into what the client of e has recently received in the same
// life for messages that e should have preceded: with a higher offset, or later
// ones of the same publisher. It prefers the latter.
func (v *evidence) overtaken(e *history.Event) (same bool, other ident) {
	for i := v.next - 1; i > 0 && v.next-i < uint64(len(v.ring)); i-- { // e itself is at next−1
		f := &v.ring[(i-1)&uint64(len(v.ring)-1)]
		if f.client != e.Client || f.kind != history.Deliver || f.channel != e.Channel {
			continue
		}
		if f.life != e.Life {
			break
		}
		id := f.ident()
		if id.seq == 0 || f.flags&history.FlagStamped == 0 {
			continue
		}
		if id.sameStream(identOf(e)) && id.seq > e.Seq {
			return true, id
		}
		if f.offset > e.Offset && other == (ident{}) {
			other = id
		}
	}
	return false, other
}
