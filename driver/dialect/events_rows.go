package dialect

import "errors"

// eventsRows goes over the rows of one message of a snapshot. Clients that ask for none
// have no such thing.
type eventsRows struct {
	open bool
	c    Cursor
	head Message // what is said behind the rows; theirs are its channel and epoch
}

// openRows begins with the rows of a snapshot, whose other members are in m.
func (d *eventsDecoder) openRows(rows []byte, m *Message) bool {
	switch {
	case len(rows) == 0 || rows[0] != '[':
		d.err = errors.New("snapshot without rows")
		return false
	case !m.Positioned:
		d.err = errors.New("snapshot without an offset")
		return false
	}
	if d.rows == nil {
		d.rows = &eventsRows{}
	}
	r := d.rows
	r.c.Reset(rows)
	r.c.Array()
	r.open, r.head = true, *m
	return d.nextRow(m)
}

// nextRow is the next row, or, behind the last one, the snapshot itself.
func (d *eventsDecoder) nextRow(m *Message) bool {
	r := d.rows
	c := &r.c
	if !c.Element() {
		*m = r.head
		r.open, r.head = false, Message{}
		return true
	}
	*m = Message{Kind: Row, Channel: r.head.Channel, Epoch: r.head.Epoch}
	if c.Open() {
		for key, ok := c.Member(); ok; key, ok = c.Member() {
			switch string(key) {
			case "offset":
				m.Offset = c.Uint()
				m.Positioned = true
			case "data":
				m.Payload = c.Skip()
			default:
				c.Skip()
			}
		}
	}
	switch {
	case c.fault != 0:
		d.err = c.Err()
	case m.Payload == nil || !m.Positioned:
		d.err = errors.New("row without offset and data")
	default:
		return true
	}
	r.open = false
	return false
}
