package assert

import (
	"time"

	"squall/assert/history"
)

// standing is where a subscription is in its life.
type standing uint8

const (
	idle  standing = iota // never asked
	asked                 // subscribe sent, no answer yet
	live                  // answered
	ended                 // the connection or the subscription ended without the client wanting it: the tail is open
	left                  // the client unsubscribed
)

// cursor is what one subscription has received: one per (client, channel).
//
// With dense offsets that is a position: everything in (origin, last] was
// received but for the pending gaps. A segment is the reign of one subscribe
// answer; a chain is a run of segments that all recovered, so that nothing was
// honestly given up between them.
type cursor struct {
	client  history.ClientID
	channel history.ChannelID
	epoch   history.EpochID
	life    int32
	next    int32 // next cursor of the same client, or -1
	log     int32 // index of the log of (channel, epoch), or -1
	state   standing
	positioned,
	everAnswered,
	recovering, // a position was sent along with the subscribe
	recovered, // and accepted
	overflow, // gaps beyond the cap: detail is lost
	sparse, // holes are legal: loss can't be told from offsets
	inverted, // a delivery of this segment came late
	hasty, // asked for before an unsubscribe was answered
	quick, // given back before the subscribe was answered
	denied, // in state left: the server has refused it
	givenUp, // unsubscribed since it was asked for last
	granted, // the server has answered a subscription to the channel itself
	patterned, // a pattern, not a subscription to the channel, brings it now
	drained, // the life before the segment was ended by a drain
	asksKept, // the subscribe relied on the session to keep its backlog
	kept, // and was answered, in the session that goes on
	resumed, // the segment began with a session that goes on
	hushed, // nothing came in the last such segment, while other subscriptions of the client received
	again, // asked for anew in a life to which the session went on: its backlog and a replay may bring the same
	stillborn bool // the answer could not be placed: nothing is judged until the next

	last     uint64        // highest offset received, or the position answered
	lastSeen time.Duration // of the latest delivery
	since    time.Duration // what was sent before, or shortly after, has come, or was never owed
	released time.Duration // Seen of the answer to the unsubscribe, in state left; 0: none
	answered time.Duration // Seen of the segment's answer
	told     time.Duration // Sent of what that answers
	received int64         // first copies delivered, all lives
	segment  int32
	inLive   int32           // live deliveries in this segment (saturating)
	inReplay int32           // replayed ones
	base     uint64          // of the segment: the position asked from, or answered
	top      uint64          // the server's top in the answer
	liveLow  uint64          // lowest live offset of the segment
	replayHi uint64          // highest replayed offset of the segment
	early    history.EpochID // of the deliveries that overtook the answer
	extra    uint64          // highest live offset at or below a fresh answer's position

	origin uint64        // base of the chain's first segment
	chain  time.Duration // Seen of the chain's first answer

	askedAt    time.Duration // Sent of the subscribe
	askedFrom  uint64
	askedEpoch history.EpochID
	prevEnd    time.Duration // when the life before the segment ended
	returnedAt time.Duration // since when the client has been wanting back

	compared, replayed int64
	causes             int64  // receipts whose cause was there before them
	own                own    // the subscription to the channel itself
	bare               int32  // plain: deliveries that named no message
	windows            int32  // plain: index of its windows, or -1
	happened           *past  // nil: nothing of that has happened
	sieve              *sieve // where a filter makes holes lawful; nil: nowhere
}

// past is what a subscription carries along that has been away, or has missed
// something. Most never do, and there are very many: it is made when needed.
type past struct {
	prevFrom, prevTo uint64        // (prevFrom, prevTo] was received in the chain before, same epoch
	resumedAt        time.Duration // of a resumed segment: Seen of the answer
	muteSince        time.Duration // the loss before the first resumed life in which nothing came though others received; 0: none

	waived, emptied, doubted, missed, flushed, lateGaps int64
	copied                                              int64 // further copies that were right
	foreign                                             int64 // deliveries without a stamp
	returns, returnsMissed                              int32
}

// past returns what has happened so far, to be read.
func (c *cursor) past() past {
	if c.happened == nil {
		return past{}
	}
	return *c.happened
}

// keep returns the same to be written.
func (c *cursor) keep() *past {
	if c.happened == nil {
		c.happened = new(past)
	}
	return c.happened
}

// remember takes what the chain has received as that of the chain before.
func (c *cursor) remember() {
	had := c.keep()
	had.prevFrom, had.prevTo = c.origin, c.last
}

// forget lets go of the chain before.
func (c *cursor) forget() {
	if c.happened != nil {
		c.happened.prevFrom, c.happened.prevTo = 0, 0
	}
}

// person is what the judge knows of one client. There are very many: the fields
// stand by their sizes.
type person struct {
	aside       bool          // its connection is over plain HTTP, whose end may have no code
	slowAt      time.Duration // since when, in that life
	faultAt     time.Duration
	nodes       uint64        // all of them since the latest answer to a connect, as nodeBit
	dialled     time.Duration // when that began
	gotten      int64         // what it had received when the last of them ended
	told        time.Duration // when
	connectedAt time.Duration // Seen of the answer to the latest connect
	left        time.Duration // when its client began to leave, or was lost, after the latest answer to a connect; 0: not yet
	outlived    time.Duration // after which nothing is sent to it any more: its token has expired, or its rights are gone; 0: never
	wanting     time.Duration // start of the current return: the loss, or the end of away
	probe       time.Duration // Due of the latest probe answered
	probed      time.Duration // Seen of its answer
	passages    []passage     // since the first command
	life        int32
	slowLife    int32 // the latest life in which it read slowly, or not at all
	linkLife    int32 // the latest life in which something did
	faultIn     int32 // the life in which the client's own latest fault began
	node        int32 // of the target, of its latest attempt
	futile      int32 // connections in a row that got it nowhere
	hinted      int32 // index of its herd entry while it follows the server's hint; 0: it doesn't
	resumedIn   int32 // the latest life to which a session went on
	gapIn       int32 // the latest life in which the server announced a gap
	leftovers   int32 // messages on replaced connections that are kept
	probeIn     int32 // and its life
	first       int32 // first cursor, or -1
	claim       int32 // first subscription to a pattern, or -1
	group       int16
	fault       uint16
	open        bool
	away        bool     // wanted back since `lost`
	slowing     slowness // what makes it read slowly now, and in the next life
	linking     slowness // what delays all that it reads and writes
	gone        bool     // the plan has sent it home, or has had its rights taken away
	outcast     bool     // the target has confirmed the latter
	resumes     bool     // its connection has asked for a recovery
	stayed      bool     // its connection was open when the run ended
	announced   bool     // the server has said that it will end this connection
	cut         bool     // it read slowly in a life since: a backlog may have been cut without its knowledge
	torn        bool     // in a life since the latest answer to a connect a backlog was cut
	ready       bool     // has been ready once
	awaiting    bool     // is back, and not yet resynced
}

// ledger finds cursors: an open table over (client, channel).
type ledger struct {
	slots []int32 // index into all, plus one; 0: free
	all   []cursor
	gaps  gaps
}

func newLedger(expected int) ledger {
	size := 64
	for size < 2*expected {
		size *= 2
	}
	return ledger{slots: make([]int32, size), all: make([]cursor, 0, expected)}
}

func cursorKey(c history.ClientID, ch history.ChannelID) uint64 {
	return uint64(uint32(c))<<32 | uint64(uint32(ch))
}

// find returns the cursor's index, or -1.
func (l *ledger) find(c history.ClientID, ch history.ChannelID) int32 {
	mask := uint64(len(l.slots) - 1)
	for i := mix(cursorKey(c, ch)) & mask; ; i = (i + 1) & mask {
		at := l.slots[i] - 1
		if at < 0 {
			return -1
		}
		if k := &l.all[at]; k.client == c && k.channel == ch {
			return at
		}
	}
}

// add makes the cursor, which must not exist.
func (l *ledger) add(c history.ClientID, ch history.ChannelID, next int32) int32 {
	if 2*(len(l.all)+1) > len(l.slots) {
		l.slots = make([]int32, 2*len(l.slots))
		for i := range l.all {
			l.put(cursorKey(l.all[i].client, l.all[i].channel), int32(i))
		}
	}
	at := int32(len(l.all))
	l.all = append(l.all, cursor{client: c, channel: ch, next: next, log: -1, windows: -1})
	l.put(cursorKey(c, ch), at)
	return at
}

func (l *ledger) put(key uint64, at int32) {
	mask := uint64(len(l.slots) - 1)
	i := mix(key) & mask
	for l.slots[i] != 0 {
		i = (i + 1) & mask
	}
	l.slots[i] = at + 1
}
