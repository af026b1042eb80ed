package assert

import (
	"fmt"
	"sort"
	"time"

	"squall/assert/history"
)

// keptCount counts what was judged of retained messages.
type keptCount struct{ owed, given, unseen, undecided int64 }

// keptEnd is the same for one client and channel.
type keptEnd struct {
	part    int
	client  history.ClientID
	channel history.ChannelID
	keptCount
}

// keptChannel is what is known of the retained messages of one channel: those that
// were acknowledged, in the order of their answers, and for each the one that was
// sent last of all up to it.
type keptChannel struct {
	end     *channelEnd
	settled []time.Duration
	latest  []keptMessage
}

type keptMessage struct {
	id   ident
	sent time.Duration
}

// keepers lists the channels that certainly keep something at some time.
func (s *settlement) keepers() (all []*keptChannel) {
	for _, c := range s.ordered() {
		k := &keptChannel{end: c}
		type answer struct {
			at time.Duration
			m  keptMessage
		}
		var answers []answer
		for _, b := range c.outboxes {
			for n := b.gone + 1; n <= b.highest(); n++ {
				if m := b.get(n); m != nil && m.retain && m.known() {
					answers = append(answers, answer{m.settled, keptMessage{ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}, m.sent}})
				}
			}
		}
		if len(answers) == 0 {
			continue
		}
		sort.SliceStable(answers, func(a, b int) bool { return answers[a].at < answers[b].at })
		for i, a := range answers {
			if i > 0 && k.latest[i-1].sent > a.m.sent {
				a.m = k.latest[i-1]
			}
			k.settled, k.latest = append(k.settled, a.at), append(k.latest, a.m)
		}
		all = append(all, k)
	}
	return all
}

// certain is the message, sent last of all, that the channel was certainly told to
// keep before the time at, and that nothing which began before `until` may have taken
// away.
func (s *settlement) certain(k *keptChannel, at, until time.Duration) (m keptMessage, ok bool) {
	i := sort.Search(len(k.settled), func(i int) bool { return k.settled[i] >= at })
	if i == 0 || k.latest[i-1].sent <= s.j.forgottenBefore(until) {
		return m, false
	}
	return k.latest[i-1], true
}

// forgottenBefore is the time from which on the target keeps again what it is told to
// keep: whatever may take its memory away, and began before a time, is over by then.
func (j *Judge) forgottenBefore(until time.Duration) (from time.Duration) {
	from = -1
	for i := range j.outages {
		o := &j.outages[i]
		switch {
		case o.from > until || !o.command && (!o.loses || o.verb == "forget-history"):
		case !o.over:
			return noEnd
		default:
			from = max(from, o.to)
		}
	}
	return from
}

const noEnd = time.Duration(1<<63 - 1)

// keptMargin is how much later than the answer something must have been written that
// proves, by its arrival, that a retained message won't come any more.
const keptMargin = time.Second

// visit names one connection of a client.
type visit struct {
	client history.ClientID
	life   int32
}

// judgeRetained decides about every subscribe, and every retained message that came.
func (s *settlement) judgeRetained() {
	if !s.j.want.retained {
		return
	}
	channels := s.keepers()
	byID := make(map[history.ChannelID]*keptChannel, len(channels))
	for _, k := range channels {
		byID[k.end.id] = k
	}
	for i, p := range s.parts {
		x := &p.retention
		asks := make(map[visit][]*ask)
		given := make(map[visit][]*handout)
		for n := range x.asks {
			a := &x.asks[n]
			asks[visit{a.client, a.life}] = append(asks[visit{a.client, a.life}], a)
		}
		for n := range x.given {
			h := &x.given[n]
			given[visit{h.client, h.life}] = append(given[visit{h.client, h.life}], h)
			s.judgeHandout(i, h, byID[h.channel], asks[visit{h.client, h.life}])
		}
		for n := range x.asks {
			a := &x.asks[n]
			if k := byID[a.topic]; k != nil {
				s.judgeAsk(i, a, k, given[visit{a.client, a.life}])
			} else if p.claims.pattern(p, a.topic) {
				for _, k := range channels {
					if p.claims.matches(p, a.topic, k.end.id) {
						s.judgeAsk(i, a, k, given[visit{a.client, a.life}])
					}
				}
			}
		}
	}
}

// judgeAsk decides whether a subscribe that was owed a retained message was given one.
func (s *settlement) judgeAsk(part int, a *ask, k *keptChannel, given []*handout) {
	until := a.ended
	if until == 0 {
		until = noEnd
	}
	m, ok := s.certain(k, a.sent, until)
	if a.answered == 0 || a.filter > 0 || !ok {
		return
	}
	e := s.keptEnd(part, a.client, k.end.id)
	e.owed++
	for _, h := range given {
		if h.channel == k.end.id && h.seen >= a.sent {
			return
		}
	}
	heard, cut := s.parts[part].proof(a)
	if cut || heard < a.answered+keptMargin {
		e.unseen++
		return
	}
	seen := a.ended
	if seen == 0 {
		seen = max(s.parts[part].people[a.client].probed, heard)
	}
	s.found = append(s.found, found{incident{anomaly: RetainedMissing, client: a.client, channel: k.end.id, epoch: withoutOffsets, life: a.life,
		from: m.id.seq, to: m.id.seq, n: 1, seen: seen, id: m.id, setting: a.setting()}, part})
}

// proof is how late something was written that came to a subscription, which says what
// will not come to it any more; cut tells that a gap may have taken it.
func (j *Judge) proof(a *ask) (heard time.Duration, cut bool) {
	if a.ended > 0 {
		return a.heard, a.cut
	}
	due, came := j.cameLast(a)
	p := &j.people[a.client]
	if p.probeIn == a.life && came+stillArriving <= p.probe {
		due = max(due, p.probe)
	}
	return due, p.gapIn == a.life
}

// judgeHandout decides about one retained message. K is nil where nothing is certainly
// kept.
func (s *settlement) judgeHandout(part int, h *handout, k *keptChannel, asks []*ask) {
	p := s.parts[part]
	var a *ask
	for _, x := range asks {
		if (x.topic == h.channel || p.claims.pattern(p, x.topic) && p.claims.matches(p, x.topic, h.channel)) && x.sent <= h.seen && (a == nil || x.sent < a.sent) {
			a = x
		}
	}
	if a == nil || h.corrupt {
		return // no subscribe of this connection brings it: see isolation; or it is no message of ours
	}
	e := s.keptEnd(part, h.client, h.channel)
	var q keptMessage
	certain := false
	if k != nil && a.filter == 0 {
		q, certain = s.certain(k, a.sent, h.seen)
	}
	i := incident{client: h.client, channel: h.channel, epoch: withoutOffsets, life: h.life, from: h.id.seq, to: h.id.seq, n: 1, seen: h.seen, id: h.id, setting: a.setting()}
	m := s.publication(h.channel, h.id)
	switch {
	case h.id.seq == 0 && !certain:
		return // left over from before this run, or somebody else's
	case h.id.seq == 0 && (s.j.brief.Promises.Foreign == nil || *s.j.brief.Promises.Foreign):
		e.undecided++
		return
	case h.id.seq == 0:
		i.anomaly, i.other = RetainedStale, q.id
	case m == nil && s.gaveUp(h):
		e.undecided++ // given up for memory
		return
	case m == nil || m.result == history.Failed:
		i.anomaly = PhantomMessage
	case !m.retain:
		i.anomaly = RetainedUnasked
	case certain && m.known() && !m.retried && m.settled < q.sent:
		if h.resumed {
			e.undecided++
			return
		}
		i.anomaly, i.other = RetainedStale, q.id
	}
	e.given++
	if i.anomaly != NoAnomaly {
		s.found = append(s.found, found{i, part})
	}
}

// gaveUp reports whether the publication of a retained message was given up for memory.
func (s *settlement) gaveUp(h *handout) bool {
	c := s.channels[h.channel]
	if c == nil {
		return false
	}
	b := c.outbox(h.id)
	return b != nil && h.id.seq <= b.gone
}

func (a *ask) setting() setting {
	x := setting{phase: "subscribing", fault: a.fault, witness: -1}
	if a.fault != 0 {
		x.ago = a.sent - a.faultAt
	}
	return x
}

func (s *settlement) keptEnd(part int, c history.ClientID, ch history.ChannelID) *keptCount {
	key := cursorKey(c, ch)
	i, ok := s.handedOf[key]
	if !ok {
		if s.handedOf == nil {
			s.handedOf = make(map[uint64]int)
		}
		i = len(s.handed)
		s.handed = append(s.handed, keptEnd{part: part, client: c, channel: ch})
		s.handedOf[key] = i
	}
	return &s.handed[i].keptCount
}

// handedWhat says what is wrong with a retained message, or with its absence.
func (s *settlement) handedWhat(f *found) string {
	ch := s.j.names.Name(int32(f.channel))
	switch f.anomaly {
	case RetainedMissing:
		return fmt.Sprintf("nothing of what %s keeps came: %s, or a later one", ch, s.message(f.id))
	case RetainedStale:
		return fmt.Sprintf("%s keeps %s, and gave out %s", ch, s.message(f.other), s.message(f.id))
	}
	return fmt.Sprintf("%s gave out %s", ch, s.message(f.id))
}

// handedWhy says why nothing excuses it.
func (s *settlement) handedWhy(f *found) []string {
	switch f.anomaly {
	case RetainedMissing:
		return []string{"the publication was acknowledged before the subscribe was sent",
			fmt.Sprintf("what the server wrote %v after its answer, or later, has come", keptMargin)}
	case RetainedStale:
		return []string{"the newer one was acknowledged before the subscribe was sent", "and it was sent after the older one had been acknowledged"}
	}
	return []string{"its publisher did not ask for that: it was published without `retain: true`"}
}
