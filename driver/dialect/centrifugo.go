package dialect

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Centrifugo is the client protocol v2 of Centrifugo and the centrifuge
// library, in JSON: one or more objects in a text frame, separated by newlines,
// either way. Without a namespace that says otherwise its channels keep no
// history: then deliveries carry no offset and nothing can be recovered.
type Centrifugo struct{}

// About implements Dialect.
func (Centrifugo) About() About {
	return About{
		Name:    "centrifugo",
		Summary: "Centrifugo and centrifuge servers, client protocol v2 in JSON",
		Path:    "/connection/websocket",

		SilenceCode: 3012,
		Can: Can{
			Recover: true, Offsets: true, Ack: true, Unsubscribe: true, Offend: true,
			Presence: true, Connections: true,
		},
		Promises: Promises{
			Delivery: "at-most-once", Order: "per-channel",
			HeartbeatEvery: 25 * time.Second, HeartbeatTimeout: 10 * time.Second,
		},
	}
}

// Append implements Dialect. User and Key have no place in this protocol: the
// user is in the token, and publications are not idempotent.
func (Centrifugo) Append(dst []byte, c *Command) ([]byte, error) {
	if c.Verb == Pong {
		return append(dst, `{}`...), nil
	}
	dst = strconv.AppendUint(append(dst, `{"id":`...), c.ID, 10)
	switch c.Verb {
	case Connect:
		dst = append(dst, `,"connect":{`...)
		if c.Token != "" {
			dst = append(AppendText(append(dst, `"token":`...), c.Token), ',')
		}
		dst = append(dst, `"name":"squall"`...)
	case Subscribe:
		dst = AppendText(append(dst, `,"subscribe":{"channel":`...), c.Channel)
		if c.Recover {
			dst = append(dst, `,"recover":true`...)
			if c.Offset != 0 {
				dst = strconv.AppendUint(append(dst, `,"offset":`...), c.Offset, 10)
			}
			dst = appendMember(dst, "epoch", c.Epoch)
		}
		if c.Presence {
			dst = append(dst, `,"join_leave":true`...)
		}
	case Who:
		dst = AppendText(append(dst, `,"presence":{"channel":`...), c.Channel)
	case Unsubscribe:
		dst = AppendText(append(dst, `,"unsubscribe":{"channel":`...), c.Channel)
	case Publish:
		dst = AppendText(append(dst, `,"publish":{"channel":`...), c.Channel)
		dst = append(append(dst, `,"data":`...), c.Payload...)
	case Garbage:
		return append(dst, `,"publish":{"channel":"`...), nil
	case Nonsense:
		dst = append(dst, `,"squall":{`...)
	default:
		return dst, fmt.Errorf("centrifugo has no command for verb %d", c.Verb)
	}
	return append(dst, "}}"...), nil
}

// Decoder implements Dialect.
func (Centrifugo) Decoder() Decoder { return &centrifugoDecoder{} }

type centrifugoDecoder struct {
	c   Cursor
	err error

	backlog Cursor // of the recovered publications of the answer given last
	id      uint64 // of that answer
	epoch   []byte
	pending bool

	grants   Cursor // of the subscriptions that came with the answer to a connect
	granting bool
}

func (d *centrifugoDecoder) Reset(payload []byte) {
	d.c.Reset(payload)
	d.err, d.pending, d.granting = nil, false, false
}

func (d *centrifugoDecoder) Err() error {
	if err := d.c.Err(); err != nil {
		return err
	}
	return d.err
}

func (d *centrifugoDecoder) Next(m *Message) bool {
	if d.err == nil && (d.pending && d.replay(m) || d.granting && d.grant(m)) {
		return true
	}
	if d.err != nil || !d.c.Open() {
		return false
	}
	*m = Message{}
	c := &d.c
	members := 0
	m.Kind = Ignored
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		members++
		switch string(key) {
		case "id":
			m.ID = c.Uint()
		case "push":
			d.push(m)
		case "publish":
			m.Kind = Published
			c.Skip()
		case "subscribe":
			m.Kind = Subscribed
			d.subscribed(m)
		case "connect":
			m.Kind = Connected
			d.connected(m)
		case "unsubscribe":
			m.Kind = Unsubscribed
			c.Skip()
		case "presence":
			m.Kind = Present
			d.present(m)
		case "error":
			m.Kind = Error
			d.reason(m)
			m.Denied, m.Vague = denied(m.Code)
		default:
			c.Skip()
		}
	}
	if c.fault != 0 || d.err != nil {
		d.pending, d.granting = false, false
		return false
	}
	if members == 0 {
		m.Kind = Pinged
	}
	d.id = m.ID
	return true
}

func (d *centrifugoDecoder) connected(m *Message) {
	c := &d.c
	if !c.Open() {
		return
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "ping": // seconds
			m.HeartbeatEvery = milliseconds(min(c.Uint(), 1<<30) * 1000)
		case "client":
			m.Client = c.Text()
		case "subs": // by channel: what the server has subscribed the client to
			d.grants.Reset(c.Skip())
			d.granting = d.grants.Open()
		case "pong":
			m.WantsPong = c.Bool()
		default:
			c.Skip()
		}
	}
}

// grant gives the next subscription that the server has made by itself.
func (d *centrifugoDecoder) grant(m *Message) bool {
	channel, ok := d.grants.Member()
	if !ok {
		d.granting = false
		return false
	}
	*m = Message{Kind: Granted, Channel: channel}
	d.grants.Skip()
	return true
}

// denied reports whether an error's code says that the client has no right: 101
// unauthorized, 103 permission denied; 401 and 403 are customary where an
// application decides. 109 and 110 say that something has expired.
func denied(code int) (denied, vague bool) {
	switch code {
	case 101, 103, 401, 403:
		return true, false
	case 109, 110:
		return true, true
	}
	return false, false
}

// subscribed reads the answer to a subscribe command. The recovered
// publications inside become messages of their own; the answer's offset may
// merely repeat the one that was asked from, so the top is the highest of all.
func (d *centrifugoDecoder) subscribed(m *Message) {
	c := &d.c
	if !c.Open() {
		return
	}
	d.pending, d.epoch = false, nil
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "epoch":
			m.Epoch = c.Text()
			m.Positioned = m.Positioned || len(m.Epoch) > 0
		case "offset":
			m.Offset = max(m.Offset, c.Uint())
		case "recoverable", "positioned":
			m.Positioned = c.Bool() || m.Positioned
		case "was_recovering":
			m.Recovering = c.Bool() || m.Recovering
		case "recovered":
			m.Recovered = c.Bool()
			m.Recovering = m.Recovering || m.Recovered
		case "publications":
			raw := c.Skip()
			d.backlog.Reset(raw)
			var last uint64
			last, d.err = d.lastOffset()
			m.Offset = max(m.Offset, last)
			d.backlog.Reset(raw)
			d.pending = d.backlog.Array()
		default:
			c.Skip()
		}
	}
	d.epoch = m.Epoch
}

// lastOffset walks over the backlog.
func (d *centrifugoDecoder) lastOffset() (last uint64, err error) {
	for d.backlog.Array(); d.backlog.Element(); {
		var m Message
		if err := publication(&d.backlog, &m); err != nil {
			return 0, err
		}
		last = max(last, m.Offset)
	}
	return last, d.backlog.Err()
}

// replay gives the next publication of the backlog, which has been walked
// before. Its channel is not named on the wire: it is the one of the answer with
// the same ID.
func (d *centrifugoDecoder) replay(m *Message) bool {
	if !d.backlog.Element() {
		d.pending = false
		return false
	}
	*m = Message{Kind: Delivered, Replay: true, ID: d.id}
	d.err = publication(&d.backlog, m)
	if m.Epoch == nil {
		m.Epoch = d.epoch
	}
	return d.err == nil
}

func (d *centrifugoDecoder) push(m *Message) {
	c := &d.c
	if !c.Open() {
		return
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "channel":
			m.Channel = c.Text()
		case "pub":
			m.Kind = Delivered
			if err := publication(c, m); err != nil && d.err == nil {
				d.err = err
			}
		case "unsubscribe":
			m.Kind = Unsubscribed
			d.reason(m)
		case "subscribe":
			m.Kind = Granted
			c.Skip()
		case "disconnect":
			m.Kind = Draining
			d.reason(m)
			if m.Code >= 3500 && m.Code < 4000 || m.Code >= 4500 {
				m.Kind = Error // final: the client may not come back
			}
		case "join":
			d.moved(m, Joined)
		case "leave":
			d.moved(m, Left)
		default: // message, refresh
			c.Skip()
		}
	}
}

// present reads the answer to the question who is there: the clients by their ids.
func (d *centrifugoDecoder) present(m *Message) {
	c := &d.c
	m.Payload = nobody
	if !c.Open() {
		return
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		if raw := c.Skip(); string(key) == "presence" && len(raw) > 0 && raw[0] == '{' {
			m.Payload = raw
		}
	}
}

// nobody is the list of those who are there, where it is empty and so left out.
var nobody = []byte(`{}`)

// moved reads who has come or gone.
func (d *centrifugoDecoder) moved(m *Message, kind Kind) {
	c := &d.c
	if !c.Open() {
		return
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		if string(key) != "info" {
			c.Skip()
			continue
		}
		if m.Member, m.Client = clientInfo(c); len(m.Client) > 0 {
			m.Kind = kind
		}
	}
}

// clientInfo reads whose client somebody is, and its id.
func clientInfo(c *Cursor) (user, client []byte) {
	if !c.Open() {
		return nil, nil
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "user":
			user = c.Text()
		case "client":
			client = c.Text()
		default:
			c.Skip()
		}
	}
	return user, client
}

// publication reads one publication into m; the cursor stands before it.
func publication(c *Cursor, m *Message) error {
	if !c.Open() {
		return c.Err()
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "data":
			m.Payload = c.Skip()
		case "offset":
			m.Offset = c.Uint()
			m.Positioned = m.Offset > 0
		case "epoch":
			m.Epoch = c.Text()
		default:
			c.Skip()
		}
	}
	if m.Payload == nil && c.fault == 0 {
		return errors.New("publication without data")
	}
	return c.Err()
}

// reason reads {"code":…,"reason":…} or {"code":…,"message":…}.
func (d *centrifugoDecoder) reason(m *Message) {
	c := &d.c
	if !c.Open() {
		return
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "code":
			m.Code = int(min(c.Uint(), 1<<31-1))
		case "reason", "message":
			m.Reason = c.Text()
		default:
			c.Skip()
		}
	}
}
