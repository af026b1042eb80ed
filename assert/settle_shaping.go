package assert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// settleSlack is how much longer than a shape holds anything back a subscription must
// have been without its last message before that counts as missing, by a probe that
// its connection answered.
const settleSlack = time.Second

// leaves reports whether a rule leaves a channel to that of its shape (soundness 11).
func (s *settlement) leaves(rule string, ch history.ChannelID) bool {
	return (rule == "delivery" || rule == "recovery" || rule == "queue") && s.j.shape(ch) != nil
}

// allShaped is why a rule does not apply that leaves shaped channels.
const allShaped = "all of these channels are thinned out, and judged by the rules of their shapes"

// shape is how the target thins a channel out, as it promises; nil: it doesn't.
func (j *Judge) shape(ch history.ChannelID) *scenario.Shape {
	if ch < 0 || len(j.brief.Promises.Channels)+len(j.brief.Promises.Shapes) == 0 {
		return nil
	}
	return j.shaping.channel(ch).shape
}

// ending is what became of the end of a channel at one subscription.
type ending uint8

const (
	notOwed   ending = iota // and it came to none that may be the last
	settled                 // it has one that may be the last
	endUnseen               // whether it comes nobody can say
	endWaived               // the target, or the plan, has said that it won't come
	behind                  // it has an older one, or none
	staled                  // it has an older one, and had the last
)

// ended says what became of the end of a channel at a subscription; last is what it
// has come to.
func (s *settlement) ended(part int, at int32, f *final, last func(*tail) ident, quiet func(*person, *cursor) bool) (ending, *tail) {
	p := s.parts[part]
	c := &p.ledger.all[at]
	who := &p.people[c.client]
	t := &tail{}
	if int(at) < len(p.shaping.tails) {
		t = &p.shaping.tails[at]
	}
	id := last(t)
	switch {
	case p.filters(c): // the last message may be one that is kept back
		return notOwed, t
	case t.any && s.admits(f, id):
		return settled, t
	case !s.owedEnd(part, c, f):
		return notOwed, t
	case t.bare:
		return endUnseen, t
	case t.gap > 0 && t.gap >= f.sent || s.j.forgot(f.sent, who.probe):
		return endWaived, t
	case !quiet(who, c) || s.j.commanded(f.sent, who.probe) != nil:
		return endUnseen, t
	case s.admits(f, t.high):
		return staled, t
	}
	return behind, t
}

// filters reports whether a subscription has had a filter, or one of the patterns that
// bring it has.
func (j *Judge) filters(c *cursor) bool {
	if c.sieve != nil {
		return true
	}
	if c.windows >= 0 {
		for i := range j.plain.windows[c.windows] {
			if j.plain.windows[c.windows][i].filter > 0 {
				return true
			}
		}
	}
	return false
}

// still reports whether a subscription to a shaped channel provably has all that will
// come: its connection answered a probe that was sent when what was held back should
// long have been let through, and nothing was still arriving.
func still(f *final, shape *scenario.Shape) func(*person, *cursor) bool {
	return func(p *person, c *cursor) bool {
		return p.probeIn == p.life && p.probe >= f.sent+shape.Longest()+settleSlack && c.lastSeen+stillArriving <= p.probe
	}
}

// judgeShaped decides what subscriptions to shaped channels came to, for those that
// some expectation is about.
func (s *settlement) judgeShaped() {
	names := map[string][2]Anomaly{
		scenario.Throttle: {LastValueSwallowed, StaleLastValue},
		scenario.Debounce: {DebounceUnsettled, DebouncedSuperseded},
	}
	s.superseded = s.judgeSuperseded()
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			shape := s.j.shape(c.channel)
			if shape == nil || !shape.Settles() || !s.expected(p, c, shape.Kind) {
				continue
			}
			f := s.final(s.channel(c.channel))
			e, t := s.ended(i, int32(at), f, func(t *tail) ident { return t.last }, still(f, shape))
			if e != behind && e != staled || s.superseded[missIdent{c.channel, t.last}] {
				continue // or it is named by what came instead
			}
			x := s.overdue(i, int32(at), c, f, t)
			if x.anomaly = names[shape.Kind][0]; e == staled {
				x.anomaly, x.id, x.other = names[shape.Kind][1], t.last, t.high
			}
			s.found = append(s.found, found{x, i})
		}
	}
}

// overdue is the incident of a subscription that is not at the end of its channel.
func (s *settlement) overdue(part int, at int32, c *cursor, f *final, t *tail) incident {
	p := &s.parts[part].people[c.client]
	x := incident{
		client: c.client, channel: c.channel, epoch: withoutOffsets, life: p.life, from: f.newest.seq, to: f.newest.seq, n: 1, entry: -1,
		seen: p.probed, id: f.newest, other: t.last, setting: setting{phase: "draining", fault: p.fault, witness: -1},
	}
	if p.fault != 0 {
		x.setting.ago = p.probed - p.faultAt
	}
	return x
}

// expected reports whether an expectation of a rule is about a subscription.
func (s *settlement) expected(p *Judge, c *cursor, rule string) bool {
	for i := range s.j.want.all {
		if w := &s.j.want.all[i]; w.Rule == rule && w.covers(p, c) {
			return true
		}
	}
	return false
}

// judgeSuperseded finds the messages of debounced channels that came although another
// one had followed within the quiet time. It returns which those are.
func (s *settlement) judgeSuperseded() map[missIdent]bool {
	all := make(map[missIdent]bool)
	for i, p := range s.parts {
		for q := range p.shaping.quiets {
			fold := &p.shaping.quiets[q]
			for _, x := range inOrder(fold.first) {
				next, ok := s.follower(&x, fold.want.Shape.Quiet-clockTick)
				if !ok {
					continue
				}
				x.other = next
				all[missIdent{x.channel, x.id}] = true
				s.found = append(s.found, found{x, i})
			}
		}
	}
	return all
}

// inOrder lists incidents by the times at which they were seen.
func inOrder(m map[missIdent]incident) []incident {
	list := make([]incident, 0, len(m))
	for _, x := range m {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b incident) int {
		return cmp.Or(cmp.Compare(a.seen, b.seen), cmp.Compare(a.id.publisher, b.id.publisher), cmp.Compare(a.id.incarnation, b.id.incarnation), cmp.Compare(a.id.seq, b.id.seq))
	})
	return list
}

// follower finds a message that reached the target after another, and within the quiet
// time behind it.
func (s *settlement) follower(x *incident, quiet time.Duration) (ident, bool) {
	m := s.publication(x.channel, x.id)
	if m == nil || m.retried {
		return ident{}, false
	}
	order := s.promises(x.channel).Order
	ordered := order != "" && order != "none"
	for _, b := range s.channel(x.channel).outboxes {
		for n := b.after(m.sent - 1); n <= b.highest(); n++ {
			k := b.get(n)
			if k == nil {
				continue
			}
			if k.sent >= m.sent+quiet {
				break
			}
			id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
			later := m.known() && k.sent > m.settled || ordered && id.sameStream(x.id) && n > x.id.seq && k.life == m.life
			if later && k.known() && !k.retried && k.settled < m.sent+quiet {
				return id, true
			}
		}
	}
	return ident{}, false
}

// shapeSums is what an expectation about shaped channels has to go by.
type shapeSums struct {
	channels, subscriptions int64
	held                    int64 // acknowledged messages that nobody received
	ends, settled, returned int64 // of the subscriptions whose last message is judged
	notOwed, unseen, waived int64
	unknown                 int64
	late                    []*found
}

// shapeSum adds up what w is about.
func (s *settlement) shapeSum(w *want, kind string) (t shapeSums) {
	mine := func(ch history.ChannelID) *scenario.Shape {
		if x := s.j.shape(ch); x != nil && x.Kind == kind && w.filter.channel(ch) {
			return x
		}
		return nil
	}
	for _, c := range s.ordered() {
		if mine(c.id) == nil {
			continue
		}
		t.channels++
		for _, b := range c.outboxes {
			for n := b.gone + 1; n <= b.highest(); n++ {
				switch m := b.get(n); {
				case m == nil:
				case c.received(b, n):
				case m.known():
					t.held++
				case m.result == history.Unknown:
					t.unknown++
				}
			}
		}
	}
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			shape := mine(c.channel)
			if shape == nil || !c.everAnswered || !w.filter.client(&p.people[c.client]) {
				continue
			}
			if t.subscriptions++; !shape.Settles() {
				continue
			}
			t.ends++
			f := s.final(s.channel(c.channel))
			switch e, tail := s.ended(i, int32(at), f, func(t *tail) ident { return t.last }, still(f, shape)); e {
			case settled:
				t.settled++
				if c.past().returns > 0 || p.people[c.client].life > 1 {
					t.returned++
				}
				if x := s.slowEnd(w, i, c, tail); x != nil {
					t.late = append(t.late, x)
				}
			case endUnseen:
				t.unseen++
			case endWaived:
				t.waived++
			case notOwed:
				t.notOwed++
			}
		}
	}
	return t
}

// struck reports whether the plan did something to the target between two times.
func (j *Judge) struck(from, to time.Duration) bool {
	for i := range j.outages {
		if o := &j.outages[i]; o.from <= to && (!o.over || from <= o.to) {
			return true
		}
	}
	return false
}

// slowEnd reports a subscription that came to the last message later than the limit,
// live, and by a connection that had been there when it was sent.
func (s *settlement) slowEnd(w *want, part int, c *cursor, t *tail) *found {
	limit := w.Shape.Settles
	m := s.publication(c.channel, t.last)
	who := &s.parts[part].people[c.client]
	if limit.Op == "" || m == nil || !m.known() || t.replay || t.apart || c.answered >= m.sent || who.hindered(who.life) || s.j.struck(m.sent, t.seen) {
		return nil
	}
	took := t.seen - m.sent
	if holds(limit, took.Seconds()) {
		return nil
	}
	a := ThrottleSettlesLate
	if w.Rule == scenario.Debounce {
		a = DebounceSettlesLate
	}
	return &found{part: part, incident: incident{
		anomaly: a, client: c.client, channel: c.channel, epoch: withoutOffsets, life: c.life, n: 1, seen: t.seen, id: t.last,
		setting: setting{phase: "live", fault: who.fault, ago: t.seen - who.faultAt, witness: -1},
		said:    fmt.Sprintf("the last message was there %v after it was published", took.Round(time.Millisecond)),
	}}
}

// misshapen says in one line what came, or did not come, of a shaped channel.
func (s *settlement) misshapen(f *found, what string) string {
	ch := s.j.names.Name(int32(f.channel))
	switch {
	case f.anomaly == StateDiverged && f.said != "", f.anomaly == TombstoneLost:
		return fmt.Sprintf("of %s %s", ch, f.said)
	case f.said != "":
		return fmt.Sprintf("received %s: %s", what, f.said)
	case f.anomaly == DebouncedSuperseded && f.entry >= 0:
		return fmt.Sprintf("received %s, which %s had followed within the quiet time", what, s.message(f.other))
	case f.anomaly == DebouncedSuperseded, f.anomaly == StaleLastValue:
		return fmt.Sprintf("ended on %s of %s, after %s", s.message(f.id), ch, s.message(f.other))
	case f.other.seq == 0:
		return fmt.Sprintf("ended on nothing of %s, where %s was the last", ch, s.message(f.id))
	}
	return fmt.Sprintf("ended on %s of %s, where %s was the last", s.message(f.other), ch, s.message(f.id))
}

// unshaped says why nothing excuses that.
func (s *settlement) unshaped(f *found) (out []string) {
	if f.anomaly.Define().harm == stales || f.entry < 0 {
		p := &s.parts[f.part].people[f.client]
		if m := s.final(s.channel(f.channel)); m.known {
			out = append(out, fmt.Sprintf("its connection answered a probe that was sent %v after the last publication", (p.probe-m.sent).Round(time.Millisecond)))
		}
		if out = append(out, "the server announced no gap"); f.said != "" {
			return out
		}
		return append(out, "no other message may have been the last")
	}
	if w := s.j.want.all; f.entry >= 0 && f.entry < len(w) {
		if x := w[f.entry].Shape; x.Per > 0 {
			out = append(out, fmt.Sprintf("the limit is %d per %v, and the earliest schedule that is possible breaks it", x.Count, x.Per))
		} else {
			out = append(out, fmt.Sprintf("the quiet time is %v", x.Quiet))
		}
	}
	return out
}
