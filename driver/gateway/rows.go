package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"squall/driver/dialect"
)

// Rows: a channel may keep, beside its history, the latest event of each key. Who
// subscribes with snapshot is sent these rows as they are at the answer's position, and
// from there on events. They change under the stream's lock, where events get their
// offsets, so no event is missing between the two, and none is in both.

// RowsOf says that some channels keep rows. What is published there needs a key. It is
// read from what was published, whatever a transformation makes of that. A channel that
// is shaped keeps no rows.
type RowsOf struct {
	Channel   string // a channel, or a pattern of channels
	Key       string // the field that is the key, those inside of others with dots: by.account
	Tombstone string // an event in which this field is true takes its row away; "": none does
	Max       int    // rows of one channel; default 1000

	segments []string
}

const (
	longestRowKey = 200      // bytes
	rowRoom       = 48       // bytes that a row takes in a snapshot beside its data
	rowsMessage   = 32 << 10 // about how many bytes of rows go into one message
)

// checkRows returns them with their patterns taken apart and the default filled in.
func checkRows(rows []RowsOf, history int) ([]RowsOf, error) {
	all := slices.Clone(rows)
	for i := range all {
		r := &all[i]
		var err error
		if r.segments, err = segmentsOf(r.Channel); err != nil {
			return nil, fmt.Errorf("rows of %q: %w", r.Channel, err)
		}
		if r.Max == 0 {
			r.Max = 1000
		}
		switch {
		case history == 0:
			return nil, fmt.Errorf("rows of %q: without history there is no position at which they are", r.Channel)
		case r.Key == "" || r.Max < 0:
			return nil, fmt.Errorf("rows of %q: they need the field of their key, and the most rows is a number above 0", r.Channel)
		}
	}
	return all, nil
}

// row is the latest event of a key.
type row struct {
	offset uint64
	data   []byte
}

// change is what a publication does to the rows.
type change struct {
	key  string
	gone bool // the row goes
}

// table holds the rows of one channel. Under its stream's lock.
type table struct {
	*RowsOf
	most int // bytes of all rows together

	rows  map[string]row
	bytes int // of their data, and rowRoom each

	at     position // of frames
	frames [][]byte // the snapshot, encoded once for all who ask before the next event
	undo   *undo    // of snapshot-delta-skew
}

// rowsOf finds what a channel keeps; nil: no rows.
func (h *hub) rowsOf(channel string) *RowsOf {
	for i := range h.shapes {
		if matches(h.shapes[i].segments, channel) {
			return nil
		}
	}
	for i := range h.rows {
		if r := &h.rows[i]; matches(r.segments, channel) {
			return r
		}
	}
	return nil
}

// table makes that of a stream; nil if it keeps no rows.
func (h *hub) table(s *stream) *table {
	if r := h.rowsOf(s.name); r != nil {
		return &table{RowsOf: r, most: h.mostRows, rows: make(map[string]row)}
	}
	return nil
}

// keyed reports why a publication can't be a row where its channel keeps rows.
func (g *Gateway) keyed(channel string, data []byte) *refusal {
	r := g.hub.rowsOf(channel)
	if r == nil {
		return nil
	}
	if _, err := r.read(data); err != nil {
		return refuse(400, "bad-request", err.Error())
	}
	return nil
}

// read reads what a publication does to the rows.
func (r *RowsOf) read(data []byte) (x change, err error) {
	raw := fieldOf(data, r.Key)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n' {
		return x, errors.New("the data needs a key in " + r.Key + ": its channel keeps rows")
	}
	x.key = string(raw)
	if raw[0] == '"' {
		var c dialect.Cursor
		c.Reset(raw)
		x.key = string(c.Text())
	}
	if len(x.key) > longestRowKey {
		return x, fmt.Errorf("the key in %s is longer than %d bytes", r.Key, longestRowKey)
	}
	if r.Tombstone == "" {
		return x, nil
	}
	switch gone := fieldOf(data, r.Tombstone); {
	case len(gone) == 0 || gone[0] == 'n':
	case gone[0] == 't' || gone[0] == 'f':
		x.gone = gone[0] == 't'
	default:
		return x, errors.New("the field " + r.Tombstone + " is neither true nor false")
	}
	return x, nil
}

// fieldOf finds a field by its path, the last one of several with one name; nil if it
// isn't there.
func fieldOf(data []byte, path string) (raw []byte) {
	name, rest, deeper := strings.Cut(path, ".")
	var c dialect.Cursor
	c.Reset(data)
	if !c.Open() {
		return nil
	}
	for key, more := c.Member(); more; key, more = c.Member() {
		if string(key) == name {
			raw = c.Skip()
		} else {
			c.Skip()
		}
	}
	switch {
	case c.Err() != nil || raw == nil:
		return nil
	case deeper:
		return fieldOf(raw, rest)
	}
	return raw
}

// admit says what a publication will do to the rows, or why there is no room for that.
func (t *table) admit(b body) (x change, r *refusal) {
	if t == nil {
		return x, nil
	}
	data := b.data
	if b.said != nil {
		data = b.said
	}
	x, err := t.read(data)
	if err != nil {
		return x, refuse(400, "bad-request", err.Error())
	}
	old, known := t.rows[x.key]
	switch {
	case x.gone:
	case !known && len(t.rows) >= t.Max:
		return x, refuse(413, "too-many-rows", fmt.Sprintf("the channel has %d rows, and takes no more", t.Max))
	case !known && t.bytes+len(b.data)+rowRoom > t.most, known && t.bytes-len(old.data)+len(b.data) > t.most:
		return x, refuse(413, "too-many-rows", fmt.Sprintf("the rows of the channel would take more than %d bytes", t.most))
	}
	return x, nil
}

// keep makes an event the row of its key, or takes that away.
func (t *table) keep(x change, e *event, w *wrong) {
	if t == nil {
		return
	}
	t.frames = nil
	w.remembers(t, x)
	if w.keepsRemoved(t, x, e) {
		return
	}
	if old, known := t.rows[x.key]; known {
		t.bytes -= len(old.data) + rowRoom
		delete(t.rows, x.key)
	}
	if !x.gone {
		t.rows[x.key] = row{e.offset, e.data}
		t.bytes += len(e.data) + rowRoom
	}
}

// lose forgets the rows: their offsets mean nothing any more.
func (t *table) lose() {
	if t != nil {
		t.rows, t.bytes, t.frames = make(map[string]row), 0, nil
	}
}

// empty reports whether nothing would be lost with the table.
func (t *table) empty() bool { return t == nil || len(t.rows) == 0 }

// snapshot is what is sent to who asks for the rows now: in the order of their offsets,
// in as many messages as they need. It is shared and must not be changed.
func (s *stream) snapshot() [][]byte {
	t := s.table
	if t.frames != nil && t.at == s.top {
		return t.frames
	}
	t.at, t.frames = s.top, s.sayAll(t.rows, s.top)
	return t.frames
}

// sayAll is a snapshot of a position.
func (s *stream) sayAll(all map[string]row, top position) (frames [][]byte) {
	rows := slices.SortedFunc(maps.Values(all), func(a, b row) int { return cmp.Compare(a.offset, b.offset) })
	for {
		n, size := 0, 0
		for n < len(rows) && (n == 0 || size+len(rows[n].data)+rowRoom <= rowsMessage) {
			size += len(rows[n].data) + rowRoom
			n++
		}
		frames = append(frames, sayRows(s.name, top, rows[:n], n == len(rows)))
		if rows = rows[n:]; len(rows) == 0 {
			return frames
		}
	}
}

// sendRows sends what was found of the rows. Under the stream's lock.
func (sub *subscription) sendRows() {
	if sub.found == nil {
		return
	}
	for _, frame := range sub.found.rows { // no backlog: the client has asked for all of it
		sub.conn.send(item{replay: frame})
	}
}

// snapshotable reports why a subscribe can't be answered with a snapshot.
func (g *Gateway) snapshotable(m *command) *refusal {
	switch {
	case !m.snapshot:
	case len(m.filter) > 0:
		return refuse(400, "bad-request", "a snapshot goes without a filter: rows would not follow what it keeps back")
	case g.hub.rowsOf(string(m.channel)) == nil:
		return refuse(400, "bad-request", "the channel keeps no rows")
	}
	return nil
}

// sayRows is one message of a snapshot.
func sayRows(channel string, top position, rows []row, last bool) []byte {
	size := 128 + len(channel)
	for i := range rows {
		size += rowRoom + len(rows[i].data)
	}
	b := withPosition(withChannel(append(open(size), `{"type":"snapshot"`...), channel), top)
	b = append(b, `,"rows":[`...)
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"offset":%d,"data":`, rows[i].offset)
		b = append(append(b, rows[i].data...), '}')
	}
	b = append(b, ']')
	if last {
		b = append(b, `,"last":true`...)
	}
	return text(b)
}
