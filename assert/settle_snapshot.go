package assert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"squall/assert/history"
)

// snapshotCount counts what was judged of snapshots.
type snapshotCount struct {
	judged, rows, returned, gone, unseen, undecided, broken, beyond int64
}

// ranked is what the log of a channel in one epoch has of each key of a book. Fences are
// under a key of their own, of which nothing is owed.
type ranked struct {
	keys  map[history.KeyID][]rankedMessage // by offset, ascending
	gaps  map[history.KeyID]time.Duration   // keys that messages may take away at a place that nobody has seen, and when the first was sent
	short bool                              // some publications are no longer known
}

type rankedMessage struct {
	offset uint64
	id     ident
	gone   bool
}

type rankedKey struct {
	book    int
	channel history.ChannelID
	epoch   history.EpochID
}

// ranked finds it.
func (s *settlement) ranked(book int, ch *channelEnd, epoch history.EpochID) *ranked {
	at := rankedKey{book, ch.id, epoch}
	if x := s.rankedOf[at]; x != nil {
		return x
	}
	x, placed := &ranked{keys: make(map[history.KeyID][]rankedMessage), gaps: make(map[history.KeyID]time.Duration)}, make(map[ident]bool)
	taken := make(map[uint64]bool)
	for _, l := range s.lots(ch, epoch) {
		taken[l.offset] = true
		b := ch.outbox(l.id)
		if !l.known || l.id.fence || b == nil {
			continue
		}
		placed[l.id] = true
		if is := b.booking(int32(book), l.id.seq); is.made {
			x.keys[is.key] = append(x.keys[is.key], rankedMessage{l.offset, l.id, is.gone})
		}
	}
	for id, offset := range s.rowsSay(ch.id, epoch) {
		b, m := ch.outbox(id), s.publication(ch.id, id)
		if b == nil || m == nil || m.result == history.Failed || m.retried || id.fence || placed[id] || taken[offset] {
			continue
		}
		if is := b.booking(int32(book), id.seq); is.made && !is.gone {
			x.keys[is.key] = append(x.keys[is.key], rankedMessage{offset: offset, id: id})
		}
	}
	for _, list := range x.keys {
		slices.SortFunc(list, func(a, b rankedMessage) int { return cmp.Compare(a.offset, b.offset) })
	}
	for _, b := range ch.outboxes {
		x.short = x.short || b.gone > 0
		for n := b.gone + 1; n <= b.highest(); n++ {
			m, is := b.get(n), b.booking(int32(book), n)
			if m == nil || m.result == history.Failed || !is.made || !is.gone {
				continue
			}
			if placed[ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}] && !m.retried { // else it may stand elsewhere, too
				continue
			}
			if was, ok := x.gaps[is.key]; !ok || m.sent < was {
				x.gaps[is.key] = m.sent
			}
		}
	}
	if s.rankedOf == nil {
		s.rankedOf = make(map[rankedKey]*ranked)
	}
	s.rankedOf[at] = x
	return x
}

// rowsSay is where the rows of the snapshots of an epoch say that their messages stand, as
// far as all agree: two never say the same place of two messages, or two of one.
func (s *settlement) rowsSay(ch history.ChannelID, epoch history.EpochID) map[ident]uint64 {
	const several = 0
	said, at := make(map[ident]uint64), make(map[uint64]ident)
	for _, p := range s.parts {
		for _, x := range p.snaps.all {
			if x.channel != ch || x.of.epoch != epoch || !x.whole || x.short {
				continue
			}
			for i := range x.rows {
				r := &x.rows[i]
				if r.corrupt || r.id.seq == 0 || r.offset == 0 || r.offset > x.of.offset {
					continue
				}
				if was, ok := said[r.id]; ok && was != r.offset {
					said[r.id] = several
				} else if !ok {
					said[r.id] = r.offset
				}
				if was, ok := at[r.offset]; ok && was != r.id {
					said[r.id], said[was] = several, several
				}
				at[r.offset] = r.id
			}
		}
	}
	maps.DeleteFunc(said, func(_ ident, offset uint64) bool { return offset == several })
	return said
}

// latest is the latest message of a key at an offset or before.
func (x *ranked) latest(key history.KeyID, offset uint64) (m rankedMessage, ok bool) {
	all := x.keys[key]
	i, _ := slices.BinarySearchFunc(all, offset+1, func(m rankedMessage, o uint64) int { return cmp.Compare(m.offset, o) })
	if i == 0 {
		return m, false
	}
	return all[i-1], true
}

// place is where a row of a key stands: of several places the last one up to an offset,
// else the first; where the row says, if nobody has seen it.
func (x *ranked) place(key history.KeyID, row *snapshotRow, upTo uint64) (at uint64) {
	for _, m := range x.keys[key] {
		if m.id == row.id && (m.offset <= upTo || at == 0) {
			at = m.offset
		}
	}
	if at == 0 {
		return row.offset
	}
	return at
}

// judgeSnapshot says what is wrong with one that came whole, or did not come in time; nil:
// nothing.
func (s *settlement) judgeSnapshot(w *want, part int, x *snapshot, n *snapshotCount) *found {
	f := &found{incident{client: x.client, channel: x.channel, epoch: x.of.epoch, life: x.life, n: 1, seen: x.seen, from: x.of.offset, to: x.of.offset, setting: x.setting()}, part}
	say := func(a Anomaly, id, other ident, format string, args ...any) *found {
		f.anomaly, f.id, f.other, f.said = a, id, other, fmt.Sprintf(format, args...)
		return f
	}
	if !x.whole {
		f.epoch, f.from, f.to = x.answer.epoch, x.earlyAt, x.earlyAt
		return say(SnapshotMissing, x.early, ident{}, "offset %d came, and no snapshot before it, though the answer at %d was not that everything is replayed", x.earlyAt, x.answer.offset)
	}
	n.judged++
	switch {
	case x.split:
		return say(SnapshotDeltaSkew, ident{}, ident{}, "the parts of a snapshot are of several positions, the first of %d", x.of.offset)
	case x.placed && x.answer != x.of:
		return say(SnapshotDeltaSkew, ident{}, ident{}, "a snapshot of %d/%s, where the answer was at %d/%s", x.of.offset, s.j.names.Name(int32(x.of.epoch)), x.answer.offset, s.j.names.Name(int32(x.answer.epoch)))
	case x.short:
		n.beyond++
		return nil
	}
	ch := s.channel(x.channel)
	r := s.ranked(w.Number, ch, x.of.epoch)
	seen := make(map[history.KeyID]ident, len(x.rows))
	vague := r.short
	for i := range x.rows {
		row := &x.rows[i]
		b, m := ch.outbox(row.id), s.publication(x.channel, row.id)
		switch {
		case row.corrupt:
			return say(SnapshotDeltaSkew, ident{}, ident{}, "the row at offset %d has a stamp that does not fit its payload, channel or run", row.offset)
		case row.altered != "":
			return say(SnapshotDeltaSkew, row.id, ident{}, "the payload of the row is not the published one: %s", row.altered)
		case row.id.seq == 0, b != nil && row.id.seq <= b.gone:
			vague = true // somebody else's, or no longer known
			continue
		case m == nil || m.result == history.Failed:
			return say(SnapshotDeltaSkew, row.id, ident{}, "the row is %s, which was never published, or refused", s.message(row.id))
		}
		if row.id.fence {
			continue
		}
		is := b.booking(int32(w.Number), row.id.seq)
		if !is.made {
			vague = true
			continue
		}
		place := r.place(is.key, row, x.of.offset)
		last, any := r.latest(is.key, x.of.offset)
		if m.retried && (place > x.of.offset || any && last.offset > place) {
			vague = true // it may have taken effect once more, where nobody has seen it
			continue
		}
		switch other, twice := seen[is.key]; {
		case place > x.of.offset:
			return say(SnapshotDeltaSkew, row.id, ident{}, "the row of the key %s is %s, at %d, behind the position %d of the snapshot", s.keyName(is.key), s.message(row.id), place, x.of.offset)
		case is.gone:
			return say(RemovedRowKept, row.id, ident{}, "the row of the key %s is %s, which takes the key away", s.keyName(is.key), s.message(row.id))
		case any && last.offset > place && last.gone:
			return say(RemovedRowKept, row.id, last.id, "the row of the key %s is %s, at %d, and %s had taken it away, at %d", s.keyName(is.key), s.message(row.id), place, s.message(last.id), last.offset)
		case any && last.offset > place:
			return say(SnapshotDeltaSkew, row.id, last.id, "the row of the key %s is %s, at %d, and at the position %d it was %s, at %d", s.keyName(is.key), s.message(row.id), place, x.of.offset, s.message(last.id), last.offset)
		case twice:
			return say(SnapshotDeltaSkew, row.id, other, "the key %s has two rows, %s and %s", s.keyName(is.key), s.message(other), s.message(row.id))
		}
		seen[is.key] = row.id
	}
	gone, open := int64(0), false
	for _, key := range sorted(r.keys) {
		last, any := r.latest(key, x.of.offset)
		_, there := seen[key]
		switch sent, gap := r.gaps[key]; {
		case !any || there:
		case last.gone:
			gone++
		case vague || gap && sent < x.seen:
			open = true
		default:
			return say(RowMissing, last.id, ident{}, "the key %s has no row, where %s is its latest message, at %d", s.keyName(key), s.message(last.id), last.offset)
		}
	}
	if vague || open {
		n.undecided++
	}
	n.rows += int64(len(seen))
	n.gone += gone
	if x.returned {
		n.returned++
	}
	return nil
}

// judgeAwaited says whether a snapshot that never came should have come.
func (s *settlement) judgeAwaited(part int, x *snapshot, n *snapshotCount) *found {
	p := &s.parts[part].people[x.client]
	switch {
	case x.answered == 0 || x.recovered || !x.placed:
		return nil
	case p.probeIn != x.life || p.probe <= x.answered:
		n.unseen++
		return nil
	}
	return &found{incident{anomaly: SnapshotMissing, client: x.client, channel: x.channel, epoch: x.answer.epoch, life: x.life, n: 1, seen: p.probed, from: x.answer.offset, to: x.answer.offset,
		setting: x.setting(), said: fmt.Sprintf("the probe sent at %v was answered, and no snapshot had come, though the answer at %d was not that everything is replayed", p.probe.Round(time.Millisecond), x.answer.offset)}, part}
}

// misstatedWhy says why nothing excuses it.
func (s *settlement) misstatedWhy(f *found) []string {
	switch f.anomaly {
	case SnapshotMissing:
		return []string{"it was asked for with the subscribe, and the connection was alive"}
	case RowMissing:
		return []string{"no message that takes the key away was sent before, or all of them have their place in the log"}
	}
	return []string{"which message stands where is what subscribers have received, and publishers were told"}
}

func (x *snapshot) setting() setting {
	t := setting{phase: "subscribing", fault: x.fault, witness: -1}
	if x.fault != 0 {
		t.ago = x.answered - x.faultAt
	}
	return t
}

func sortedSnapshots(open map[uint64]*snapshot) []*snapshot {
	all := make([]*snapshot, 0, len(open))
	for _, key := range sorted(open) {
		all = append(all, open[key])
	}
	return all
}
