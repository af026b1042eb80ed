package assert

import (
	"time"

	"squall/assert/history"
	"squall/assert/latency"
)

// plain is the ledger of subscriptions without offsets: what each received of
// each publisher, by sequence numbers, and the windows in which it was owed
// anything. What is owed is known only at the end, when the publishers' times
// and outcomes are at hand.
type plain struct {
	windows [][]window // by cursor.windows
	ids     map[flowKey]*flow
	all     []*flow
	fences  map[history.ChannelID]time.Duration // first receipt of any fence
	ranks   map[history.ChannelID]*ranks
}

// window is the reign of one subscribe answer without a position.
type window struct {
	life         int32
	asked        time.Duration
	open         time.Duration // Seen of the answer
	close        time.Duration // 0: open to the end
	clean        bool          // the client ended it
	hasty        bool          // asked for before an unsubscribe was answered
	loose        bool          // without a position by its nature: nothing is owed across its end
	slowed       time.Duration // since when the client read slowly in that life; 0: it did not
	waivedBefore time.Duration // a gap notice: what was sent before it is not owed
	filter       uint8         // number of its filter; 0: none
}

type flowKey struct {
	cursor int32
	stream uint64
}

// flow is what one subscription received of one publisher incarnation.
type flow struct {
	cursor      int32
	publisher   int32
	incarnation uint32
	have        []span  // sequence numbers received, ascending, disjoint, not adjacent
	reach       []reach // by window and life
	fenced      int32   // window in which its fence came, +1
	overflow    bool
}

type span struct{ from, to uint64 }

// reach is the lowest and highest sequence number received in one life of a
// window; only a window that a session kept open has several.
type reach struct {
	window    int32
	life      int32
	low, high uint64
}

const mostSpans = 4096

// withoutOffsets stands for the epoch in the log of a channel without offsets:
// only its streams are used.
const withoutOffsets = history.EpochID(-1)

func (p *plain) of(cursor int32, e *history.Event) *flow {
	key := flowKey{cursor, streamKey(e.Publisher, e.Incarnation)}
	f := p.ids[key]
	if f == nil {
		f = &flow{cursor: cursor, publisher: e.Publisher, incarnation: e.Incarnation}
		if p.ids == nil {
			p.ids = make(map[flowKey]*flow)
		}
		p.ids[key] = f
		p.all = append(p.all, f)
	}
	return f
}

// find is of without adding.
func (p *plain) find(cursor int32, publisher int32, incarnation uint32) *flow {
	return p.ids[flowKey{cursor, streamKey(publisher, incarnation)}]
}

// inherit begins a cursor that a pattern brings, with the windows of its claim.
func (p *plain) inherit(c *cursor, k *claim) {
	c.windows = int32(len(p.windows))
	p.windows = append(p.windows, append([]window(nil), k.windows...))
	c.state, c.life, c.patterned, c.askedAt = k.state, k.life, true, k.asked
	if n := len(k.windows); n > 0 {
		c.everAnswered, c.answered = true, k.windows[n-1].open
	}
}

// claim opens a window of a cursor for a claim that was answered, or that goes
// on where a subscription to the channel has ended.
func (p *plain) claim(c *cursor, k *claim, at time.Duration) {
	if c.windows < 0 {
		c.windows = int32(len(p.windows))
		p.windows = append(p.windows, nil)
	}
	p.windows[c.windows] = append(p.windows[c.windows], window{life: k.life, asked: k.asked, open: at, loose: true, hasty: k.hasty, filter: k.filter})
	c.segment++
	c.inLive, c.inReplay, c.liveLow, c.replayHi, c.extra = 0, 0, 0, 0, 0
	c.recovering, c.recovered, c.inverted, c.positioned = false, false, false, false
	c.asksKept, c.kept, c.resumed, c.hushed = false, false, false, false
	c.state, c.life, c.answered, c.askedAt = live, k.life, at, k.asked
	c.everAnswered, c.patterned, c.last = true, true, 0
}

func (p *plain) open(c *cursor, e *history.Event) {
	if c.windows < 0 {
		c.windows = int32(len(p.windows))
		p.windows = append(p.windows, nil)
	}
	w := window{life: e.Life, asked: c.askedAt, open: e.Seen, hasty: c.hasty}
	if c.sieve != nil {
		w.filter = c.sieve.filter
	}
	p.windows[c.windows] = append(p.windows[c.windows], w)
}

// close ends the current window, if there is one.
func (p *plain) close(j *Judge, c *cursor, at time.Duration, clean bool) {
	if c.windows < 0 {
		return
	}
	p.unrank(j, j.index(c), c)
	list := p.windows[c.windows]
	if len(list) == 0 {
		return // a pattern that was never answered
	}
	if w := &list[len(list)-1]; w.close == 0 {
		w.close, w.clean = at, clean
		if p := &j.people[c.client]; p.slowLife == w.life {
			w.slowed = p.slowAt
		}
	}
}

// gap ends what was owed so far in the current window.
func (p *plain) gap(c *cursor, e *history.Event) {
	if c.windows < 0 || len(p.windows[c.windows]) == 0 {
		return
	}
	list := p.windows[c.windows]
	list[len(list)-1].waivedBefore = e.Seen
}

// deliver takes a receipt without an offset.
func (p *plain) deliver(j *Judge, at int32, c *cursor, e *history.Event) {
	if !c.positioned && (c.log < 0 || j.logs[c.log].epoch != withoutOffsets) {
		c.log = j.log(e.Channel, withoutOffsets)
	}
	where := c.log
	if c.positioned { // one message without an offset among others that have one
		where = j.log(e.Channel, withoutOffsets)
	}
	g := j.logs[where]
	if e.Flags&history.FlagStamped == 0 {
		g.bare++
		if e.Flags&history.FlagCorrupt != 0 {
			g.broken++
		}
		if e.Flags&history.FlagCorrupt != 0 || !j.strangers(e.Channel) {
			c.bare++
		}
		c.received++
		return
	}
	w := int32(-1)
	if c.windows >= 0 && c.state == live {
		w = int32(len(p.windows[c.windows])) - 1
	}
	f := p.of(at, e)
	if e.Flags&history.FlagFence != 0 {
		f.fenced = w + 1
		c.inLive++
		if _, ok := p.fences[e.Channel]; !ok {
			if p.fences == nil {
				p.fences = make(map[history.ChannelID]time.Duration)
			}
			p.fences[e.Channel] = e.Seen
		}
		return
	}
	g.streams.of(e.Publisher, e.Incarnation).mark(e.Seq)
	if e.Seq == 0 || f.overflow {
		return
	}
	if f.holds(e.Seq) {
		right, over := j.copied(at, c, f, e)
		if right {
			return
		}
		a := DuplicateDelivery
		if over {
			a = OverlapCopies
		}
		if c.resumed && f.before(e.Life, e.Seq) {
			a = DoubleFlush
		}
		j.report(incident{anomaly: a, epoch: withoutOffsets, from: e.Seq, to: e.Seq, n: 1, id: identOf(e)}, e, c)
		return
	}
	c.received++
	c.compared++
	if e.Flags&history.FlagPositioned != 0 && !c.positioned {
		p.offset(j, c, f, e)
	}
	f.insert(e.Seq)
	switch {
	case c.resumed && c.kept && (e.Flags&history.FlagReplay != 0 || e.Due < c.answered): // not every protocol marks it
		c.inReplay++
		c.keep().flushed++
	case e.Flags&history.FlagReplay != 0:
		c.inReplay++
	default:
		c.inLive++
		if c.state == live && c.answered < e.Due {
			j.meters.sample(j, e, latency.Delivery, e.Arrived-e.Due)
		}
	}
	if w >= 0 && e.Flags&history.FlagPositioned == 0 && !j.settling(c, e) {
		p.rank(j, at, c, identOf(e))
	}
	n := len(f.reach)
	high := uint64(0)
	if n > 0 && f.reach[n-1].window == w {
		high = f.reach[n-1].high
	}
	if high == 0 || f.reach[n-1].life != e.Life {
		f.reach = append(f.reach, reach{w, e.Life, e.Seq, max(e.Seq, high)})
		n++
	}
	r := &f.reach[n-1]
	if e.Seq < high && !j.settling(c, e) {
		j.report(incident{anomaly: FIFOViolation, same: true, epoch: withoutOffsets, from: e.Seq, to: high, n: 1, id: identOf(e),
			other: ident{seq: high, publisher: e.Publisher, incarnation: e.Incarnation}}, e, c)
	}
	r.low, r.high = min(r.low, e.Seq), max(r.high, e.Seq)
}

// offset compares a first copy by its offset, where the subscription has no
// position but the channel's messages do: they must rise in one life, and stand
// for what other subscribers received there.
func (p *plain) offset(j *Judge, c *cursor, f *flow, e *history.Event) {
	g := j.logs[j.log(e.Channel, e.Epoch)]
	i := incident{epoch: e.Epoch, from: e.Offset, to: e.Offset, n: 1, id: identOf(e)}
	switch g.see(e) {
	case differs:
		i.anomaly, i.other = OffsetDivergence, g.at(e.Offset).ident()
		j.report(i, e, c)
	case again:
		i.anomaly, i.inLog = DuplicateDelivery, true
		j.report(i, e, c)
	}
	if c.epoch != e.Epoch {
		c.epoch, c.last = e.Epoch, 0
	}
	if e.Offset < c.last && j.settling(c, e) {
		return
	}
	if e.Offset < c.last {
		if n := len(f.reach); n > 0 && f.reach[n-1].high > e.Seq { // of one publisher: judged by its numbers
			return
		}
		i.anomaly, i.to = OrderDivergence, c.last
		if n := g.at(c.last); n != nil {
			i.other = n.ident()
		}
		j.report(i, e, c)
		return
	}
	c.last = e.Offset
}

// holds reports whether seq was received.
func (f *flow) holds(seq uint64) bool {
	for i := len(f.have) - 1; i >= 0; i-- {
		if s := f.have[i]; seq > s.to {
			return false
		} else if seq >= s.from {
			return true
		}
	}
	return false
}

// before reports whether seq was within what had been received in an earlier
// life.
func (f *flow) before(life int32, seq uint64) bool {
	for _, r := range f.reach {
		if r.life < life && r.low <= seq && seq <= r.high {
			return true
		}
	}
	return false
}

// passedIn is the life in which a later message than seq came first; 0: none did.
func (f *flow) passedIn(window int32, seq uint64) int32 {
	for _, r := range f.reach {
		if r.window == window && r.high > seq {
			return r.life
		}
	}
	return 0
}

// insert adds seq, which must be new. In order it only moves an end.
func (f *flow) insert(seq uint64) {
	i := len(f.have)
	for i > 0 && f.have[i-1].from > seq {
		i--
	}
	joinsLeft := i > 0 && f.have[i-1].to+1 == seq
	joinsRight := i < len(f.have) && seq+1 == f.have[i].from
	switch {
	case joinsLeft && joinsRight:
		f.have[i-1].to = f.have[i].to
		f.have = append(f.have[:i], f.have[i+1:]...)
	case joinsLeft:
		f.have[i-1].to = seq
	case joinsRight:
		f.have[i].from = seq
	case len(f.have) == mostSpans:
		f.overflow = true
	default:
		f.have = append(f.have, span{})
		copy(f.have[i+1:], f.have[i:])
		f.have[i] = span{seq, seq}
	}
}
