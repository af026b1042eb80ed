package assert

import (
	"sort"
	"time"

	"squall/assert/history"
)

// publication is what became of one message of ours. 40 bytes.
type publication struct {
	sent    time.Duration
	settled time.Duration // when its outcome was seen; 0: not yet
	offset  uint64        // if the answer told; else 0
	life    int32         // of the connection that carried it
	result  history.Result
	written bool
	retried bool  // sent again, with the same key
	retain  bool  // its channel is to keep it
	flushed bool  // said while offline, and written on the return
	node    int16 // of the target, to which it was sent
}

// known reports whether the target confirmed it.
func (p *publication) known() bool { return p.result == history.OK }

// uncertain reports whether it had no answer at first, or never: it may have taken
// effect at any time after it was sent (soundness 5).
func (p *publication) uncertain() bool {
	return p.retried || p.result == history.Unknown && p.settled > 0
}

// outbox holds the publications of one (publisher, incarnation, channel); the
// one with sequence number n is all[n−1−gone].
type outbox struct {
	publisher   int32
	incarnation uint32
	channel     history.ChannelID
	gone        uint64 // oldest ones given up for memory
	all         []publication
	fence       publication // its fence, if written
	will        bool        // nobody published it: a target may, for a client that is lost
	masks       []uint64    // which filters let each through, as far as any does: masks[n−1−gone]
	fenceMask   uint64
	pages       []page // in the books of the plan, as far as there are any
}

// mask notes which filters let publication n through. Where the plan has none
// nothing is kept.
func (b *outbox) mask(n, filters uint64) {
	if filters == 0 || n <= b.gone {
		return
	}
	for uint64(len(b.masks)) < n-b.gone {
		b.masks = append(b.masks, 0)
	}
	b.masks[n-1-b.gone] = filters
}

// maskOf tells which filters let a message through.
func (b *outbox) maskOf(id ident) uint64 {
	switch {
	case id.fence:
		return b.fenceMask
	case id.seq <= b.gone || id.seq-b.gone > uint64(len(b.masks)):
		return 0
	}
	return b.masks[id.seq-1-b.gone]
}

// highest is the last sequence number written.
func (b *outbox) highest() uint64 { return b.gone + uint64(len(b.all)) }

// get returns publication n, or nil if it was never written or is given up.
func (b *outbox) get(n uint64) *publication {
	if n <= b.gone || n > b.highest() {
		return nil
	}
	if p := &b.all[n-1-b.gone]; p.written {
		return p
	}
	return nil
}

// after returns the lowest sequence number sent later than t.
func (b *outbox) after(t time.Duration) uint64 {
	i := sort.Search(len(b.all), func(i int) bool { return b.all[i].sent > t })
	return b.gone + uint64(i) + 1
}

// between counts what may have taken effect after t, of all that was sent by the
// time to, the fence included.
func (b *outbox) between(t, to time.Duration) int64 {
	n := int64(b.after(to) - b.after(t))
	for i := range b.all {
		m := &b.all[i]
		if m.sent > t {
			break
		}
		if m.openAt(t) {
			n++
		}
	}
	if f := &b.fence; f.sent <= to && (f.sent > t || f.openAt(t)) {
		n++
	}
	return n
}

// openAt reports whether a publication that was sent by the time t may have taken
// effect after it.
func (p *publication) openAt(t time.Duration) bool {
	return p.written && (p.uncertain() || p.settled == 0 || p.settled > t)
}

type outboxKey struct {
	stream  uint64
	channel history.ChannelID
}

// publications are all that the publishers of one shard wrote.
type publications struct {
	ids     map[outboxKey]*outbox
	all     []*outbox
	last    *outbox
	held    int64 // publications in memory
	most    int64 // beyond, the oldest are given up; 0: no bound
	retired int64

	published, acked, failed int64
	retried, flushed         int64

	unfit map[int32]unfit // by book
}

const publicationBytes = 40

func (p *publications) of(e *history.Event) *outbox {
	if b := p.last; b != nil && b.publisher == e.Publisher && b.incarnation == e.Incarnation && b.channel == e.Channel {
		return b
	}
	key := outboxKey{streamKey(e.Publisher, e.Incarnation), e.Channel}
	b := p.ids[key]
	if b == nil {
		b = &outbox{publisher: e.Publisher, incarnation: e.Incarnation, channel: e.Channel}
		if p.ids == nil {
			p.ids = make(map[outboxKey]*outbox)
		}
		p.ids[key] = b
		p.all = append(p.all, b)
	}
	p.last = b
	return b
}

func (p *publications) publish(e *history.Event, node int16) {
	b := p.of(e)
	if e.Flags&history.FlagFence != 0 {
		b.fence = publication{sent: e.Sent, life: e.Life, written: true, node: node}
		b.fenceMask = e.Offset
		return
	}
	if e.Flags&history.FlagRetry != 0 {
		if m := b.get(e.Seq); m != nil {
			m.retried = true
			p.retried++
		}
		return
	}
	p.published++
	if e.Seq == 0 || e.Seq <= b.gone || e.Seq > b.highest()+1<<16 {
		return // not of a driver of ours
	}
	for b.highest() < e.Seq {
		b.all = append(b.all, publication{})
		p.held++
	}
	b.all[e.Seq-1-b.gone] = publication{sent: e.Sent, life: e.Life, written: true, node: node, flushed: e.Flags&history.FlagOutbox != 0, retain: e.Flags&history.FlagRetain != 0}
	b.mask(e.Seq, e.Offset)
	if e.Flags&history.FlagOutbox != 0 {
		p.flushed++
	}
	if p.most > 0 && p.held > p.most {
		p.retire(b)
	}
}

// will takes a message that the target may publish from now on, or never: its outcome
// is unknown for ever.
func (p *publications) will(e *history.Event, node int16) {
	b := p.of(e)
	b.will = true
	b.all = []publication{{sent: e.Sent, settled: e.Sent, life: e.Life, written: true, node: node}}
	b.mask(1, e.Offset)
}

// retire gives up the older half of the fullest outbox at hand.
func (p *publications) retire(b *outbox) {
	for _, o := range p.all {
		if len(o.all) > len(b.all) {
			b = o
		}
	}
	n := (len(b.all) + 1) / 2
	b.all = append([]publication(nil), b.all[n:]...)
	b.masks = append([]uint64(nil), b.masks[min(n, len(b.masks)):]...)
	for i := range b.pages {
		g := &b.pages[i]
		g.all = append([]booking(nil), g.all[min(n, len(g.all)):]...)
	}
	b.gone += uint64(n)
	p.held -= int64(n)
	p.retired += int64(n)
}

func (p *publications) outcome(e *history.Event) {
	b := p.of(e)
	if e.Flags&history.FlagFence != 0 {
		settle(&b.fence, e)
		return
	}
	if e.Flags&history.FlagRetry != 0 && e.Result != history.OK {
		return // whether the first attempt took effect nobody knows
	}
	switch e.Result {
	case history.OK:
		p.acked++
	case history.Failed:
		p.failed++
	}
	if m := b.get(e.Seq); m != nil {
		settle(m, e)
	}
}

func settle(m *publication, e *history.Event) {
	m.settled, m.result = e.Seen, e.Result
	if e.Flags&history.FlagPositioned != 0 {
		m.offset = e.Offset
	}
}
