package assert

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"squall/assert/history"
)

// viewer judges one view.
type viewer struct {
	s      *settlement
	w      *want
	number int
	part   int
	v      *view
	room   *room
	ticks  []instant
	sums   *presenceSums
	held   map[history.MemberID]holding
	first  *roster
}

// holding is what a view says of a user.
type holding struct {
	in      bool
	flapped bool // he was said to leave, and stays
	listed  bool // by the first list
	serial  int32
	after   time.Duration // it was told after that
	seen    time.Duration
}

// holds is what the view says of a user now.
func (c *viewer) holds(m history.MemberID) holding {
	if h, ok := c.held[m]; ok {
		return h
	}
	return holding{listed: true, serial: c.first.serial, after: c.first.due, seen: c.first.seen}
}

// known reports whether it is known whose a name is, or at least that it is nobody's.
func (c *viewer) known(m history.MemberID) bool {
	return c.room.users[m] != nil || !c.s.j.brief.Strangers
}

const noSerial = 1<<31 - 1

func (c *viewer) judge(x *presences) {
	v := c.v
	if v.answered == 0 && len(v.rosters) == 0 {
		return
	}
	c.sums.views++
	if len(v.rosters) == 0 {
		c.unlisted()
		return
	}
	c.first = &v.rosters[0]
	c.held = make(map[history.MemberID]holding)
	c.sums.lists += int64(len(v.rosters))
	for _, m := range x.members[c.first.from:c.first.to] {
		if !c.known(m) {
			c.sums.strangers++
			continue
		}
		c.held[m] = holding{in: true, listed: true, serial: c.first.serial, after: c.first.due, seen: c.first.seen}
	}
	next := 1
	for i := range v.moves {
		m := &v.moves[i]
		if m.serial < c.first.serial { // before the list: it says the same
			continue
		}
		for ; next < len(v.rosters) && v.rosters[next].serial < m.serial; next++ {
			c.compare(x, &v.rosters[next])
		}
		if c.blind(m.serial) {
			return
		}
		c.sums.moves++
		c.sums.went, c.sums.came = c.sums.went || m.gone, c.sums.came || !m.gone
		if !c.known(m.member) {
			c.sums.strangers++
			continue
		}
		c.move(m)
	}
	for ; next < len(v.rosters); next++ {
		c.compare(x, &v.rosters[next])
	}
	if c.blind(noSerial) {
		return
	}
	var last *roster
	if len(v.rosters) > 1 {
		last = &v.rosters[len(v.rosters)-1]
		c.sums.last++
		c.weigh(last)
	} else if v.last {
		c.sums.unlisted++
	}
	c.rest(x, last)
}

// apart reports whether lists and what is told of changes come each in an order of its
// own, so that one may be ahead of the other: then each is held against what is true alone.
func (c *viewer) apart() bool { return c.s.j.brief.Apart }

// blind reports whether an announced gap stands before a serial.
func (c *viewer) blind(serial int32) bool { return c.v.gap > 0 && serial >= c.v.gap }

// unlisted judges a view that has got no list.
func (c *viewer) unlisted() {
	for _, t := range c.ticks {
		if c.v.answered > 0 && t.sent >= c.v.answered+c.w.Within && !c.struck(c.v.asked, t.seen) {
			a := MemberMissing
			if c.v.again {
				a = PresenceNotRestored
			}
			c.report(a, -1, t.seen, true, fmt.Sprintf("no list of who is there came behind the answer at %v; at %v the target had answered what was sent at %v", round(c.v.answered), round(t.seen), round(t.sent)))
			return
		}
	}
	if c.v.last {
		c.sums.unlisted++
	}
}

// weigh counts what the last list proves.
func (c *viewer) weigh(l *roster) {
	for _, id := range c.room.order {
		u := c.room.users[id]
		switch {
		case u.surely(l.due-c.w.Within, l.seen):
			c.sums.sure++
		case u.ever(l.seen) && !u.possibly(l.due-c.w.Within, l.seen):
			c.sums.gone++
		}
	}
}

// move takes one who comes or goes.
func (c *viewer) move(m *move) {
	h, u := c.holds(m.member), c.room.users[m.member]
	now := holding{in: !m.gone, serial: m.serial, after: m.after, seen: m.seen}
	switch {
	case h.in == now.in && h.flapped: // that he leaves at last
		now.flapped = true
	case h.in == now.in:
		c.twice(m, h, u)
	case m.gone:
		if t, wrong := c.contradicts(u, &h, m.serial); wrong && !u.asked(t.seen, m.seen) {
			c.wrong(PresenceLate, m.member, t, "is said to leave only at "+round(m.seen).String())
		} else if wrong { // he had come again meanwhile, and that is what he leaves from
			c.ghost(m.member, u, t, "is said to be there")
		}
		if from := m.after - c.w.Within; u.surely(from, m.seen) && !c.struck(from, m.seen) {
			now.flapped = true
			c.report(PresenceFlap, m.member, m.seen, true, fmt.Sprintf("%s is said to leave at %v, who was there from %v at the latest until %v at least", c.name(m.member), round(m.seen), round(from), round(m.seen)))
		}
	case !u.ever(m.seen):
		c.wrong(PhantomMember, m.member, instant{sent: m.after, seen: m.seen}, "is said to come")
	case !h.flapped:
		if t, wrong := c.contradicts(u, &h, m.serial); wrong && !u.asked(t.seen, m.seen) {
			c.wrong(PresenceLate, m.member, t, "is said to come only at "+round(m.seen).String())
		} else if wrong {
			c.wrong(c.missing(u, t.seen), m.member, t, "is not said to be there")
		}
	}
	c.held[m.member] = now
}

// ghost reports a user who is said to be there, and is not.
func (c *viewer) ghost(m history.MemberID, u *resident, t instant, what string) {
	a := GhostPresence
	if !u.ever(t.seen) {
		a = PhantomMember
	}
	c.wrong(a, m, t, what)
}

// twice names that somebody comes who is there, or goes who is not.
func (c *viewer) twice(m *move, h holding, u *resident) {
	again := u.asked(h.seen, m.seen)
	if m.gone && h.listed {
		again = u.entered(h.after, m.seen)
	}
	verb := "come"
	if m.gone {
		verb = "leave"
	}
	if c.struck(h.after-c.w.Within, m.seen) {
		return
	}
	if again {
		c.report(PresenceDiffRace, m.member, m.seen, false, fmt.Sprintf("%s is said to %s at %v, and what he had done before, since %v, was not told", c.name(m.member), verb, round(m.seen), round(h.seen)))
		return
	}
	c.report(PresenceRepeated, m.member, m.seen, false, fmt.Sprintf("%s is said to %s at %v, as was known since %v", c.name(m.member), verb, round(m.seen), round(h.seen)))
}

// contradicts looks for a moment, before another serial, at which what the view says of a
// user is not true.
func (c *viewer) contradicts(u *resident, h *holding, before int32) (instant, bool) {
	within := c.w.Within
	look := func(from, to time.Duration) (instant, bool) {
		i := sort.Search(len(c.ticks), func(i int) bool { return c.ticks[i].serial >= h.serial && c.ticks[i].sent-within >= from })
		for ; i < len(c.ticks) && c.ticks[i].serial < before && c.ticks[i].seen <= to; i++ {
			if t := c.ticks[i]; !c.struck(t.sent-within, t.seen) {
				return t, true
			}
		}
		return instant{}, false
	}
	switch {
	case !h.in && u == nil:
	case !h.in:
		for _, s := range u.sure {
			if t, ok := look(s.a, s.b-1); ok {
				return t, true
			}
		}
	case u == nil:
		return look(-within, noEnd)
	default:
		from := -within
		for _, s := range u.may {
			if t, ok := look(from, s.a-1); ok {
				return t, true
			}
			if from = s.b; from == noEnd {
				return instant{}, false
			}
			from++
		}
		return look(from, noEnd)
	}
	return instant{}, false
}

// compare holds a list against what the view says.
func (c *viewer) compare(x *presences, l *roster) {
	if c.blind(l.serial) {
		return
	}
	named := make(map[history.MemberID]bool, l.to-l.from)
	at := instant{serial: l.serial, sent: l.due, seen: l.seen}
	from := l.due - c.w.Within
	for _, m := range x.members[l.from:l.to] {
		named[m] = true
		h, u := c.holds(m), c.room.users[m]
		switch {
		case !c.known(m):
			c.sums.strangers++
		case h.in || h.flapped || c.struck(min(from, h.after-c.w.Within), l.seen):
		case !u.possibly(from, l.seen):
			c.ghost(m, u, at, "is listed")
		case c.apart():
		default:
			c.report(PresenceDiffRace, m, l.seen, false, fmt.Sprintf("%s is in the list that was asked for at %v, and was not said to come since %v", c.name(m), round(l.due), round(h.seen)))
		}
	}
	for _, m := range sorted(c.held) {
		h, u := c.held[m], c.room.users[m]
		switch {
		case !h.in || named[m] || c.struck(min(from, h.after-c.w.Within), l.seen):
		case u.surely(from, l.seen):
			c.wrong(c.missing(u, l.seen), m, at, "is not listed")
		case c.apart():
		default:
			c.report(PresenceDiffRace, m, l.seen, false, fmt.Sprintf("%s is not in the list that was asked for at %v, and was not said to leave since %v", c.name(m), round(l.due), round(h.seen)))
		}
	}
}

// missing is the name for a user who is there and not said to be.
func (c *viewer) missing(u *resident, at time.Duration) Anomaly {
	if u.returned(at) {
		return PresenceNotRestored
	}
	return MemberMissing
}

// rest judges what the view says at its end. Where its last list says otherwise that was
// told.
func (c *viewer) rest(x *presences, last *roster) {
	var named map[history.MemberID]bool
	if last != nil {
		named = make(map[history.MemberID]bool, last.to-last.from)
		for _, m := range x.members[last.from:last.to] {
			named[m] = true
		}
	}
	for _, m := range sorted(c.held) {
		if h := c.held[m]; h.in && (last == nil || c.apart() || named[m]) {
			c.ended(m, c.room.users[m], h, last)
		}
	}
	for _, m := range c.room.order {
		if h := c.holds(m); !h.in && !h.flapped && (last == nil || c.apart() || !named[m]) {
			c.ended(m, c.room.users[m], h, last)
		}
	}
}

// ended judges what the view says of a user at its end.
func (c *viewer) ended(m history.MemberID, u *resident, h holding, last *roster) {
	t, wrong := c.contradicts(u, &h, noSerial)
	if !wrong {
		return
	}
	a, what := GhostPresence, "is said to be there"
	switch {
	case !h.in:
		a, what = c.missing(u, t.seen), "is not said to be there"
	case !u.ever(t.seen):
		a = PhantomMember
	}
	from := c.first.due - c.w.Within
	badly := h.listed && (h.in && !u.possibly(from, c.first.seen) || !h.in && u.surely(from, c.first.seen)) // so the list was wrong
	if last == nil && a != PhantomMember && !badly && c.elsewhere(m, h.in, u, t) {
		c.report(PresenceDiffRace, m, t.seen, false, fmt.Sprintf("%s %s to the end, since %v, and others have got a list that says otherwise", c.name(m), what, round(h.seen)))
		return
	}
	c.wrong(a, m, t, what)
}

// elsewhere reports whether somebody got a list that was right about a user of whom this
// view was wrong at a moment, while the user stayed, or stayed away.
func (c *viewer) elsewhere(m history.MemberID, in bool, u *resident, t instant) bool {
	for _, l := range c.room.lists {
		from, to := min(l.due, t.sent)-c.w.Within, max(l.end, t.seen)
		if in && u.possibly(from, to) || !in && !u.surely(from, to) || l.end < c.first.seen {
			continue
		}
		if _, named := slices.BinarySearch(l.members, m); named != in {
			return true
		}
	}
	return false
}

func (c *viewer) struck(from, to time.Duration) bool {
	return c.s.j.struck(from, to) || c.s.j.commanded(max(from, 0), to) != nil
}

func (c *viewer) name(m history.MemberID) string {
	return fmt.Sprintf("%q", c.s.j.names.Name(int32(m)))
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// wrong reports that what is said of a user at a moment is not true.
func (c *viewer) wrong(a Anomaly, m history.MemberID, t instant, what string) {
	c.report(a, m, t.seen, true, fmt.Sprintf("%s %s at %v, told after %v", c.name(m), what, round(t.seen), round(t.sent)))
}

// mostPresence bounds the findings of one expectation that are kept.
const mostPresence = 1 << 16

func (c *viewer) report(a Anomaly, m history.MemberID, seen time.Duration, timed bool, said string) {
	if len(c.s.found) >= mostPresence+mostIncidents {
		c.s.overflow[a]++
		return
	}
	i := incident{
		anomaly: a, late: timed, client: c.v.client, channel: c.v.channel, epoch: withoutOffsets, life: c.v.life, n: 1, seen: seen,
		entry: c.number, member: m, said: said, setting: setting{phase: "live", witness: -1},
	}
	if p := &c.s.parts[c.part].people[c.v.client]; p.fault != 0 && p.faultAt <= seen {
		i.setting.fault, i.setting.ago = p.fault, seen-p.faultAt
	}
	c.s.found = append(c.s.found, found{i, c.part})
}
