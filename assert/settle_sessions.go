package assert

import (
	"time"

	"squall/assert/history"
)

// outageOf finds the return that began a life.
func (s *settlement) outageOf(part int, client history.ClientID, life int32) *absence {
	q := &s.parts[part].sessions
	for at := q.before[client]; at > 0; at = q.all[at-1].earlier {
		if o := &q.all[at-1]; o.life == life {
			return o
		}
	}
	return nil
}

// slack is how much earlier than its last receipt a subscription may have been
// owed what it had not received: messages on their way overtake nothing, but the
// times at which they were sent may be any within it.
const slack = time.Second

// queued counts what the session may have had to keep in an absence: everything
// published on its channels since shortly before what each had received last was
// sent, or before that and without an answer by then: a slow target takes what was
// sent first when it likes. What was under way behind that when the connection ended, to a slow reader
// or in the midst of an earlier return, is part of it; so is what a pattern brings,
// on channels of which nothing had come as well.
func (s *settlement) queued(o *absence) (n int64) {
	p := o.home
	known := make(map[history.ChannelID]bool, len(o.load))
	count := func(ch history.ChannelID, since time.Duration) {
		known[ch] = true
		for _, b := range s.channel(ch).outboxes {
			n += b.between(since, o.to)
		}
	}
	for _, m := range o.load {
		count(m.channel, m.since-slack)
	}
	for at := p.people[o.client].first; at >= 0; at = p.ledger.all[at].next {
		if c := &p.ledger.all[at]; c.patterned && !known[c.channel] {
			count(c.channel, -1)
		}
	}
	return n
}

// missedIn counts what was published for the session while it was away, as far as
// filters let it through.
func (s *settlement) missedIn(o *absence) (n int64) {
	for _, m := range o.marks {
		sieve := o.home.ledger.all[m.cursor].sieve
		for _, b := range s.channel(m.channel).outboxes {
			from, to := b.after(o.from), b.after(o.to)
			if sieve == nil {
				n += int64(to - from)
				continue
			}
			for k := from; k < to; k++ {
				if passes(b.maskOf(ident{seq: k}), sieve.filter) {
					n++
				}
			}
		}
	}
	return n
}

// beyond reports whether an absence, or a message of it, may have been more than
// the promised queue holds, with the margins of soundness: then only order and
// honesty are judged, and which end is dropped is the server's choice.
func (s *settlement) beyond(o *absence, ch history.ChannelID, sent time.Duration) bool {
	q := s.promises(ch).Queue
	if q.Size == 0 || s.queued(o) >= int64(q.Size) {
		return true
	}
	return q.TTL > 0 && o.to-min(sent, o.from) >= q.TTL-time.Second-o.late
}

// judgeSessions tells justified refusals of sessions from the others.
func (s *settlement) judgeSessions() {
	for i, p := range s.parts {
		for k := range p.sessions.all {
			o := &p.sessions.all[k]
			if o.resumed {
				continue
			}
			x := incident{client: o.client, channel: o.marks[0].channel, epoch: withoutOffsets, life: o.life,
				n: s.missedIn(o), seen: o.to, setting: o.setting, anomaly: SessionRefused}
			if !s.excusesRefusal(o) {
				x.anomaly = SessionForgotten
				if o.again {
					x.anomaly = RecoversOnlyOnce
				}
			}
			s.found = append(s.found, found{x, i})
		}
	}
}

// excusesRefusal reports whether size or age, a backlog that was cut, or a node
// that went away in between, may explain that a session was not resumed.
//
// Only a node can take sessions with it from which the client went, or which it
// tried since: by the plan, by its own word (1001, 1012), or by a crash, in which
// all its connections end without a word. That others lose a connection is no
// excuse, nor is what happens elsewhere.
func (s *settlement) excusesRefusal(o *absence) bool {
	if o.torn || o.doubtful || (o.cut || s.cuts) && s.underWay(o) {
		return true
	}
	for _, m := range o.marks {
		if s.beyond(o, m.channel, o.from) {
			return true
		}
	}
	for _, x := range s.j.outages { // what the plan itself did to the target
		if x.command || x.verb == "pause" || x.verb == "forget-history" { // a session outlives that, or it is doubtful
			continue
		}
		here := x.node < 0 || o.nodes&nodeBit(x.node) != 0 || x.loses
		if here && x.from <= o.to && (!x.over || x.to >= o.from) {
			return true
		}
	}
	return s.away(o.nodes, o.from-slack, o.to)
}

// underWay reports whether something may have been queued for a client when it
// lost its connection: something on its channels that was sent before, and that it
// had not received. Without that no backlog was cut; with it, one may have been by
// a target that is known to do so, or to whom the client reads slowly, before the
// notice could reach the client.
func (s *settlement) underWay(o *absence) bool {
	until := o.lost
	if o.vanished { // nobody told the server: it goes on to queue for the old connection
		until = o.to
	}
	for _, m := range o.load {
		for _, b := range s.channel(m.channel).outboxes {
			if b.after(until) > b.after(m.since) {
				return true
			}
		}
	}
	return false
}

// queueLosses names what is missing where a session went on: what was sent
// before the server's answer was to be kept for it, what came later was live.
func (s *settlement) queueLosses(to []loss, part int, c *cursor, g *gap) []loss {
	end := &s.ends[part][g.cursor]
	l := loss{part: part, cursor: g.cursor, epoch: g.epoch, life: g.life, seen: g.seen, setting: g.sight}
	o := s.outageOf(part, c.client, g.life)
	add := func(from, to2 uint64, a Anomaly) []loss {
		l.from, l.to, l.n, l.anomaly = from, to2, int64(to2-from+1), a
		return append(to, l)
	}
	for from := g.from; from <= g.to; {
		a := s.nameQueued(part, c, g, o, from)
		last := from
		for last < g.to && last-g.from < mostSpans && s.nameQueued(part, c, g, o, last+1) == a {
			last++
		}
		if last-g.from >= mostSpans {
			last = g.to
		}
		if a == NoAnomaly {
			end.waived += int64(last - from + 1)
		} else {
			to = add(from, last, a)
		}
		from = last + 1
	}
	return to
}

// nameQueued names the loss of one offset; NoAnomaly if it is excused.
func (s *settlement) nameQueued(part int, c *cursor, g *gap, o *absence, offset uint64) Anomaly {
	sent := g.resumedAt - 1
	if n, ok := s.channel(c.channel).entry(g.epoch, offset); ok {
		if m := s.publication(c.channel, n.ident()); m != nil {
			sent = m.sent
		}
	} else if g.live && !g.firstLive {
		sent = g.seen
	}
	switch {
	case sent > g.resumedAt && g.slowed:
		return SlowConsumerSilentDrop
	case sent > g.resumedAt:
		return LostMessage
	case g.hushed:
		return ResubscribePartial
	case o == nil || s.beyond(o, c.channel, sent):
		return NoAnomaly
	}
	return OfflineQueueDrop
}

// resumedTail names what is missing at the end of a subscription that has received
// nothing live since its session went on.
func (s *settlement) resumedTail(to []loss, l loss, c *cursor) []loss {
	p := s.parts[l.part]
	if c.mute() && p.heard(&p.people[c.client]) {
		l.anomaly = ResubscribePartial
		return append(to, l)
	}
	o := s.outageOf(l.part, c.client, c.life)
	g := &gap{from: l.from, to: l.to, cursor: l.cursor, epoch: l.epoch, life: l.life, resumedAt: c.past().resumedAt,
		live: true, firstLive: true, seen: l.seen, sight: l.setting, slowed: p.people[c.client].slowLife == c.life}
	if o == nil {
		l.anomaly = LostMessage
		return append(to, l)
	}
	return s.queueLosses(to, l.part, c, g)
}

// queuedPlain is nameQueued without offsets: a message is owed by the session's
// queue if it was sent before the return of the life in which a later one of its
// publisher came, or of the last life if none did. LostMessage: it was owed live.
// It also tells when the return was.
func (s *settlement) queuedPlain(part int, c *cursor, f *flow, w *window, number int32, n uint64, m *publication) (Anomaly, time.Duration) {
	life := int32(0)
	if f != nil {
		life = f.passedIn(number, n)
	}
	if life == 0 {
		life = w.life
	}
	p := s.parts[part]
	o := s.outageOf(part, c.client, life)
	switch {
	case c.past().muteSince > 0 && m.sent >= c.past().muteSince,
		c.mute() && c.life == life && o != nil && m.sent >= o.from && p.heard(&p.people[c.client]):
		return ResubscribePartial, 0
	case o == nil || !o.resumed || m.sent > o.to:
		return LostMessage, 0
	case s.beyond(o, c.channel, m.sent):
		return NoAnomaly, 0
	}
	return OfflineQueueDrop, o.to
}
