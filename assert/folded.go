package assert

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// State by key. With fold: merge the last message of each key is its row, and a
// subscription ends on the rows that were published; with fold: sum the numbers of all
// messages add up by key, each message once, and it ends on the published sums. What
// publications are in the book of the expectation is known (books.go), so what a
// subscription has received says what it ends on.
//
//   - merge: of each key it has a message that may be the last of the key. That is judged
//     as for a whole channel (final.go), and offsets, where they are known, tell which of
//     several. A key whose last message takes it away may as well never have come.
//     Where only such messages are missing, and others came, that is tombstone-lost;
//     otherwise state-diverged.
//   - sum: what it lacks of the messages that the target is known to have comes to nothing.
//     Messages whose outcome is unknown, and that nobody received, may count or not; once
//     received they count. Only a subscription that has been there, or has recovered all
//     that it missed, since before the first publication of the channel has a known base.
//
// A delivered payload that is not the published one is wrong by itself (payload-altered):
// whoever adds it up comes to something else. The driver compares (driver/transform.go).

// mostKeys is how many keys a book can have on one channel.
const mostKeys = 1 << 16

// folded is what the publications of a channel come to, by one book.
type folded struct {
	boxes []foldedBox
	rows  map[history.KeyID]*row
	keys  []history.KeyID // of the rows, ascending
	first time.Duration   // when the first one was sent that may have taken effect
	any   bool
	short bool // some are no longer known, or their sums are too large
	many  bool // more keys than can be kept
}

// foldedBox is one outbox with the bits of its messages that the target is known to have.
type foldedBox struct {
	*outbox
	known []uint64 // bit n−1 of message n
}

// row is the end of one key.
type row struct {
	final
	list []ident // of the messages that the target is known to have, those that may be the last
	gone bool    // that takes the key away
	seen int     // messages of the key
	sum  scenario.Amount
}

type foldKey struct {
	book    int
	channel history.ChannelID
}

// fold finds what the publications of a channel come to.
func (s *settlement) fold(book int, ch *channelEnd) *folded {
	at := foldKey{book, ch.id}
	if x := s.folds[at]; x != nil {
		return x
	}
	x := &folded{rows: make(map[history.KeyID]*row)}
	order := s.promises(ch.id).Order
	ordered := order != "" && order != "none"
	each := func(b *outbox, f func(n uint64, m *publication, id ident, is booking)) {
		for n := b.gone + 1; n <= b.highest(); n++ {
			m := b.get(n)
			if m == nil || m.result == history.Failed {
				continue
			}
			is := b.booking(int32(book), n)
			if !x.any || m.sent < x.first {
				x.any, x.first = true, m.sent
			}
			if is.made && (m.known() || ch.received(b, n)) {
				f(n, m, ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}, is)
			}
		}
	}
	for _, b := range ch.outboxes {
		box := foldedBox{b, make([]uint64, (b.highest()+63)/64)}
		x.short = x.short || b.gone > 0
		each(b, func(n uint64, m *publication, id ident, is booking) {
			box.known[(n-1)/64] |= 1 << ((n - 1) % 64)
			r := x.rows[is.key]
			if r == nil {
				if len(x.rows) == mostKeys {
					x.many = true
					return
				}
				r = &row{final: final{channel: ch, ordered: ordered, last: make(map[int64]lastKnown, 1)}}
				x.rows[is.key] = r
			}
			r.seen++
			sum, ok := r.sum.Plus(is.amount)
			r.sum, x.short = sum, x.short || !ok
			if r.last[id.stream()] = (lastKnown{n, m.life}); !r.known || m.sent > r.sent {
				r.known, r.newest, r.sent, r.gone = true, id, m.sent, is.gone
			}
		})
		x.boxes = append(x.boxes, box)
	}
	for _, b := range ch.outboxes {
		each(b, func(_ uint64, _ *publication, id ident, is booking) {
			if r := x.rows[is.key]; r != nil && s.admits(&r.final, id) {
				r.list = append(r.list, id)
			}
		})
	}
	x.keys = sorted(x.rows)
	places := s.onlyPlaces(ch)
	for _, r := range x.rows {
		if len(r.list) < 2 {
			continue
		}
		last, known := r.list[0], true
		for _, id := range r.list {
			if known = known && places[id] > 0; places[id] > places[last] {
				last = id
			}
		}
		if known {
			r.list = []ident{last}
			r.newest, r.gone = last, ch.outbox(last).booking(int32(book), last.seq).gone
			r.sent = s.publication(ch.id, last).sent
		}
	}
	if s.folds == nil {
		s.folds = make(map[foldKey]*folded)
	}
	s.folds[at] = x
	return x
}

// onlyPlaces are the offsets of the messages of a channel that has had one epoch, as far
// as they are known; none where it had several.
func (s *settlement) onlyPlaces(ch *channelEnd) map[ident]uint64 {
	epoch, n := withoutOffsets, 0
	for _, g := range ch.logs {
		if g.epoch != withoutOffsets && (n == 0 || g.epoch != epoch) {
			epoch, n = g.epoch, n+1
		}
	}
	if n != 1 || len(s.renewed) > 0 {
		return nil
	}
	places := make(map[ident]uint64)
	for _, l := range s.lots(ch, epoch) {
		if l.known && !l.id.fence {
			places[l.id] = l.offset
		}
	}
	return places
}

// folded judges what subscriptions end on, key by key.
func (s *settlement) folded(w *want, v *Verdict) {
	t := endings{owned: make(map[Anomaly]int64)}
	var rows, returned int64
	var short, many bool
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if !c.everAnswered || !w.covers(p, c) {
				continue
			}
			t.subscriptions++
			x := s.fold(w.Number, s.channel(c.channel))
			short, many = short || x.short, many || x.many
			if s.j.shape(c.channel) != nil || x.short || x.many || !x.any {
				t.open++
				continue
			}
			e, n, lacks := s.foldedAt(w, x, i, int32(at))
			rows += n
			switch e {
			case settled:
				if t.right++; p.people[c.client].life > 1 {
					returned++
				}
			case notOwed:
				t.open++
			case endUnseen:
				t.unseen++
			case endWaived:
				t.waived++
			default:
				tail := p.shaping.tail(int32(at))
				if a := s.explained(c, tail); a != NoAnomaly {
					t.owned[a]++
					continue
				}
				inc := s.overdue(i, int32(at), c, &x.rows[lacks.key].final, tail)
				inc.anomaly, inc.id, inc.from, inc.to, inc.other, inc.said = StateDiverged, lacks.id, lacks.id.seq, lacks.id.seq, ident{}, lacks.said
				if lacks.gone {
					inc.anomaly = TombstoneLost
				}
				t.mine = append(t.mine, &found{inc, i})
			}
		}
	}
	t.returned = returned
	if slices.ContainsFunc(t.mine, func(f *found) bool { return f.anomaly == StateDiverged }) {
		for _, f := range t.mine { // deletions are lost like everything else
			f.anomaly = StateDiverged
		}
	}
	v.add(true, "subscriptions", t.subscriptions)
	v.add(true, "on the state that was published", t.right)
	v.add(true, "rows of these", rows)
	v.add(false, "of these after a return", t.returned)
	v.add(false, "not owed it", t.open)
	v.add(false, "waived", t.waived)
	v.add(true, "unseen", t.unseen)
	u := s.unfit(int32(w.Number))
	s.sift(w, v, func(f *found) bool { return f.anomaly == PayloadAltered }, 0)
	v.own(t.owned)
	v.Findings = append(v.Findings, s.findings(w, t.mine)...)
	switch {
	case len(v.Findings) > 0:
		v.State, v.Reason = Fail, v.Findings[0].Anomaly
	case u.n > 0:
		v.Reason = fmt.Sprintf("%d publications can't be entered: %s", u.n, u.why)
	case many:
		v.Reason = fmt.Sprintf("a channel has more than %d keys, which is the most that is kept", mostKeys)
	case short:
		v.Reason = "some publications are no longer known, or their sum is beyond what can be added up: a shorter run, or more --memory, would settle it"
	default:
		t.verdict(v)
	}
}

// lack is what a subscription lacks of its state.
type lack struct {
	key  history.KeyID
	id   ident // a message that it should have
	gone bool  // which takes the key away
	said string
}

// foldedAt says what a subscription came to, how many rows of it are right, and what the
// first is that is wrong.
func (s *settlement) foldedAt(w *want, x *folded, part int, at int32) (e ending, right int64, l lack) {
	p := s.parts[part]
	c := &p.ledger.all[at]
	if p.filters(c) {
		return notOwed, 0, l
	}
	var have *streams
	if int(at) < len(p.shaping.received) {
		have = &p.shaping.received[at]
	}
	has := func(id ident) bool {
		if have == nil {
			return false
		}
		t := have.find(id.publisher, id.incarnation)
		return t != nil && t.has(id.seq)
	}
	if w.Want == scenario.FoldSum {
		return s.summedAt(x, w.Number, part, at, have)
	}
	e = notOwed
	for _, key := range x.keys {
		r := x.rows[key]
		switch is := s.rowAt(x, r, key, w.Number, part, at, has); is {
		case settled:
			if right++; e == notOwed {
				e = settled
			}
		case behind:
			if e != behind || l.gone && !r.gone {
				l = lack{key: key, id: r.newest, gone: r.gone, said: fmt.Sprintf("the key %s ends on %s, which never came", s.keyName(key), s.message(r.newest))}
				if r.gone {
					l.said = fmt.Sprintf("the key %s was taken away by %s, which never came", s.keyName(key), s.message(r.newest))
				}
			}
			e = behind
		case endUnseen, endWaived:
			if e != behind {
				e = is
			}
		}
	}
	return e, right, l
}

// rowAt says what became of one key at a subscription.
func (s *settlement) rowAt(x *folded, r *row, key history.KeyID, book, part int, at int32, has func(ident) bool) ending {
	if slices.ContainsFunc(r.list, has) {
		return settled
	}
	c := &s.parts[part].ledger.all[at]
	if !s.owedEnd(part, c, &r.final) {
		return notOwed
	}
	if r.gone && !x.touched(key, book, has) {
		return settled
	}
	return s.excused(part, at, r.sent, r.list)
}

// touched reports whether a subscription has received anything of a key.
func (x *folded) touched(key history.KeyID, book int, has func(ident) bool) bool {
	for _, b := range x.boxes {
		for n := b.gone + 1; n <= b.highest(); n++ {
			if is := b.booking(int32(book), n); is.made && is.key == key && has(ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}) {
				return true
			}
		}
	}
	return false
}

// excused says of a subscription that lacks messages, the oldest of which was sent at a
// time, whether anybody can say that they won't come, and whether that was announced.
func (s *settlement) excused(part int, at int32, sent time.Duration, missing []ident) ending {
	p := s.parts[part]
	c := &p.ledger.all[at]
	who, t := &p.people[c.client], p.shaping.tail(at)
	closed := s.quiet(who, c, s.channel(c.channel)) || !slices.ContainsFunc(missing, func(id ident) bool { return !s.shutOut(p, at, c, id) })
	switch {
	case t.bare || c.bare > 0:
		return endUnseen
	case t.gap > 0 && t.gap >= sent || s.j.forgot(sent, who.probe):
		return endWaived
	case !closed || s.j.commanded(sent, who.probe) != nil:
		return endUnseen
	}
	return behind
}

// shutOut reports whether a subscription has received a fence behind which the order that
// is promised lets a message come no more.
func (s *settlement) shutOut(p *Judge, at int32, c *cursor, id ident) bool {
	ch := s.channel(c.channel)
	m := s.publication(c.channel, id)
	order := s.promises(c.channel).Order
	if m == nil || !m.known() || c.state != live || order == "" || order == "none" {
		return false
	}
	if c.positioned {
		return order != "per-publisher" && ch.fence > 0 && c.epoch == ch.fenceEpoch && c.last >= ch.fence && ch.behind(m)
	}
	f := p.plain.find(at, id.publisher, id.incarnation)
	return f != nil && c.windows >= 0 && f.fenced > 0 && int(f.fenced) == len(p.plain.windows[c.windows])
}

// summedAt compares the sums of a subscription with the published ones.
func (s *settlement) summedAt(x *folded, book, part int, at int32, have *streams) (e ending, right int64, l lack) {
	c := &s.parts[part].ledger.all[at]
	since, held := s.heldSince(part, c)
	if !held || since >= x.first {
		return notOwed, 0, l
	}
	off := make(map[history.KeyID]scenario.Amount)
	oldest := make(map[history.KeyID]ident)
	earliest, any := time.Duration(0), false
	var missing []ident
	for _, b := range x.boxes {
		var got []uint64
		if have != nil {
			if t := have.find(b.publisher, b.incarnation); t != nil {
				got = t.bits
			}
		}
		for i, word := range b.known {
			if i < len(got) {
				word &^= got[i]
			}
			for ; word != 0; word &= word - 1 {
				n := uint64(i*64+bits.TrailingZeros64(word)) + 1
				is, m := b.booking(int32(book), n), b.get(n)
				off[is.key] += is.amount
				id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
				if _, known := oldest[is.key]; !known {
					oldest[is.key] = id
				}
				missing = append(missing, id)
				if !any || m.sent < earliest {
					any, earliest = true, m.sent
				}
			}
		}
	}
	right = int64(len(x.rows))
	wrong := false
	for _, key := range sorted(off) {
		if off[key] == 0 {
			continue
		}
		if right--; !wrong {
			wrong = true
			is := x.rows[key].sum
			l = lack{key: key, id: oldest[key], said: fmt.Sprintf("the key %s comes to %s, where %s was published: %s never came", s.keyName(key), is-off[key], is, s.message(oldest[key]))}
		}
	}
	if !wrong {
		return settled, right, l
	}
	return s.excused(part, at, earliest, missing), right, l
}

// keyName is a key as it is shown.
func (s *settlement) keyName(key history.KeyID) string {
	return fmt.Sprintf("%q", s.j.names.Name(int32(key)))
}

// endings counts what subscriptions came to.
type endings struct {
	subscriptions, right, returned, open, unseen, waived int64

	owned map[Anomaly]int64 // that another expectation holds against the target
	mine  []*found
}

// verdict says what the counts prove where nothing is wrong.
func (t *endings) verdict(v *Verdict) {
	bad := t.unseen + t.waived
	switch {
	case t.subscriptions == 0:
		v.Reason = "not exercised: no subscription was answered"
	case t.right == 0 && len(t.owned) == 0:
		v.Reason = "not exercised: no subscription was provably owed the end of its channel; publish, and let clients stay until the end"
	case bad*100 > t.right+bad:
		v.Reason = fmt.Sprintf("of %d subscriptions to whom the state was owed, it is unseen of %d and waived of %d: a longer `drain.timeout`, or clients that read faster, would settle it", t.right+bad, t.unseen, t.waived)
	default:
		v.State = Pass
	}
}

// own lists what other expectations hold against the target.
func (v *Verdict) own(owned map[Anomaly]int64) {
	for a := range anomalies {
		if n := owned[a]; n > 0 {
			v.Owned = append(v.Owned, Count{a.String() + " (owned by " + a.Define().Owner + ")", n})
		}
	}
}
