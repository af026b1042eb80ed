package assert

import (
	"fmt"
	"time"

	"squall/assert/history"
)

// Snapshots: a channel keeps the latest message of each key, its row, and whoever
// subscribes with snapshot is given the rows as they are at the position P of the answer,
// and then the messages behind P. Each snapshot that has come whole is judged against the
// log of its epoch, by the keys of the book that the expectation keeps (books.go):
//
//   - it is of the position of the answer, in all its parts. What follows is what stands
//     behind that position, so if it is of another, something is in both or in neither
//     (snapshot-delta-skew);
//   - a row is a message of the channel that stands at P or before. It is no longer the
//     row of its key if the log has a later message of the key at P or before:
//     snapshot-delta-skew, or, if the latest of these takes the key away, removed-row-kept.
//     A row that takes its key away is a removed-row-kept itself. Where a row stands is
//     what the log says, or, if nobody has seen it, what the snapshots say, as far as all of
//     them agree: so they are judged against each other, too. What was sent again may stand
//     at more places than were seen, and its place proves nothing;
//   - of each key of which the log has a message at P or before, the latest of which does
//     not take it away, there is a row (else row-missing). Nothing is owed if some message
//     that takes the key away, and was sent before the snapshot came, has no place in the
//     log: it may stand between the two;
//   - no message behind P comes before the snapshot has come whole, and it has come
//     before the answer to the drain's probe (else snapshot-missing). Who is answered that
//     all it missed is replayed, is owed none. What a pattern brings proves nothing.
//
// That the messages behind P come, all and once, is what delivery is about: the answer's
// position is where a subscription begins.
type snapshots struct {
	on     bool
	wants  []*want
	open   map[uint64]*snapshot
	all    []*snapshot // that came whole, and were owed and did not
	rows   int
	beyond int64 // rows more than are kept
	broken int64 // snapshots that were owed, and ended before they had come whole
}

// mostRows bounds the rows that are kept.
const mostRows = 1 << 20

// snapshot is what one subscribe has asked for.
type snapshot struct {
	client    history.ClientID
	channel   history.ChannelID
	life      int32
	fault     uint16
	faultAt   time.Duration
	returned  bool
	recovered bool // nothing is owed
	placed    bool // the answer has a position
	begun     bool
	split     bool // its parts are of several positions
	whole     bool
	short     bool // some of its rows are not kept
	answered  time.Duration
	seen      time.Duration // when it was whole, or should have been
	answer    position
	of        position
	rows      []snapshotRow
	early     ident // the message that came before it
	earlyAt   uint64
}

// position is a place in a channel.
type position struct {
	epoch  history.EpochID
	offset uint64
}

// snapshotRow is one row as it came.
type snapshotRow struct {
	id      ident
	offset  uint64
	corrupt bool
	altered string
}

func newSnapshots(w *wants) (x snapshots) {
	for i := range w.all {
		if e := &w.all[i]; e.Rule == "snapshot" {
			x.wants, x.on = append(x.wants, e), true
		}
	}
	x.open = make(map[uint64]*snapshot)
	return x
}

// add takes what is said of subscriptions, and what comes of it.
func (x *snapshots) add(j *Judge, p *person, e *history.Event) {
	if !x.on {
		return
	}
	key := cursorKey(e.Client, e.Channel)
	switch e.Kind {
	case history.Subscribe:
		if old := x.open[key]; old != nil {
			x.end(key, old.life)
		}
		if e.Has(history.FlagRows) && !e.Has(history.FlagForbidden) && anyAbout(x.wants, e.Channel) {
			x.open[key] = &snapshot{client: e.Client, channel: e.Channel, life: e.Life, fault: p.fault, faultAt: p.faultAt, returned: e.Life > 1}
		}
	case history.Subscribed:
		if s := x.of(e); s != nil && s.answered == 0 {
			s.answered, s.recovered, s.placed = e.Seen, e.Has(history.FlagRecovered), e.Has(history.FlagPositioned)
			s.answer = position{e.Epoch, e.Offset}
		}
	case history.Snapshot:
		if s := x.of(e); s != nil {
			of := position{e.Epoch, e.Offset}
			s.split = s.split || s.begun && s.of != of
			if !s.begun {
				s.begun, s.of = true, of
			}
			if e.Code == 1 {
				s.whole, s.seen = true, e.Seen
				x.settle(key, s)
			}
		}
	case history.Unsubscribe, history.Unsubscribed, history.Denied:
		x.end(key, e.Life)
	case history.Closed:
		if !j.clock.ended {
			for k, s := range x.open {
				if s.client == e.Client {
					x.end(k, e.Life)
				}
			}
		}
	}
}

// of is the snapshot that e is about, if it has not come or ended.
func (x *snapshots) of(e *history.Event) *snapshot {
	if s := x.open[cursorKey(e.Client, e.Channel)]; s != nil && s.life == e.Life {
		return s
	}
	return nil
}

// row takes a row.
func (x *snapshots) row(e *history.Event) {
	if !x.on {
		return
	}
	s := x.of(e)
	switch {
	case s == nil:
	case x.rows >= mostRows:
		x.beyond++
		s.short = true
	default:
		x.rows++
		s.rows = append(s.rows, snapshotRow{id: identOf(e), offset: e.Offset, corrupt: e.Has(history.FlagCorrupt), altered: e.Note})
	}
}

// deliver takes a message that came while snapshots were awaited.
func (x *snapshots) deliver(j *Judge, c *cursor, e *history.Event) {
	s := x.of(e)
	if s == nil || s.answered == 0 || s.recovered || !s.placed || e.Flags&history.FlagPositioned == 0 || e.Epoch != s.answer.epoch || e.Offset <= s.answer.offset {
		return
	}
	if k, _ := j.matching(c, e); k > 1 {
		return // a pattern may have brought it
	}
	s.early, s.earlyAt, s.seen = identOf(e), e.Offset, e.Seen
	x.settle(cursorKey(e.Client, e.Channel), s)
}

func (x *snapshots) settle(key uint64, s *snapshot) {
	delete(x.open, key)
	x.all = append(x.all, s)
}

// end forgets a snapshot that can't come any more.
func (x *snapshots) end(key uint64, life int32) {
	if s := x.open[key]; s != nil && s.life == life {
		if s.answered > 0 && !s.recovered {
			x.broken++
		}
		x.rows -= len(s.rows)
		delete(x.open, key)
	}
}

// snapshots judges what who subscribed with snapshot was given.
func (s *settlement) snapshots(w *want, v *Verdict) {
	var n snapshotCount
	var mine []*found
	for i, p := range s.parts {
		for _, x := range p.snaps.all {
			if w.filter.client(&p.people[x.client]) && w.filter.channel(x.channel) {
				if f := s.judgeSnapshot(w, i, x, &n); f != nil {
					mine = append(mine, f)
				}
			}
		}
		for _, x := range sortedSnapshots(p.snaps.open) {
			if w.filter.client(&p.people[x.client]) && w.filter.channel(x.channel) {
				if f := s.judgeAwaited(i, x, &n); f != nil {
					mine = append(mine, f)
				}
			}
		}
		n.broken += p.snaps.broken
	}
	v.add(true, "snapshots judged", n.judged)
	v.add(true, "rows of these", n.rows)
	v.add(false, "of these after a return", n.returned)
	v.add(false, "keys that have no row, rightly", n.gone)
	v.add(true, "unseen", n.unseen)
	v.add(false, "undecided", n.undecided)
	v.add(false, "cut off", n.broken)
	u := s.unfit(int32(w.Number))
	v.Findings = append(v.Findings, s.findings(w, mine)...)
	switch {
	case len(v.Findings) > 0:
		v.State, v.Reason = Fail, v.Findings[0].Anomaly
	case u.n > 0:
		v.Reason = fmt.Sprintf("%d publications can't be entered: %s", u.n, u.why)
	case n.beyond > 0:
		v.Reason = fmt.Sprintf("more than %d rows came, which is the most that is kept: fewer subscribes would settle it", mostRows)
	case n.judged == 0 || n.rows == 0:
		v.Reason = "not exercised: no snapshot with rows came whole; let clients subscribe with snapshot: true after something was published"
	case 100*(n.unseen+n.undecided) > n.judged:
		v.Reason = fmt.Sprintf("of %d snapshots %d can't be decided, and %d more may have been on their way: a shorter run, or a longer `drain.timeout`, would settle it", n.judged, n.undecided, n.unseen)
	default:
		v.State = Pass
	}
}
