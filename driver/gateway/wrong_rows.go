package gateway

import "maps"

// What is wrong on purpose with the rows that a channel keeps.

// undo is what the latest event of a channel has replaced, if it has.
type undo struct {
	key string
	row row
}

// keepsRemoved reports whether an event that takes a row away does not: with
// removed-row-kept the row stays, with tombstone-row the event becomes the row. Under the
// stream's lock.
func (w *wrong) keepsRemoved(t *table, x change, e *event) bool {
	old, known := t.rows[x.key]
	switch {
	case !x.gone || !known:
		return false
	case w.removedRowKept.fires():
		return true
	case w.tombstoneRow.fires():
		t.bytes += len(e.data) - len(old.data)
		t.rows[x.key] = row{e.offset, e.data}
		return true
	}
	return false
}

// remembers keeps what an event replaces, for snapshot-delta-skew. Under the stream's lock.
func (w *wrong) remembers(t *table, x change) {
	if w.snapshotDeltaSkew == nil {
		return
	}
	t.undo = nil
	if old, known := t.rows[x.key]; known && !x.gone {
		t.undo = &undo{x.key, old}
	}
}

// rows is the snapshot that somebody is sent. Under the stream's lock.
func (w *wrong) rows(s *stream) [][]byte {
	t := s.table
	switch {
	case w.snapshotMissing.fires():
		return nil
	case w.rowMissing != nil && len(t.rows) > 0 && w.rowMissing.fires():
		rows := maps.Clone(t.rows)
		first, any := "", false
		for key, r := range rows {
			if !any || r.offset < rows[first].offset {
				first, any = key, true
			}
		}
		delete(rows, first)
		return s.sayAll(rows, s.top)
	case t.undo != nil && w.snapshotDeltaSkew.fires():
		rows := maps.Clone(t.rows)
		rows[t.undo.key] = t.undo.row
		return s.sayAll(rows, s.top)
	case w.snapshotElsewhere != nil && s.top.offset > 0 && w.snapshotElsewhere.fires():
		top := s.top
		top.offset--
		return s.sayAll(t.rows, top)
	}
	return s.snapshot()
}
