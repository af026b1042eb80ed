package assert

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// settlement is the end of the fold: all shards together, every pending
// question answered as loss, waiver or "unseen".
type settlement struct {
	renewed []fromTo // when channels began anew, or may have

	j        *Judge // of the first shard: brief and names
	parts    []*Judge
	channels map[history.ChannelID]*channelEnd
	found    []found
	ends     [][]cursorEnd // by part and cursor
	unheard  map[missKey]bool
	overflow [anomalies]int64

	phantomIDs map[missIdent]bool
	offsets    map[placeKey]map[ident]place
	lotsOf     map[placeKey][]lot
	promisesOf map[history.ChannelID]*scenario.Promises
	finals     map[history.ChannelID]*final
	folds      map[foldKey]*folded
	rankedOf   map[rankedKey]*ranked
	blamed     map[uint64]Anomaly // by client and channel, what some expectation owns; nil: not yet looked for
	superseded map[missIdent]bool // messages that a debounce should have held back
	accounts   map[accountKey]*account
	sums       map[int]*sumCounts // by expectation

	cuts bool // the target is known to cut backlogs

	legacies []lostEnd
	handed   []keptEnd
	handedOf map[uint64]int     // of them, by cursorKey
	urgent   map[int]*urgencies // by expectation
	batches  map[int]*batchSums // by expectation
	presence map[int]*presenceSums
	peopled  map[history.ChannelID]*room // of presence

	holders               map[uint64][]holder // of connection ids
	undecided, onTheirWay int64               // deliveries after an unsubscribe
}

// found is an incident of one part.
type found struct {
	incident
	part int
}

// cursorEnd is what the end made of a cursor.
type cursorEnd struct {
	unseen   int64 // owed, not received, and not provably lost
	adrift   int64 // in flight when a subscription without a position ended: not owed
	lost     int64
	waived   int64 // beyond what the cursor counted itself
	emptied  int64 // the same, of what the plan itself took away
	doubted  int64 // the same, of what a command of the plan may have taken away
	copies   int64 // that were looked for, one a subscription
	withheld int64 // that a filter kept back
	missed   int64 // refused returns that missed something of another epoch
}

// missKey names one offset of a channel.
type missKey struct {
	channel history.ChannelID
	epoch   history.EpochID
	offset  uint64
}

// channelEnd is what all shards together know of a channel.
type channelEnd struct {
	id       history.ChannelID
	logs     []*log // of every part and epoch
	outboxes []*outbox
	cursors  int
	quick    [][]window // of subscriptions of clients that never read slowly, without offsets
	bare     int64

	fence      uint64          // offset of the last fence, if known
	fenceEpoch history.EpochID // and its epoch
	fenceSent  time.Duration   // of the last fence that was acknowledged or seen
	fencedFrom time.Duration   // when the first fence was sent; 0: none was
	fenceTop   uint64          // the highest offset that an acknowledgement of a fence told; 0: none did
	fenceAt    time.Duration   // since when the target provably has it
	fenced     bool            // some fence was acknowledged or seen
	heard      bool            // some subscriber received one

	unknown int64 // publications of unknown outcome that nobody received
	acked   int64
	cover   time.Duration   // from here on some subscriber received everything; −1: none
	answers map[uint64]bool // offsets that answers to publications told; nil: not yet looked for
	spans   []fromTo        // in which some subscriber received everything; nil: not yet looked for
}

// settle answers every open question once.
func (j *Judge) settle() *settlement {
	s := &settlement{j: j, parts: j.parts, renewed: j.renewals(), channels: make(map[history.ChannelID]*channelEnd), unheard: make(map[missKey]bool), phantomIDs: make(map[missIdent]bool), promisesOf: make(map[history.ChannelID]*scenario.Promises)}
	j.judgeRanks()
	s.index()
	for _, p := range s.parts {
		s.cuts = s.cuts || p.cuts > 0
		p.departures.settle(p)
	}
	for i, p := range s.parts {
		for a, n := range p.incidents.overflow {
			s.overflow[a] += n
		}
		for _, x := range p.incidents.all {
			s.found = append(s.found, found{x, i})
		}
		s.ends = append(s.ends, make([]cursorEnd, len(p.ledger.all)))
	}
	s.compareLogs()
	s.nameSaid()
	s.judgeCursors()
	s.judgePublications()
	s.judgeRefusals()
	s.judgeSessions()
	s.judgeTakeovers()
	s.judgePlain()
	s.judgeCopies()
	s.judgeStrays()
	s.judgeExpired()
	s.judgeCausal()
	s.judgeRetained()
	s.judgeWills()
	s.judgeShaped()
	s.judgeSums()
	s.judgeUrgency()
	s.judgeBatches()
	s.judgePresence()
	return s
}

func (s *settlement) channel(id history.ChannelID) *channelEnd {
	c := s.channels[id]
	if c == nil {
		c = &channelEnd{id: id, cover: -1}
		s.channels[id] = c
	}
	return c
}

// ordered lists the channels by number, so that the same history always gives
// the same report.
func (s *settlement) ordered() []*channelEnd {
	return byKey(s.channels)
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// byKey lists the values of m in the order of their keys.
func byKey[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// index brings together what belongs to one channel.
func (s *settlement) index() {
	s.absentees()
	for _, p := range s.parts {
		for _, g := range p.logs {
			c := s.channel(g.channel)
			c.logs = append(c.logs, g)
			if c.bare += g.bare; s.j.strangers(g.channel) {
				c.bare -= g.bare - g.broken // foreign: none of them is ours without its stamp
			}
			if g.fence > 0 {
				c.heard, c.fenced = true, true
				if c.fence == 0 || g.epoch == c.fenceEpoch && g.fence > c.fence || g.epoch > c.fenceEpoch {
					c.fence, c.fenceEpoch, c.fenceAt = g.fence, g.epoch, g.fenceSeen
				} else if g.epoch == c.fenceEpoch && g.fence == c.fence {
					c.fenceAt = min(c.fenceAt, g.fenceSeen)
				}
			}
		}
		for ch, at := range p.plain.fences {
			c := s.channel(ch)
			if !c.fenced || at < c.fenceAt {
				c.fenceAt = at
			}
			c.heard, c.fenced = true, true
		}
		for _, b := range p.publications.all {
			c := s.channel(b.channel)
			c.outboxes = append(c.outboxes, b)
			if b.fence.written && (c.fencedFrom == 0 || b.fence.sent < c.fencedFrom) {
				c.fencedFrom = b.fence.sent
			}
			if b.fence.written && b.fence.known() {
				c.fenced = true
				c.fenceSent = max(c.fenceSent, b.fence.sent)
				c.fenceTop = max(c.fenceTop, b.fence.offset)
				if !c.heard { // nobody received one: the answers must do
					c.fenceAt = max(c.fenceAt, b.fence.settled)
				}
			}
		}
		for i := range p.ledger.all {
			if c := &p.ledger.all[i]; c.everAnswered {
				ch := s.channel(c.channel)
				ch.cursors++
				if c.windows >= 0 && p.people[c.client].slowLife == 0 {
					ch.quick = append(ch.quick, p.plain.windows[c.windows])
				}
			}
		}
	}
}

// behind reports whether the fences stand behind a publication that was
// acknowledged: it was before they were sent, or its offset is the lower one. A
// drain that runs out of time fences while publications are still under way.
func (c *channelEnd) behind(m *publication) bool {
	return m.settled <= c.fencedFrom || m.offset > 0 && m.offset <= c.fence
}

// entry returns what any shard knows of an offset.
func (c *channelEnd) entry(epoch history.EpochID, o uint64) (entry, bool) {
	for _, g := range c.logs {
		if g.epoch == epoch {
			if n := g.at(o); n != nil && n.seq != 0 {
				return *n, true
			}
		}
	}
	return entry{}, false
}

// remembers reports whether o is inside the window of every shard that could
// know it: only then does "not known" mean that nobody received it.
func (c *channelEnd) remembers(epoch history.EpochID, o uint64) bool {
	for _, g := range c.logs {
		if g.epoch == epoch && o <= g.top && g.at(o) == nil {
			return false
		}
	}
	return true
}

// top is the highest offset of the epoch that anybody received.
func (c *channelEnd) top(epoch history.EpochID) (top uint64) {
	for _, g := range c.logs {
		if g.epoch == epoch {
			top = max(top, g.top)
		}
	}
	return top
}

// received reports whether anybody received a publication.
func (c *channelEnd) received(b *outbox, seq uint64) bool {
	for _, g := range c.logs {
		if t := g.streams.find(b.publisher, b.incarnation); t != nil && t.has(seq) {
			return true
		}
	}
	return false
}

// outbox finds the publications of a stream.
func (c *channelEnd) outbox(id ident) *outbox {
	for _, b := range c.outboxes {
		if b.publisher == id.publisher && b.incarnation == id.incarnation {
			return b
		}
	}
	return nil
}

// publication finds what the publisher knows of a message.
func (s *settlement) publication(ch history.ChannelID, id ident) *publication {
	if id.seq == 0 {
		return nil
	}
	c := s.channels[ch]
	if c == nil {
		return nil
	}
	b := c.outbox(id)
	if b == nil {
		return nil
	}
	if id.fence {
		return &b.fence
	}
	return b.get(id.seq)
}
