package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
)

// Isolation: nobody gets what is not theirs. A client may get the messages of a
// channel from when it asks for it, or for a pattern that matches it, until the
// answer to its unsubscribe is seen: between asking and the answers nothing can
// be claimed. What comes outside of that window is judged:
//
//   - of a channel for which the client has no subscription at all: a leak,
//     whenever it was published;
//   - of one that it has left: only if the message was sent after the answer to
//     the unsubscribe was seen. What was sent before may have been on its way.
//
// A subscription that the target has refused gives no right to anything; see
// rights.go. One that the target has made by itself, and told of, does.
//
// Only messages with a valid stamp of this run count: what others publish, or
// what a server says by itself, is not known to be anybody's.

// strays are the deliveries of one shard that no subscription explains.
type strays struct {
	leaks   []incident // of channels never subscribed to
	late    []lateStray
	beyond  int64 // more than are kept
	holders []holder
}

// lateStray is a delivery after an unsubscribe; the end tells when it was sent.
type lateStray struct {
	incident
	released time.Duration
}

// holder is a connection whose id the server told.
type holder struct {
	id     uint64
	client history.ClientID
	life   int32
	since  time.Duration
}

const mostStrays = 100_000

// connected notes the id of a connection, where the server tells it.
func (x *strays) connected(j *Judge, e *history.Event) {
	if e.Offset != 0 && j.want.isolation {
		x.holders = append(x.holders, holder{e.Offset, e.Client, e.Life, e.Seen})
	}
}

// stray takes a delivery that no subscription of its life explains.
func (j *Judge) stray(e *history.Event) {
	j.traffic.stray++
	x := &j.strays
	if e.Flags&history.FlagStamped == 0 {
		return
	}
	i := incident{client: e.Client, channel: e.Channel, epoch: e.Epoch, life: e.Life, from: e.Offset, to: e.Offset, n: 1, seen: e.Seen, id: identOf(e), came: true}
	if e.Flags&history.FlagPositioned == 0 {
		i.epoch, i.from, i.to = withoutOffsets, e.Seq, e.Seq
	}
	why, released, name := j.excuse(e)
	if why == foreign {
		if a, asked := j.rights.weigh(j, e); asked {
			if why, name = unentitled, a; a == NoAnomaly {
				return
			}
		}
	}
	switch {
	case why == excused:
		return
	case len(x.leaks)+len(x.late) >= mostStrays:
		x.beyond++
		return
	case why == givenBack, why == unentitled:
		i.anomaly = name
	default:
		i.anomaly = j.leak(e)
	}
	if i.anomaly == RightNotEnforced {
		i.said = "messages came before the answer"
	}
	i.setting = j.setting(e, nil)
	if i.setting.phase == "connecting" {
		i.setting.phase = "live"
	}
	i.setting.witness = j.witness(i.anomaly, &i.setting, e.Client, e.Channel)
	if why == givenBack {
		x.late = append(x.late, lateStray{i, released})
		return
	}
	x.leaks = append(x.leaks, i)
}

// excuse says what a client's subscriptions make of a stray delivery.
type excuse uint8

const (
	foreign    excuse = iota // none is to its channel
	givenBack                // all that are were given back, the last when `released` was seen
	excused                  // one may still bring it
	unentitled               // none was ever granted, and the target has refused one
)

// Name is what a delivery is that comes all the same.
func (j *Judge) excuse(e *history.Event) (why excuse, released time.Duration, name Anomaly) {
	if j.rights.given[cursorKey(e.Client, e.Channel)] {
		return excused, 0, NoAnomaly
	}
	weigh := func(state standing, at time.Duration, quick, denied, never bool) {
		switch {
		case why == excused:
		case state != left || at == 0:
			why = excused
		case denied && never && (why == foreign || why == unentitled):
			why, name = unentitled, DeliveredDespiteRefusal
		case denied && never: // another subscription brought it once
		default:
			why = givenBack
			if at > released {
				released, name = at, PostUnsubscribeDelivery
				if denied {
					name = DeliveredDespiteRefusal
				} else if quick {
					name = CommandInversion
				}
			}
		}
	}
	p := j.person(e.Client)
	if at := j.ledger.find(e.Client, e.Channel); at >= 0 {
		c := &j.ledger.all[at]
		switch {
		case c.patterned && (c.granted || c.givenUp): // before a pattern brought it
			weigh(left, c.released, c.quick, c.denied, !c.granted && !c.asksKept)
		case !c.patterned && c.state != idle:
			weigh(c.state, c.released, c.quick, c.denied, !c.granted && !c.asksKept)
		}
	}
	for at := p.claim; at >= 0; at = j.claims.all[at].next {
		if k := &j.claims.all[at]; k.state != idle && j.claims.matches(j, k.pattern, e.Channel) {
			weigh(k.state, k.released, k.quick, k.denied, len(k.windows) == 0)
		}
	}
	return why, released, name
}

// leak names a delivery of a channel that the client has never asked for.
func (j *Judge) leak(e *history.Event) Anomaly {
	name := j.names.Name(int32(e.Channel))
	for at := j.person(e.Client).claim; at >= 0; at = j.claims.all[at].next {
		if near(j.names.Name(int32(j.claims.all[at].pattern)), name) {
			return WildcardOvermatch
		}
	}
	return j.plainLeak(e.Channel)
}

// plainLeak names a leak by the channel alone.
func (j *Judge) plainLeak(ch history.ChannelID) Anomaly {
	if j.want.personal[ch] {
		return CrossTenantLeak
	}
	return CrossChannelLeak
}

// near reports whether a pattern would match a channel if its first wildcard
// stood for anything.
func near(pattern, channel string) bool {
	head, _, ok := strings.Cut(pattern, "*")
	return ok && strings.HasPrefix(channel, head)
}

// judgeStrays decides about what no subscription explains, once all publishers
// are known.
func (s *settlement) judgeStrays() {
	for i, p := range s.parts {
		times := make(map[uint64]int)
		for _, x := range p.strays.leaks {
			times[cursorKey(x.client, x.channel)]++
		}
		for _, x := range p.strays.leaks {
			switch {
			case s.reused(&x):
				x.anomaly = ConnectionIDReuseLeak
			case x.anomaly == WildcardOvermatch && 2*times[cursorKey(x.client, x.channel)] < s.nearby(p, &x):
				x.anomaly = p.plainLeak(x.channel) // a pattern that matched would have brought more
			}
			s.found = append(s.found, found{x, i})
		}
		for _, x := range p.strays.late {
			m := s.publication(x.channel, x.id)
			switch {
			case m == nil:
				s.undecided++
			case m.sent > x.released:
				s.found = append(s.found, found{x.incident, i})
			default:
				s.onTheirWay++
			}
		}
	}
}

// nearby counts what was published on a channel while the client of x was
// subscribed to patterns that come near it. Of a channel that is thinned out so large
// a part of it counts as came to the subscription that has received most.
func (s *settlement) nearby(j *Judge, x *incident) (n int) {
	name := j.names.Name(int32(x.channel))
	if j.shape(x.channel) != nil {
		defer func() { n = s.thinned(x.channel, n) }()
	}
	for at := j.person(x.client).claim; at >= 0; at = j.claims.all[at].next {
		k := &j.claims.all[at]
		if !near(j.names.Name(int32(k.pattern)), name) {
			continue
		}
		for _, w := range k.windows {
			for _, b := range s.channel(x.channel).outboxes {
				last := b.highest() + 1
				if w.close > 0 {
					last = b.after(w.close)
				}
				n += int(last - b.after(w.open))
			}
		}
	}
	return n
}

// thinned is what is left of n publications on a shaped channel.
func (s *settlement) thinned(ch history.ChannelID, n int) int {
	published, most := 0, int64(0)
	for _, b := range s.channel(ch).outboxes {
		published += int(b.highest())
	}
	for _, p := range s.parts {
		for at := range p.ledger.all {
			if c := &p.ledger.all[at]; c.channel == ch {
				most = max(most, c.received)
			}
		}
	}
	if published == 0 {
		return 0
	}
	return n * int(most) / published
}

// reused reports whether the connection that a leak came to has the id of an
// earlier one, whose client was subscribed to the channel.
func (s *settlement) reused(x *incident) bool {
	if s.holders == nil {
		s.holders = make(map[uint64][]holder)
		for _, p := range s.parts {
			for _, h := range p.strays.holders {
				s.holders[h.id] = append(s.holders[h.id], h)
			}
		}
	}
	for _, list := range s.holders {
		for _, mine := range list {
			if mine.client != x.client || mine.life != x.life {
				continue
			}
			for _, h := range list {
				if h.client != x.client && h.since < mine.since && s.subscribed(h.client, x.channel) {
					return true
				}
			}
		}
	}
	return false
}

// subscribed reports whether a client ever was subscribed to a channel.
func (s *settlement) subscribed(client history.ClientID, ch history.ChannelID) bool {
	for _, p := range s.parts {
		if at := p.ledger.find(client, ch); at >= 0 && p.ledger.all[at].everAnswered {
			return true
		}
	}
	return false
}

// isolation judges whether anybody got what was not theirs.
func (s *settlement) isolation(w *want, v *Verdict) {
	t := s.sum(w)
	apart := s.apart(w) + t.withheld
	v.add(true, "deliveries judged", t.received)
	v.add(true, "withheld", apart)
	v.add(false, "unsubscribes", s.releases(w))
	v.add(false, "on their way at an unsubscribe", s.onTheirWay)
	v.add(false, "undecided", s.undecided)
	open := s.refusals(w, v)
	unexpired := s.expired(w, v)
	unrevoked := s.revocations(w, v)
	beyond := int64(0)
	for _, p := range s.parts {
		beyond += p.strays.beyond
	}
	v.add(false, "further strays without detail", beyond)
	orphan := s.sift(w, v, func(*found) bool { return true }, invents)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case t.published == 0 && t.received == 0:
		v.Reason = "not exercised: nothing was published; add a `publish` entry"
	case apart == 0 && w.Promised:
		v.State, v.Reason = NotApplicable, "every client may have every message"
	case apart == 0:
		v.Reason = "not exercised: every client may have every message; add a channel that not everybody subscribes to"
	case s.undecided > 0:
		v.Reason = fmt.Sprintf("%d deliveries came after an unsubscribe and can't be dated, because old publications were given up for memory: raise --memory", s.undecided)
	case open > 0:
		v.Reason = fmt.Sprintf("not exercised: %d of what must be refused was never answered; let its clients stay connected, or look at the errors", open)
	case unrevoked:
		v.Reason = "not exercised: nothing was published to the clients whose rights were taken away; revoke earlier, or publish until the end"
	case unexpired:
		v.Reason = "not exercised: no token ran out while its client was connected; make the `exp` of the group with `renew` shorter than its connections"
	default:
		v.State = Pass
	}
	v.orphaned(orphan)
}

// apart counts the messages that a client was connected for and had no
// subscription to: each had to be withheld from it.
func (s *settlement) apart(w *want) (n int64) {
	for _, c := range s.ordered() {
		if !w.filter.channel(c.id) {
			continue
		}
		published := int64(0)
		for _, b := range c.outboxes {
			published += int64(b.highest())
		}
		if published == 0 {
			continue
		}
		for _, p := range s.parts {
			for id := range p.people {
				who := &p.people[id]
				if who.life > 0 && who.ready && w.filter.client(who) && !p.mayHave(who, history.ClientID(id), c.id) {
					n += published
				}
			}
		}
	}
	return n
}

// mayHave reports whether a client ever asked for a channel.
func (j *Judge) mayHave(p *person, client history.ClientID, ch history.ChannelID) bool {
	if j.ledger.find(client, ch) >= 0 || j.rights.given[cursorKey(client, ch)] {
		return true
	}
	for at := p.claim; at >= 0; at = j.claims.all[at].next {
		if j.claims.matches(j, j.claims.all[at].pattern, ch) {
			return true
		}
	}
	return false
}

// releases counts the unsubscribes that were answered.
func (s *settlement) releases(w *want) (n int64) {
	for _, p := range s.parts {
		for at := range p.ledger.all {
			if c := &p.ledger.all[at]; c.released > 0 && !c.denied && w.filter.channel(c.channel) && w.filter.client(&p.people[c.client]) {
				n++
			}
		}
		for at := range p.claims.all {
			if k := &p.claims.all[at]; k.released > 0 && !k.denied && w.filter.client(&p.people[k.client]) {
				n++
			}
		}
	}
	return n
}

// kept says why a client should not have got something.
func (s *settlement) kept(f *found) string {
	switch f.anomaly {
	case ExpiredTokenAlive:
		return fmt.Sprintf("it was published after the client's token had expired and another %v, which the target promises to need at most, were over", s.j.brief.Promises.Expiry)
	case PostRevocationDelivery:
		return "it was published after the target had confirmed that the client has no rights any more"
	case PostUnsubscribeDelivery, CommandInversion:
		return "it was published after the answer to the unsubscribe was there"
	case RightNotEnforced:
		return "the scenario says that it must be refused"
	case DeliveredDespiteRefusal:
		return "the target has refused the subscription, and no other brings the channel"
	case FilterFalsePositive:
		return "the filter of its subscription keeps it back: " + s.filterText(f.filter)
	case WronglyRefused:
		return "the scenario doesn't say that it must be refused"
	}
	return "the client has subscribed neither to the channel nor to a pattern that matches it"
}
