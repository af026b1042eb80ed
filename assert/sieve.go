package assert

import (
	"squall/assert/history"
)

// sieve is what a subscription with a filter has received: which offsets, since the
// holes between them say nothing by themselves. Whether a hole is lawful depends on
// what the filter makes of the message there, and that is known of the publisher's
// shard alone: it is decided at the end, reign by reign.
//
// The position of such a subscription is the highest offset up to which everything
// has come: of the last delivery, of an answer, or of what the server has told.
type sieve struct {
	filter uint8 // number of the filter that was asked for last
	open   bool  // the current segment was answered, with a position
	waived uint64
	waiver waiver
	have   []sieved // by epoch; the last one is the current
	reigns []reign
}

// waiver is why what a gap notice covers is not owed.
type waiver uint8

const (
	byNotice  waiver = iota
	byPlan           // the plan took it away
	byCommand        // a command of the plan may have
)

// reign is a segment that is over: what was owed in it lies between its base and the
// highest offset that it came to.
type reign struct {
	gap              // as which it is reported: all but from and to
	filter   uint8   //
	last     uint64  // up to where everything had come
	liveLow  uint64  // the lowest live offset
	waived   uint64  // up to where a gap notice excuses what is missing
	waiver   waiver  //
	have     *sieved // of its epoch
	received bool    // anything came in it
}

// sieved is a set of offsets of one epoch. Bit k of words[i] stands for the offset
// low + 64·i + k.
type sieved struct {
	epoch history.EpochID
	low   uint64
	words []uint64
}

// widest bounds what a target that invents offsets can make us keep: one set spans
// at most so many.
const widest = 1 << 26

// mark adds an offset; false if it is too far from the others to be kept.
func (x *sieved) mark(o uint64) bool {
	word := o &^ 63
	switch {
	case len(x.words) == 0:
		x.low = word
	case word < x.low:
		if x.low-word > widest {
			return false
		}
		more := int((x.low - word) / 64)
		x.words = append(make([]uint64, more, more+len(x.words)), x.words...)
		x.low = word
	case word-x.low > widest:
		return false
	}
	i := int((word - x.low) / 64)
	for i >= len(x.words) {
		x.words = append(x.words, 0)
	}
	x.words[i] |= 1 << (o & 63)
	return true
}

func (x *sieved) has(o uint64) bool {
	if o < x.low || (o-x.low)/64 >= uint64(len(x.words)) {
		return false
	}
	return x.words[(o-x.low)/64]&(1<<(o&63)) != 0
}

// of returns the set of an epoch, made if need be.
func (x *sieve) of(epoch history.EpochID) *sieved {
	for i := len(x.have) - 1; i >= 0; i-- {
		if x.have[i].epoch == epoch {
			return &x.have[i]
		}
	}
	x.have = append(x.have, sieved{epoch: epoch})
	return &x.have[len(x.have)-1]
}

// has reports whether an offset was received.
func (x *sieve) has(epoch history.EpochID, o uint64) bool {
	for i := range x.have {
		if x.have[i].epoch == epoch {
			return x.have[i].has(o)
		}
	}
	return false
}

// got reports whether a subscription with a position has received an offset that it
// has come past.
func (p *Judge) got(at int32, c *cursor, epoch history.EpochID, o uint64) bool {
	if c.sieve != nil {
		return c.sieve.has(epoch, o)
	}
	return p.ledger.gaps.find(at, epoch, o) == nil
}

// sift notes the filter that a subscribe asks for, and ends the reign before.
func (j *Judge) sift(c *cursor, e *history.Event) {
	if e.Publisher <= 0 {
		return
	}
	if c.sieve == nil {
		c.sieve, c.sparse = &sieve{}, true
	}
	j.turnSieve(c)
	c.sieve.filter = uint8(e.Publisher)
}

// turnSieve ends the current reign, if there is one.
func (j *Judge) turnSieve(c *cursor) {
	x := c.sieve
	if x == nil || !x.open {
		return
	}
	p := &j.people[c.client]
	r := reign{
		gap: gap{
			cursor: j.index(c), epoch: c.epoch, life: c.life, segment: c.segment, base: c.base, top: c.top, recovered: c.recovered,
			live: true, slowed: p.slowLife == c.life && c.life != 0, resumed: c.resumed, hushed: c.hushed, resumedAt: c.past().resumedAt,
			inverted: c.inverted, prevEnd: c.prevEnd, drained: c.drained, node: p.node, seen: c.lastSeen,
			sight: setting{phase: "live", fault: p.fault, witness: -1},
		},
		filter: x.filter, last: c.last, liveLow: c.liveLow, waived: x.waived, waiver: x.waiver, received: c.inLive > 0 || c.inReplay > 0,
	}
	if c.inLive == 0 {
		r.liveLow = 0
	}
	if p.fault != 0 {
		r.sight.ago = c.lastSeen - p.faultAt
	}
	x.reigns = append(x.reigns, r)
	x.open, x.waived, x.waiver = false, 0, byNotice
}

// strained takes a delivery, with its offset, to a subscription with a filter.
func (j *Judge) strained(c *cursor, e *history.Event, replay bool, s sight) {
	o := e.Offset
	have := c.sieve.of(e.Epoch)
	switch {
	case have.has(o):
		if s != differs { // another message under a known offset is no repeat
			j.repeated(c, e, replay)
		}
		return
	case !have.mark(o):
		c.overflow = true
		return
	}
	if o > c.last {
		c.last = o
		j.accept(c, e, replay)
		if !replay && c.answered < e.Due && c.state == live && e.Flags&(history.FlagFence|history.FlagCorrupt) == 0 {
			j.meters.delivery(j, e)
		}
		return
	}
	j.passedOver(c, e, replay)
	j.accept(c, e, replay)
}

// passedOver takes a delivery that comes after one with a higher offset, or after
// the server has told that everything up to there was here.
func (j *Judge) passedOver(c *cursor, e *history.Event, replay bool) {
	if !c.recovered && c.inLive == 0 && e.Offset <= c.base || j.settling(c, e) {
		return // registered before the position was read, or a refusal that still replays what is left
	}
	same, other := j.evidence.overtaken(e)
	i := incident{anomaly: OrderDivergence, same: same, epoch: c.epoch, from: e.Offset, to: c.last, n: 1, id: identOf(e), other: other}
	switch {
	case e.Offset <= c.origin:
		i.anomaly = OffsetRegress
	case replay && c.liveLow != 0 && c.liveLow > e.Offset:
		i.anomaly = LiveBeforeReplay
	case same:
		i.anomaly = FIFOViolation
	}
	j.report(i, e, c)
	c.inverted = true
}

// passed takes the server's word that everything which the filter lets through has
// come, up to a position.
func (j *Judge) passed(e *history.Event) {
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 {
		return
	}
	c := &j.ledger.all[at]
	if c.sieve == nil || c.state != live || c.life != e.Life || !c.positioned || c.epoch != e.Epoch || c.stillborn {
		return
	}
	if e.Offset > c.last {
		c.last, c.lastSeen = e.Offset, e.Seen
	}
}

// forgive notes what a gap notice covers: how much of it was owed the end tells.
func (x *sieve) forgive(o uint64, w waiver) {
	if o >= x.waived {
		x.waived, x.waiver = o, w
	}
}
