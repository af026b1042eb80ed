package assert

import (
	"fmt"
	"math"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// Aggregate: a target that sends sums instead of messages loses nothing of them, and
// counts nothing twice. What a subscription has received, added up by key, is compared
// with what was published:
//
//   - Never more than all that may have taken effect: what was acknowledged, and what has
//     no outcome. What was refused counts nothing. That holds of every subscription at any
//     time, whenever it began: each sum is one of messages that no other sum holds.
//   - No less than what was acknowledged, where a subscription was answered before the
//     first message was sent and has missed nothing since: it stayed, or recovered each
//     time, without a notice of a gap, and has answered a probe that was sent when the
//     last window was long over.
//
// Each sum counts once, by its offset. Where all keys together are right, and one has too
// little, something was added to another key than its own.

// entries is what was published of one key.
type entries struct {
	sure         scenario.Amount // acknowledged
	more, less   scenario.Amount // without an outcome: what is above and below 0
	plus, minus  scenario.Amount // the same of all, acknowledged or not
	high, low    bool            // one that is above, or below, 0 may count more than once
	publications int64
}

// account is what was published on one channel.
type account struct {
	keys    map[history.KeyID]*entries
	all     entries
	first   time.Duration // when the first message was sent
	settled time.Duration // when the last one was with the target
	acked   int64
	unknown int64
	refused int64
	vague   bool // something was published of which nobody knows what it adds
	began   bool
}

// account adds up what was published on a channel.
func (s *settlement) account(c *channelEnd, book int32) *account {
	key := accountKey{c.id, book}
	if a := s.accounts[key]; a != nil {
		return a
	}
	a := &account{keys: make(map[history.KeyID]*entries)}
	for _, b := range c.outboxes {
		a.vague = a.vague || b.gone > 0
		for n := b.gone + 1; n <= b.highest(); n++ {
			if m := b.get(n); m != nil {
				_, sure := s.era(m)
				a.enter(m, b.booking(book, n), m.retried && !sure)
			}
		}
	}
	if s.accounts == nil {
		s.accounts = make(map[accountKey]*account)
	}
	s.accounts[key] = a
	return a
}

type accountKey struct {
	channel history.ChannelID
	book    int32
}

// enter adds one publication. It may count more than once if it was sent again and the
// target has lost its memory, and so of the key, meanwhile.
func (a *account) enter(m *publication, x booking, again bool) {
	if !a.began || m.sent < a.first {
		a.first, a.began = m.sent, true
	}
	a.settled = max(a.settled, m.sent, m.settled)
	switch {
	case m.result == history.Failed:
		a.refused++
		return
	case m.known():
		a.acked++
	default:
		a.unknown++
	}
	if !x.made {
		a.vague = true
		return
	}
	e := a.keys[x.key]
	if e == nil {
		e = &entries{}
		a.keys[x.key] = e
	}
	for _, e := range []*entries{e, &a.all} {
		e.publications++
		e.high, e.low = e.high || again && x.amount > 0, e.low || again && x.amount < 0
		into := []*scenario.Amount{&e.plus}
		if x.amount < 0 {
			into[0] = &e.minus
		}
		switch {
		case m.known():
			into = append(into, &e.sure)
		case x.amount < 0:
			into = append(into, &e.less)
		default:
			into = append(into, &e.more)
		}
		for _, to := range into {
			sum, ok := to.Plus(x.amount)
			if !ok {
				a.vague = true
			}
			*to = sum
		}
	}
}

// of is what was published of a key.
func (a *account) of(key history.KeyID) entries {
	if e := a.keys[key]; e != nil {
		return *e
	}
	return entries{}
}

// standingOf is what can be said of a subscription to a channel of sums.
type standingOf uint8

const (
	partly  standingOf = iota // it need not have everything
	wholly                    // it must have everything
	openEnd                   // whether all has come nobody can say
)

// sumStanding says whether a subscription must have received everything.
func (s *settlement) sumStanding(part int, c *cursor, a *account, shape *scenario.Shape) standingOf {
	p := s.parts[part]
	who := &p.people[c.client]
	since, lives := s.heldSince(part, c)
	had := c.past()
	switch {
	case c.positioned && c.chain < 0, had.waived+had.emptied+had.doubted > 0: // it was told that something won't come
		return partly
	case !lives || !a.began || since >= a.first || p.filters(c) || who.outlived > 0 || s.promises(c.channel).Delivery == "at-most-once":
		return partly
	case who.probeIn != who.life || who.probe < a.settled+shape.Longest()+settleSlack || c.lastSeen+stillArriving > who.probe:
		return openEnd
	case s.j.commanded(a.first, who.probe) != nil:
		return openEnd
	}
	return wholly
}

// miscount compares what a subscription has received with what was published.
func (a *account) miscount(x *summed, st standingOf) (an Anomaly, key history.KeyID, low, high scenario.Amount) {
	bounds := func(e entries) (low, high scenario.Amount) {
		if low, high = e.minus, e.plus; st == wholly {
			low, high = e.sure+e.less, e.sure+e.more
		}
		if e.low {
			low = math.MinInt64
		}
		if e.high {
			high = math.MaxInt64
		}
		return low, high
	}
	var total scenario.Amount
	var under, over bool
	for k, sum := range x.amounts {
		total += sum
		if lo, hi := bounds(a.of(k)); sum < lo || sum > hi {
			under, over = under || sum < lo, over || sum > hi
			if an == NoAnomaly || k < key {
				an, key, low, high = AggregateLost, k, lo, hi
			}
		}
	}
	if st == wholly {
		for k, e := range a.keys {
			lo, hi := bounds(*e)
			if _, had := x.amounts[k]; had || lo <= 0 && hi >= 0 {
				continue
			}
			under, over = under || lo > 0, over || hi < 0
			if an == NoAnomaly || k < key {
				an, key, low, high = AggregateLost, k, lo, hi
			}
		}
	}
	lo, hi := bounds(a.all)
	switch {
	case an == NoAnomaly:
	case under && lo <= total && total <= hi: // all together are right
		an = AggregateMisattributed
	case over && (!under || total > hi):
		an = AggregateOvercounted
	}
	return an, key, low, high
}

// sumIncident is the incident of a subscription that has received something else than was
// published.
func (s *settlement) sumIncident(part int, c *cursor, a *account, x *summed, st standingOf) (incident, bool) {
	an, key, low, high := a.miscount(x, st)
	if an == NoAnomaly {
		return incident{}, false
	}
	p := &s.parts[part].people[c.client]
	i := incident{
		anomaly: an, client: c.client, channel: c.channel, epoch: withoutOffsets, life: p.life, n: 1, entry: -1, seen: max(p.probed, c.lastSeen),
		setting: setting{phase: "draining", fault: p.fault, witness: -1},
	}
	if p.fault != 0 {
		i.setting.ago = i.seen - p.faultAt
	}
	what := fmt.Sprintf("%v were published", low)
	switch {
	case st != wholly:
		what = fmt.Sprintf("no more than %v were published", high)
		if x.amounts[key] < low {
			what = fmt.Sprintf("no less than %v were published", low)
		}
	case high > low:
		what = fmt.Sprintf("%v to %v were published", low, high)
	}
	i.said = fmt.Sprintf("%v of %q, where %s", x.amounts[key], s.j.names.Name(int32(key)), what)
	return i, true
}

// sumCounts is what an expectation about sums has to go by.
type sumCounts struct {
	channels, subscriptions     int64
	acked, unknown, refused     int64
	whole, returned, part, open int64
	messages, replayed          int64
	overflow                    int64
	unbounded                   int64 // of whole: more may lawfully have come, since what was sent again may count twice
	condensed                   bool  // some subscription got fewer sums than there were messages
	vague                       bool
}

// judgeSums compares what subscriptions have received with what was published, for each
// expectation about sums.
func (s *settlement) judgeSums() {
	for number := range s.j.want.all {
		if w := &s.j.want.all[number]; w.Rule == scenario.Aggregate {
			if s.sums == nil {
				s.sums = make(map[int]*sumCounts)
			}
			s.sums[number] = s.sumUp(w, number)
		}
	}
}

// sumShape is the shape of a channel of sums that an expectation is about; nil: it is not.
func (s *settlement) sumShape(w *want, ch history.ChannelID) *scenario.Shape {
	if x := s.j.shape(ch); x != nil && x.Kind == scenario.Aggregate && w.filter.channel(ch) {
		return x
	}
	return nil
}

func (s *settlement) sumUp(w *want, number int) *sumCounts {
	t := &sumCounts{}
	book := int32(w.Number)
	for _, c := range s.ordered() {
		if s.sumShape(w, c.id) == nil {
			continue
		}
		a := s.account(c, book)
		t.channels++
		t.acked, t.unknown, t.refused, t.vague = t.acked+a.acked, t.unknown+a.unknown, t.refused+a.refused, t.vague || a.vague
	}
	again := s.sumsAgain(w, number)
	whole := make(map[history.ChannelID]Anomaly) // what those who must have everything show
	var parts []found
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			shape := s.sumShape(w, c.channel)
			if shape == nil || !c.everAnswered || !w.filter.client(&p.people[c.client]) {
				continue
			}
			t.subscriptions++
			x := &summed{}
			if at < len(p.sums.of) && p.sums.of[at] != nil {
				x = p.sums.of[at]
			}
			t.messages, t.replayed = t.messages+x.messages, t.replayed+x.replayed
			a := s.account(s.channel(c.channel), book)
			st := s.sumStanding(i, c, a, shape)
			switch {
			case a.vague:
				continue
			case x.overflow || x.loose || !c.positioned && s.promises(c.channel).Delivery == "at-least-once":
				t.overflow++ // a sum may lawfully come again, and nothing tells
				continue
			case st == wholly:
				t.whole++
				if c.past().returns > 0 {
					t.returned++
				}
				t.condensed = t.condensed || x.messages < a.acked
			case st == openEnd:
				t.open++
			default:
				t.part++
			}
			f, wrong := s.sumIncident(i, c, a, x, st)
			if !wrong {
				if st == wholly && (a.all.high || a.all.low) {
					t.unbounded++
				}
				continue
			}
			if f.entry = number; st == wholly {
				whole[c.channel] = f.anomaly
				s.found = append(s.found, found{f, i})
			} else {
				parts = append(parts, found{f, i})
			}
		}
	}
	for _, f := range parts {
		if f.anomaly = AggregateOvercounted; whole[f.channel] != NoAnomaly {
			f.anomaly = whole[f.channel]
		}
		s.found = append(s.found, f)
	}
	s.found = append(s.found, again...)
	return t
}

// sumsAgain are the sums that came twice, at one offset: who adds up what comes counts them
// twice.
func (s *settlement) sumsAgain(w *want, number int) (all []found) {
	for i := range s.found {
		f := s.found[i]
		if f.anomaly.Define().harm != repeats || f.inLog || s.sumShape(w, f.channel) == nil || s.promises(f.channel).Delivery == "at-least-once" {
			continue
		}
		f.said, f.anomaly, f.entry = "it came again: "+f.anomaly.String(), AggregateOvercounted, number
		all = append(all, f)
	}
	return all
}

// aggregate judges whether sums conserve what was published.
func (s *settlement) aggregate(w *want, number int, v *Verdict) {
	t := s.sums[number]
	v.add(true, "publications added up", t.acked)
	v.add(false, "refused, which count nothing", t.refused)
	v.add(true, "unknown publications", t.unknown)
	v.add(true, "sums received", t.messages)
	v.add(false, "of these replayed", t.replayed)
	v.add(true, "subscriptions", t.subscriptions)
	v.add(true, "that must have everything", t.whole)
	v.add(false, "of these after a recovery", t.returned)
	v.add(false, "of these that may have too much", t.unbounded)
	v.add(false, "that may have a part", t.part)
	v.add(true, "unseen", t.open)
	v.add(false, "of which nothing can be said", t.overflow)
	unfit := s.unfit(int32(w.Number))
	s.sift(w, v, func(f *found) bool { return f.entry == number || f.anomaly == NotAggregated }, 0)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case t.channels == 0 && !s.promisesShape(w):
		v.State = NotApplicable
		v.Reason = "the target promises no aggregate for these channels: write it under `target.gateway`, or under `target.promises.channels`"
	case t.subscriptions == 0:
		v.Reason = "not exercised: no subscription was answered"
	case unfit.n > 0:
		v.Reason = fmt.Sprintf("%d publications can't be added up: %s", unfit.n, unfit.why)
	case t.vague:
		v.Reason = "what was published can't be added up: it is more than the judge remembers, or than a sum can be; raise --memory, or publish less"
	case t.acked == 0:
		v.Reason = "not exercised: no publication was acknowledged there"
	case t.whole == 0 && t.overflow > 0:
		v.Reason = fmt.Sprintf("of %d subscriptions nothing can be said: a sum may come again there, and no offset tells, or there were too many keys", t.overflow)
	case t.whole == 0 && t.open == 0:
		v.Reason = "not exercised: no subscription was answered before the first message and missed nothing since; let clients subscribe with recover: true and stay until the end"
	case t.whole > 0 && !t.condensed:
		v.Reason = "not exercised: nothing had to be added up; raise the publish rate"
	default:
		v.State = Pass
		bad := t.open + t.overflow
		switch {
		case t.unknown*100 > t.acked+t.unknown:
			v.State = Inconclusive
			v.Reason = fmt.Sprintf("of %d publications %d have no outcome, and may hide what is wrong: fewer publishers among the victims would settle it", t.acked+t.unknown, t.unknown)
		case t.unbounded*100 > t.whole:
			v.State = Inconclusive
			v.Reason = fmt.Sprintf("of %d subscriptions that must have everything %d may have more than that: something was sent again when the target may have lost its memory, and may count twice; fewer publishers among the victims would settle it", t.whole, t.unbounded)
		case bad*100 > t.whole+bad:
			v.State = Inconclusive
			v.Reason = fmt.Sprintf("of %d subscriptions that must have everything it is unseen of %d whether it came: a longer `drain.timeout`, or clients that read faster, would settle it", t.whole+bad, bad)
		}
	}
}

// uncounted says why nothing excuses that.
func (s *settlement) uncounted(f *found) (out []string) {
	switch {
	case f.anomaly == NotAggregated:
		return append(out, "the target promises to send sums on this channel")
	case f.came || f.epoch != withoutOffsets:
		return append(out, "each sum may be received once")
	}
	p := &s.parts[f.part].people[f.client]
	if f.anomaly != AggregateOvercounted {
		out = append(out, "it was subscribed before the first message was sent, and the server announced no gap", fmt.Sprintf("its connection answered a probe that was sent at %v", p.probe.Round(time.Millisecond)))
	}
	return append(out, "what was acknowledged counts, what has no outcome may count, and what was refused counts nothing")
}
