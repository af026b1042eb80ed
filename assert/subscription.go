package assert

import (
	"strings"
	"time"

	"squall/assert/history"
)

// slows reports whether a fault makes its client read slowly, or not at all,
// without ending the connection. A link that delays and lets any number of bytes
// through does not: it explains times, and nothing else.
func slows(note string, rate int32) bool {
	return slownessOf(note, rate) != 0 || strings.HasSuffix(note, "freeze")
}

// slowness is a set of limits that make a client read slowly.
type slowness uint8

// slownessOf says which of them a fault of that name and rate is; 0: none.
func slownessOf(note string, rate int32) slowness {
	switch {
	case note == "slow" || strings.HasPrefix(note, "slow "):
		return 1
	case note == "read":
		return 2
	case note == "link" && rate > 0:
		return 4
	case note == "degrade" && rate > 0:
		return 8
	}
	return 0
}

// linksOf says which of the limits that delay a fault of that name is; 0: none.
func linksOf(note string) slowness {
	switch note {
	case "link":
		return 1
	case "degrade":
		return 2
	}
	return 0
}

// longestLink bounds how late what a client reads over a link of its own may be:
// twice the longest delay that the language allows, as delay and as jitter.
const longestLink = 10 * time.Second

// late is how old what a client reads may be; a slow reader has no bound.
func (p *person) late() time.Duration {
	switch {
	case p.slowing != 0, p.slowLife != 0 && p.slowLife >= p.life-1: // also what came on the connection before
		return 1 << 62
	case p.linking != 0, p.linkLife != 0 && p.linkLife >= p.life-1:
		return longestLink
	}
	return 0
}

// hindered reports whether something of its own has made a client slow, or late,
// in a life.
func (p *person) hindered(life int32) bool {
	return p.slowing != 0 || p.slowLife == life || p.linking != 0 || p.linkLife == life
}

// slow notes that the client reads slowly from then on in a life.
func (p *person) slow(life int32, at time.Duration) {
	if p.slowLife != life {
		p.slowLife, p.slowAt = life, at
	}
}

// refusal is a recovery that the server did not grant.
type refusal struct {
	cursor   int32
	client   history.ClientID
	channel  history.ChannelID
	life     int32
	epoch    history.EpochID // asked
	from     uint64
	answer   history.EpochID
	top      uint64
	hidden   bool // the answer told no position
	emptied  bool // the plan had taken away what was asked for
	doubtful bool // a command of the plan may have
	filter   uint8
	sent     fromTo
	setting  setting
}

func (j *Judge) cursor(p *person, c history.ClientID, ch history.ChannelID) *cursor {
	at := j.ledger.find(c, ch)
	if at < 0 {
		at = j.ledger.add(c, ch, p.first)
		p.first = at
	}
	return &j.ledger.all[at]
}

// index is the cursor's place in the ledger.
func (j *Judge) index(c *cursor) int32 { return j.ledger.find(c.client, c.channel) }

// subscribe opens a segment. With a position, what is owed begins there, and a
// replay that comes before the answer already belongs to it.
func (j *Judge) subscribe(p *person, e *history.Event) {
	c := j.cursor(p, e.Client, e.Channel)
	j.sift(c, e)
	if c.state == live || c.state == asked { // asked again within one life
		j.plain.close(j, c, e.Sent, true)
		c.prevEnd = e.Sent
	}
	if c.state == ended && strings.HasSuffix(j.evidence.notes[p.fault], "vanish") {
		// Nobody told the server: until now it could go on writing to the old socket.
		c.prevEnd = e.Sent
	}
	c.hasty, c.own = false, own{life: e.Life}
	c.state, c.life, c.askedAt, c.patterned, c.released = asked, e.Life, e.Sent, false, 0
	c.segment++
	c.inLive, c.inReplay, c.liveLow, c.replayHi, c.extra = 0, 0, 0, 0, 0
	c.recovered, c.inverted = false, false
	c.resumed, c.kept, c.asksKept = false, false, e.Flags&history.FlagKept != 0
	c.recovering, c.again = e.Flags&history.FlagRecover != 0, p.resumedIn == e.Life
	c.askedFrom, c.askedEpoch = e.Offset, e.Epoch
	if !c.recovering {
		return
	}
	if c.returnedAt == 0 {
		c.returnedAt = e.Sent
	}
	if c.everAnswered && c.positioned && c.epoch == e.Epoch {
		// The client's own word counts: what it forgot it may be sent again, what
		// it says it has it need not be sent.
		c.last = e.Offset
	}
	c.base, c.top = e.Offset, e.Offset
}

// subscribed closes the old window and opens the next.
func (j *Judge) subscribed(p *person, e *history.Event) {
	c := j.cursor(p, e.Client, e.Channel)
	if c.state != asked {
		// An answer without a question that was written down: a server-side
		// subscription. It opens a fresh window.
		c.segment++
		c.life, c.recovering, c.recovered, c.inverted = e.Life, false, false, false
		c.inLive, c.inReplay, c.liveLow, c.replayHi, c.extra = 0, 0, 0, 0, 0
		c.askedAt = e.Sent
	}
	knew := c.knew()
	c.told = c.askedAt
	c.own = own{life: e.Life, since: e.Seen}
	c.state, c.answered, c.life = live, e.Seen, e.Life
	c.kept = c.asksKept
	granted := e.Flags&(history.FlagRecovering|history.FlagRecovered) == history.FlagRecovering|history.FlagRecovered
	if !granted {
		c.since = e.Seen
	}
	if e.Flags&history.FlagPositioned == 0 {
		if c.recovering && !granted {
			j.refuse(c, e, true, knew)
		}
		c.positioned = false
		c.everAnswered = true
		if c.recovering && granted {
			c.keep().returns++
		}
		j.plain.open(c, e)
		return
	}
	wasPositioned := c.positioned && c.everAnswered
	if c.sieve != nil {
		c.sieve.open = true
	}
	c.positioned, c.everAnswered = true, true
	if c.recovering {
		c.keep().returns++
		if granted && (e.Epoch == c.askedEpoch || j.names.Name(int32(c.askedEpoch)) == "") {
			j.granted(p, c, e, wasPositioned)
			return
		}
		if granted {
			j.report(incident{anomaly: StaleEpochAccepted, epoch: c.askedEpoch, from: c.askedFrom, to: e.Offset, n: 1}, e, c)
			c.chain = -1
		} else {
			j.refuse(c, e, false, knew)
		}
	}
	j.fresh(c, e, wasPositioned)
}

// granted goes on where the client was.
func (j *Judge) granted(p *person, c *cursor, e *history.Event, wasPositioned bool) {
	if c.epoch != e.Epoch || !wasPositioned { // the position came from elsewhere, or had no epoch
		c.epoch, c.origin, c.chain = e.Epoch, c.askedFrom, e.Seen
		c.forget()
		c.log = j.log(e.Channel, e.Epoch)
		c.last = max(c.askedFrom, c.replayHi)
	}
	c.recovered, c.base, c.top = true, c.askedFrom, e.Offset
	if e.Offset < c.askedFrom {
		c.top = c.askedFrom
		j.report(incident{anomaly: OffsetRegress, epoch: e.Epoch, from: e.Offset, to: c.askedFrom, n: 1}, e, c)
	}
	if n := int64(c.top - c.base); n > 0 && c.sieve == nil {
		c.keep().missed += n
		c.keep().returnsMissed++
	}
	j.ledger.gaps.settleTop(j.index(c), c.segment, c.top, true)
}

// fresh begins at the position of the answer: what was before is not owed.
func (j *Judge) fresh(c *cursor, e *history.Event, wasPositioned bool) {
	early := c.liveLow // live deliveries that overtook the answer
	if c.early != e.Epoch {
		early = 0 // of another epoch: the history was lost meanwhile
	}
	hi := uint64(0)
	if wasPositioned && c.epoch == e.Epoch {
		if e.Offset < c.last && early == 0 {
			j.report(incident{anomaly: OffsetRegress, epoch: e.Epoch, from: e.Offset, to: c.last, n: 1}, e, c)
		}
		c.remember()
	} else {
		c.forget()
	}
	if early != 0 {
		hi = c.extra
	}
	c.epoch, c.log = e.Epoch, j.log(e.Channel, e.Epoch)
	c.base, c.top, c.origin = e.Offset, e.Offset, e.Offset
	c.last, c.chain = e.Offset, e.Seen
	c.recovered = false
	if early != 0 {
		c.inLive = 1
	}
	if hi > c.last { // they reach beyond it
		if early > c.last+1 && c.sieve == nil {
			j.miss(c, e, c.last+1, early-1, true, true)
		}
		c.last = hi
	}
	c.extra = 0
}

// knew is when the server told, at the earliest, what a subscription knows last: it
// may have been on its way for long. A message was due before, an answer was asked
// for before.
func (c *cursor) knew() time.Duration {
	if c.since == c.answered {
		return c.told
	}
	return max(c.told, c.since)
}

// refuse writes down a recovery that was not granted.
func (j *Judge) refuse(c *cursor, e *history.Event, hidden bool, knew time.Duration) {
	if hidden {
		c.keep().returns++
	}
	r := refusal{
		cursor: j.index(c), client: c.client, channel: c.channel, life: e.Life,
		epoch: c.askedEpoch, from: c.askedFrom, answer: e.Epoch, top: e.Offset, hidden: hidden,
		sent: fromTo{c.askedAt, e.Seen}, setting: j.setting(e, c),
	}
	r.emptied = !hidden && j.emptied(knew-j.people[c.client].late(), r.epoch == r.answer, e.Seen)
	r.doubtful = !r.emptied && j.commanded(j.people[e.Client].passedBefore(), e.Seen) != nil
	j.ledger.gaps.waive(r.cursor, c.segment, ^uint64(0)) // holes in a replay that was not one
	r.setting.witness = j.witness(FalseUnrecovered, &r.setting, e.Client, e.Channel)
	if c.sieve != nil {
		r.filter = c.sieve.filter
	}
	if !hidden && r.epoch == r.answer && r.top > r.from && c.sieve == nil {
		if n := int64(r.top - r.from); r.emptied {
			c.keep().emptied += n
		} else if r.doubtful {
			c.keep().doubted += n
		} else {
			c.keep().waived += n
		}
		c.keep().missed += int64(r.top - r.from)
		c.keep().returnsMissed++
	}
	j.refusals = append(j.refusals, r)
}

// unsubscribed ends a window: cleanly if the client wanted it.
func (j *Judge) unsubscribed(e *history.Event) {
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 {
		return
	}
	c := &j.ledger.all[at]
	if e.Kind == history.Unsubscribed && c.own.life == e.Life && c.own.since > 0 && c.state != asked {
		c.own.to = e.Seen
	}
	if c.state != live && c.state != asked {
		if c.state == left && c.life == e.Life && e.Kind == history.Unsubscribed && e.Flags&history.FlagServer == 0 {
			c.released = e.Seen
			j.claims.goOn(j, c, e)
		}
		return
	}
	if e.Kind == history.Unsubscribe {
		c.quick = c.state == asked
		c.state, c.released = left, 0
		j.plain.close(j, c, e.Sent, true)
		return
	}
	if e.Flags&history.FlagServer == 0 { // the answer to an unsubscribe that a subscribe has followed
		c.hasty = true
		return
	}
	c.state, c.prevEnd, c.returnedAt = ended, e.Seen, e.Seen
	j.plain.close(j, c, e.Seen, false)
}

// gap waives what the server announces as lost.
func (j *Judge) gap(p *person, e *history.Event) {
	p.gapIn = e.Life
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 || j.ledger.all[at].state != live && j.ledger.all[at].state != asked {
		// A pattern may bring it, even before the first message of the channel.
		if claimed := j.claims.admit(j, e); claimed >= 0 {
			at = claimed
		}
	}
	if at < 0 {
		return
	}
	c := &j.ledger.all[at]
	j.shaping.gap(at, e)
	if e.Flags&history.FlagPositioned == 0 || !c.positioned || e.Epoch == c.epoch {
		j.cuts++
	}
	waived := &c.keep().waived
	if j.commanded(p.passed(), e.Seen) != nil {
		waived = &c.keep().doubted
	}
	if !c.positioned {
		if j.emptied(c.knew()-p.late(), false, e.Seen) {
			waived = &c.keep().emptied
		}
		*waived++
		j.plain.gap(c, e)
		return
	}
	if e.Flags&history.FlagPositioned == 0 {
		c.stillborn = true // how much is lost is told by the next delivery
		c.chain = -1
		return
	}
	c.chain = -1
	if c.sieve != nil && e.Epoch == c.epoch {
		w := byNotice
		if waived == &c.keep().doubted {
			w = byCommand
		}
		c.sieve.forgive(e.Offset, w)
		if e.Offset > c.last {
			c.last = e.Offset
		}
		return
	}
	if e.Epoch != c.epoch {
		j.turnSieve(c)
		if c.sieve != nil {
			c.sieve.open = true
		}
		if j.emptied(c.knew()-p.late(), false, e.Seen) {
			c.keep().emptied++
		} else {
			*waived++
		}
		c.epoch, c.log = e.Epoch, j.log(e.Channel, e.Epoch)
		c.base, c.top, c.origin, c.last = e.Offset, e.Offset, e.Offset, e.Offset
		c.forget()
		return
	}
	*waived += j.ledger.gaps.waive(at, c.segment, e.Offset)
	if e.Offset > c.last {
		*waived += int64(e.Offset - c.last)
		c.remember()
		c.last, c.base, c.origin = e.Offset, e.Offset, e.Offset
		c.top = max(c.top, e.Offset)
	}
}

// log returns the index of the channel's log in that epoch.
func (j *Judge) log(ch history.ChannelID, epoch history.EpochID) int32 {
	key := uint64(uint32(ch))<<32 | uint64(uint32(epoch))
	at, ok := j.logIDs[key]
	if !ok {
		if j.logIDs == nil {
			j.logIDs = make(map[uint64]int32)
		}
		at = int32(len(j.logs))
		j.logs = append(j.logs, newLog(ch, epoch))
		j.logIDs[key] = at
	}
	return at
}
