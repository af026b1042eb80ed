package assert

import (
	"strings"
	"time"

	"squall/assert/history"
)

// sessions remembers every return of a client to a session that the server was
// asked to keep, with where its subscriptions stood.
type sessions struct {
	all    []absence
	before map[history.ClientID]int32 // 1 + index of the client's latest, in all
}

// absence is the time between a loss and the answer to the connect that asked for
// the session to go on.
type absence struct {
	home     *Judge // of the client's shard
	client   history.ClientID
	life     int32         // of the return
	from     time.Duration // the loss, as early as the server may have seen it
	lost     time.Duration // the loss, as the client saw it
	to       time.Duration // Seen of the answer
	resumed  bool
	again    bool          // the session had been resumed before
	late     time.Duration // by how much the loss may have been seen later than it was
	torn     bool          // a backlog was cut before the loss: the server's count is another than the client's
	cut      bool          // the client had read slowly before the loss
	vanished bool          // the client went without a word
	doubtful bool          // a command of the plan may have taken the session away
	nodes    uint64        // on which the session may be: from which the client went, and where it tried, as nodeBit
	earlier  int32
	marks    []mark // of the kept subscriptions
	load     []mark // of all: what a session has to remember
	setting  setting
}

// mark is how far one kept subscription had come when it was lost.
type mark struct {
	cursor  int32
	channel history.ChannelID
	since   time.Duration // when the last that was received was due, or the answer was seen if nothing was
}

// connected takes the answer to a connect. What the server resumes goes on where
// it was, without a subscribe; otherwise nothing that was kept is owed any more.
func (j *Judge) connected(p *person, e *history.Event) {
	if e.Flags&history.FlagSession == 0 {
		return
	}
	resumed := e.Flags&history.FlagResumed != 0
	if resumed {
		p.resumedIn = e.Life
	}
	o := absence{home: j, client: e.Client, life: e.Life, to: e.Seen, from: e.Seen, resumed: resumed, late: p.late(), torn: p.torn, cut: p.cut, nodes: p.nodes,
		doubtful: j.commanded(p.passed(), e.Seen) != nil, setting: setting{witness: -1}}
	o.vanished = strings.HasSuffix(j.evidence.notes[p.fault], "vanish")
	if o.late > longestLink { // of a slow reader there is no bound: see below
		o.late = 0
	}
	parted := p.left
	p.torn, p.cut, p.left, p.nodes = false, false, 0, nodeBit(p.node)
	latest := time.Duration(0)
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		c := &j.ledger.all[at]
		if c.state == left && c.released == 0 && c.everAnswered && !c.patterned {
			// Its unsubscribe was never answered: until the server had read it, and what it
			// sent by then may not have come, the session remembered its messages as well.
			o.load = append(o.load, mark{at, c.channel, c.since})
		}
		if c.state == ended && c.everAnswered {
			m := mark{at, c.channel, c.since}
			o.load = append(o.load, m)
			latest = max(latest, c.since)
			if c.patterned { // no session keeps a pattern: it is asked for anew
				continue
			}
			if c.kept { // attempts that got no answer are part of the absence
				o.marks, o.from = append(o.marks, m), min(o.from, c.prevEnd)
			}
		}
		if resumed && c.state == ended && c.everAnswered {
			j.resume(at, c, e)
		}
		c.kept = c.kept && resumed
	}
	if len(o.marks) == 0 || e.Flags&history.FlagRecover == 0 {
		return
	}
	o.lost = o.from
	if parted > 0 {
		o.from = min(o.from, parted)
	}
	if o.cut { // a slow reader sees the end of a connection long after the server
		o.from = min(o.from, latest)
	}
	q := &j.sessions
	if q.before == nil {
		q.before = make(map[history.ClientID]int32)
	}
	o.earlier = q.before[e.Client]
	if o.earlier > 0 {
		prev := &q.all[o.earlier-1]
		o.again = prev.resumed || prev.again
	}
	if !resumed {
		c := &j.ledger.all[o.marks[0].cursor]
		o.setting = j.setting(e, c)
		o.setting.witness = j.witness(SessionForgotten, &o.setting, e.Client, o.marks[0].channel)
	}
	q.all = append(q.all, o)
	q.before[e.Client] = int32(len(q.all))
}

// resume lets a subscription go on in a new life.
func (j *Judge) resume(at int32, c *cursor, e *history.Event) {
	j.turnSieve(c)
	if c.sieve != nil && c.positioned {
		c.sieve.open = true
	}
	c.state, c.life, c.answered = live, e.Life, e.Seen
	c.own = own{life: e.Life, since: e.Seen}
	c.segment++
	c.inLive, c.inReplay, c.liveLow, c.replayHi, c.extra = 0, 0, 0, 0, 0
	c.recovering, c.recovered, c.inverted = false, false, false
	c.resumed, c.keep().resumedAt = true, e.Seen
	c.base, c.top = c.last, c.last
	if !c.kept { // the session has it, and what it missed is not owed
		if c.positioned {
			c.stillborn, c.chain = true, -1
		} else {
			j.plain.open(c, e)
		}
		return
	}
	if !c.positioned && c.windows >= 0 { // with a position older windows mean nothing any more
		list := j.plain.windows[c.windows]
		w := &list[len(list)-1]
		w.close, w.clean, w.life = 0, false, e.Life
	}
}

// hushed notes, when a resumed life ends, the subscriptions that received nothing
// in it while another one of the client did.
func (j *Judge) hushed(p *person) {
	heard := j.heard(p)
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		c := &j.ledger.all[at]
		c.hushed = heard && c.mute()
		if c.hushed && c.past().muteSince == 0 {
			c.keep().muteSince = c.prevEnd
		}
	}
}

// heard reports whether some subscription of a client received something in the
// client's present life, which a session has resumed.
func (j *Judge) heard(p *person) bool {
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		if c := &j.ledger.all[at]; c.resumed && c.life == p.life && !c.mute() {
			return true
		}
	}
	return false
}

// mute reports whether a resumed subscription has received nothing since.
func (c *cursor) mute() bool { return c.resumed && c.inLive == 0 && c.inReplay == 0 }

// sessionText is what a connect answer said about the session, for a witness.
func sessionText(f history.Flags) string {
	switch {
	case f&history.FlagResumed != 0:
		return "session resumed"
	case f&history.FlagRecover != 0:
		return "session not resumed"
	case f&history.FlagSession != 0:
		return "new session"
	}
	return ""
}
