package gateway

import (
	"squall/driver/dialect"
)

// command is what a client says, as read from the wire. Its slices point into
// the message.
type command struct {
	id       uint64
	kind     []byte
	channel  []byte
	pattern  []byte
	filter   []byte
	token    []byte
	user     []byte
	key      []byte
	urgency  []byte
	data     []byte
	retain   bool
	presence bool
	snapshot bool
	will     *will // of a connect; nil: none
	recover  bool
	epoch    []byte
	offset   uint64

	session  []byte
	keep     bool
	fresh    bool
	received uint64
	began    uint64
}

// read reads the next command of a message; false at its end or at an error,
// which c.Err tells.
func (m *command) read(c *dialect.Cursor) bool {
	*m = command{}
	if !c.Open() {
		return false
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "id":
			m.id = c.Uint()
		case "type":
			m.kind = c.Text()
		case "channel":
			m.channel = c.Text()
		case "pattern":
			m.pattern = c.Text()
		case "filter":
			m.filter = c.Text()
		case "data":
			m.data = c.Skip()
		case "priority":
			m.urgency = c.Text()
		case "key":
			m.key = c.Text()
		case "retain":
			m.retain = c.Bool()
		case "presence":
			m.presence = c.Bool()
		case "snapshot":
			m.snapshot = c.Bool()
		case "token":
			m.token = c.Text()
		case "user":
			m.user = c.Text()
		case "recover":
			m.readRecover(c)
		case "will":
			m.readWill(c)
		case "session":
			m.session = c.Text()
		case "keep":
			m.keep = c.Bool()
		case "fresh":
			m.fresh = c.Bool()
		case "received":
			m.received = c.Uint()
		case "began":
			m.began = c.Uint()
		default:
			c.Skip()
		}
	}
	return c.Err() == nil
}

func (m *command) readWill(c *dialect.Cursor) {
	if !c.Open() {
		return
	}
	m.will = &will{}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "channel":
			m.will.channel = string(c.Text())
		case "data":
			m.will.data = append([]byte(nil), oneLine(c.Skip())...)
		default:
			c.Skip()
		}
	}
}

func (m *command) readRecover(c *dialect.Cursor) {
	if !c.Open() {
		return
	}
	m.recover = true
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "epoch":
			m.epoch = c.Text()
		case "offset":
			m.offset = c.Uint()
		default:
			c.Skip()
		}
	}
}
