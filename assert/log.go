package assert

import (
	"time"

	"squall/assert/history"
)

// ident names one publication of a channel. The zero value names none.
type ident struct {
	seq         uint64
	publisher   int32
	incarnation uint32
	fence       bool
}

func (a ident) sameStream(b ident) bool {
	return a.publisher == b.publisher && a.incarnation == b.incarnation
}

// entry is what a channel log knows of one offset: who is there and when it
// was first seen. 24 bytes; a zero seq means that nothing is known.
type entry struct {
	seq         uint64 // with fenceBit for a fence, anonymous for a message without a stamp
	seen        time.Duration
	publisher   int32
	incarnation uint32
}

const (
	fenceBit  = 1 << 63
	repeatBit = 1 << 62 // the same publication stands at another offset too
	anonymous = 1<<61 - 1
)

func (n *entry) ident() ident {
	return ident{seq: n.seq &^ (fenceBit | repeatBit), publisher: n.publisher, incarnation: n.incarnation, fence: n.seq&fenceBit != 0}
}

// logWindow is how many offsets a log remembers one by one.
const logWindow = 16384

// log is one shard's view of one channel in one epoch: offset → publication,
// written by the first subscriber that receives an offset and compared by all
// others. Subscribers need no order of their own beside it: if each one's
// offsets increase and every offset stands for one message, all saw one order.
type log struct {
	channel history.ChannelID
	epoch   history.EpochID
	top     uint64 // the highest offset received in this shard
	low     uint64 // the lowest
	ring    []entry
	blocks  blocks
	streams streams

	fence     uint64        // the highest offset received with the fence bit
	fenceSeen time.Duration // when it was first received
	bare      int64         // deliveries without a stamp, or with a broken one
	broken    int64         // those with a broken one
	far       int64         // deliveries that were older than the window: not compared
	retired   uint64        // every offset up to here has left the window
	inversion []inversion   // met among retired offsets
}

func newLog(channel history.ChannelID, epoch history.EpochID) *log {
	return &log{channel: channel, epoch: epoch, ring: make([]entry, 32)}
}

// at returns the entry of offset o, or nil if it is outside the window.
func (g *log) at(o uint64) *entry {
	if o > g.top || o+uint64(len(g.ring)) <= g.top {
		return nil
	}
	return &g.ring[o&uint64(len(g.ring)-1)]
}

// oldest is the lowest offset that the window may hold.
func (g *log) oldest() uint64 {
	if size := uint64(len(g.ring)); g.top >= size {
		return max(g.low, g.top+1-size)
	}
	return g.low
}

// sight says what the log made of one receipt.
type sight uint8

const (
	agreed  sight = iota // the offset is known with this message
	first                // it was not known before
	again                // it was not known, but the message is known under another offset
	differs              // the offset stands for another message
	unknown              // too old to say
)

// see records that offset o carried e.
func (g *log) see(e *history.Event) sight {
	o := e.Offset
	seq := uint64(anonymous)
	if e.Flags&history.FlagStamped != 0 {
		seq = e.Seq
		if e.Flags&history.FlagFence != 0 {
			seq |= fenceBit
		}
	} else {
		g.bare++
		if e.Flags&history.FlagCorrupt != 0 {
			g.broken++
		}
	}
	for o <= g.top && o+uint64(len(g.ring)) <= g.top && len(g.ring) < logWindow {
		g.grow() // whoever was first here began further up
	}
	if o <= g.top && o+uint64(len(g.ring)) > g.top {
		n := &g.ring[o&uint64(len(g.ring)-1)]
		if n.seq&^repeatBit == seq && n.publisher == e.Publisher && n.incarnation == e.Incarnation {
			return agreed
		}
		if n.seq != 0 {
			if n.seq == anonymous || seq == anonymous {
				return agreed // one of them can't be compared
			}
			if seq&fenceBit == 0 {
				g.streams.of(e.Publisher, e.Incarnation).mark(seq) // received, if misplaced
			}
			return differs
		}
		return g.enter(n, seq, e)
	}
	if o <= g.top { // older than the window
		if seq&fenceBit == 0 && seq != anonymous {
			g.streams.of(e.Publisher, e.Incarnation).mark(seq)
		}
		g.far++
		return unknown
	}
	g.advance(o)
	return g.enter(&g.ring[o&uint64(len(g.ring)-1)], seq, e)
}

func (g *log) enter(n *entry, seq uint64, e *history.Event) sight {
	*n = entry{seq: seq, seen: e.Seen, publisher: e.Publisher, incarnation: e.Incarnation}
	if g.low == 0 || e.Offset < g.low {
		g.low = e.Offset
	}
	g.blocks.add(e.Offset, n)
	if seq == anonymous {
		return first
	}
	if seq&fenceBit != 0 {
		if e.Offset > g.fence {
			g.fence, g.fenceSeen = e.Offset, e.Seen
		}
		return first
	}
	if g.streams.of(e.Publisher, e.Incarnation).mark(seq) {
		n.seq |= repeatBit
		return again
	}
	return first
}

// advance moves the window so that o is its newest offset, growing the ring as
// long as that keeps known offsets.
func (g *log) advance(o uint64) {
	if g.top == 0 {
		g.top = o
		return
	}
	for len(g.ring) < logWindow && o-g.low >= uint64(len(g.ring)) {
		g.grow()
	}
	size := uint64(len(g.ring))
	if o >= size && g.low != 0 && o-size >= g.low { // offsets up to o-size leave
		g.retire(o - size)
	}
	if o-g.top >= size {
		clear(g.ring)
	} else {
		for x := g.top + 1; x <= o; x++ {
			g.ring[x&(size-1)] = entry{}
		}
	}
	g.top = o
}

func (g *log) grow() {
	ring := make([]entry, 2*len(g.ring))
	for o := g.top; o > 0 && o+uint64(len(g.ring)) > g.top; o-- {
		ring[o&uint64(len(ring)-1)] = g.ring[o&uint64(len(g.ring)-1)]
	}
	g.ring = ring
}

// retire judges the order of the offsets up to o before they leave the window.
func (g *log) retire(o uint64) {
	for x := max(g.retired+1, g.oldest()); x <= min(o, g.top); x++ {
		if n := g.at(x); n != nil && n.seq != 0 && n.seq != anonymous && n.seq&(fenceBit|repeatBit) == 0 {
			if v, bad := g.streams.of(n.publisher, n.incarnation).ascend(n.seq, x); bad {
				v.stream = n.ident()
				if len(g.inversion) < mostInversions {
					g.inversion = append(g.inversion, v)
				}
			}
		}
	}
	g.retired = max(g.retired, o)
}

const mostInversions = 1024

// inversion is a pair of publications of one publisher whose offsets stand the
// other way round than their sequence numbers.
type inversion struct {
	stream          ident
	early, late     uint64 // sequence numbers: early < late
	earlyAt, lateAt uint64 // offsets: earlyAt > lateAt
}

// stream is what a log knows of one publisher incarnation.
type stream struct {
	publisher   int32
	incarnation uint32
	highest     uint64 // sequence number met so far while ascending by offset
	highestAt   uint64
	wild        uint64   // a sequence number far beyond what is plausible
	bits        []uint64 // bit n−1: sequence number n was received
}

// implausible bounds the memory that one forged sequence number can claim.
const implausible = 1 << 24

// mark notes that seq was received and reports whether it had been before.
func (s *stream) mark(seq uint64) bool {
	if seq == 0 || seq > uint64(len(s.bits))*64+implausible {
		s.wild = max(seq, 1)
		return false
	}
	word, bit := (seq-1)/64, uint64(1)<<((seq-1)%64)
	if word >= uint64(len(s.bits)) {
		bits := make([]uint64, max(word+1, 2*uint64(len(s.bits))))
		copy(bits, s.bits)
		s.bits = bits
	}
	had := s.bits[word]&bit != 0
	s.bits[word] |= bit
	return had
}

// has reports whether seq was received.
func (s *stream) has(seq uint64) bool {
	word := (seq - 1) / 64
	return seq > 0 && word < uint64(len(s.bits)) && s.bits[word]&(1<<((seq-1)%64)) != 0
}

// ascend takes the next publication in the order of offsets.
func (s *stream) ascend(seq, at uint64) (inversion, bool) {
	if seq < s.highest {
		return inversion{early: seq, late: s.highest, earlyAt: at, lateAt: s.highestAt}, true
	}
	s.highest, s.highestAt = seq, at
	return inversion{}, false
}

// streams finds the stream of a publisher incarnation; the latest one is at hand.
type streams struct {
	all  []*stream
	ids  map[uint64]*stream
	last *stream
}

func streamKey(publisher int32, incarnation uint32) uint64 {
	return uint64(uint32(publisher))<<32 | uint64(incarnation)
}

func (s *streams) of(publisher int32, incarnation uint32) *stream {
	if s.last != nil && s.last.publisher == publisher && s.last.incarnation == incarnation {
		return s.last
	}
	key := streamKey(publisher, incarnation)
	t := s.ids[key]
	if t == nil {
		t = &stream{publisher: publisher, incarnation: incarnation}
		if s.ids == nil {
			s.ids = make(map[uint64]*stream)
		}
		s.ids[key] = t
		s.all = append(s.all, t)
	}
	s.last = t
	return t
}

// find is of without adding.
func (s *streams) find(publisher int32, incarnation uint32) *stream {
	return s.ids[streamKey(publisher, incarnation)]
}

// blocks keep one 64-bit digest per 256 offsets: shards compare them at the
// merge where the offsets themselves have left the window.
type blocks struct {
	base uint64 // number of the first block
	all  []block
}

type block struct {
	sum uint64 // of the hashes, so that the order of receipt does not matter
	n   uint16
}

const blockSize = 256

// mostBlocks bounds the digests of one channel: beyond, they begin anew.
const mostBlocks = 1 << 16

func (b *blocks) add(o uint64, n *entry) {
	at := o / blockSize
	if len(b.all) == 0 {
		b.base = at
	}
	if at < b.base {
		return // older than the first block: compared through the window only
	}
	if at-b.base >= mostBlocks { // a jump, or a very long run: begin anew
		b.all, b.base = b.all[:0], at
	}
	for at-b.base >= uint64(len(b.all)) {
		b.all = append(b.all, block{})
	}
	k := &b.all[at-b.base]
	k.sum += mix(o ^ mix(n.seq^mix(streamKey(n.publisher, n.incarnation))))
	k.n++
}

// end is the number behind the last block.
func (b *blocks) end() uint64 { return b.base + uint64(len(b.all)) }

// full returns the digest of the block that holds o, if all of it was received.
func (b *blocks) full(at uint64) (sum uint64, ok bool) {
	if at < b.base || at-b.base >= uint64(len(b.all)) {
		return 0, false
	}
	k := b.all[at-b.base]
	return k.sum, k.n == blockSize
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
