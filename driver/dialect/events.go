package dialect

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Events is the protocol of Squall's own reference gateway: JSON in text
// frames. The package comment of driver/gateway defines it.
type Events struct{}

// About implements Dialect.
func (Events) About() About {
	return About{
		Name:    "events",
		Summary: "JSON events with epochs and offsets, as the reference gateway speaks",
		Path:    "/events",

		SilenceCode: 4003, LostCode: 4009,
		Can: Can{
			Recover: true, Offsets: true, Ack: true, AckOffset: true,
			Patterns: true, Filters: true, Unsubscribe: true, ClientPing: true, Sessions: true, Owned: true, Keys: true, Offend: true, Retain: true, Wills: true, Snapshot: true, Fallback: true, Priority: true, Presence: true,
		},
		Promises: Promises{
			Delivery: "exactly-once", Order: "per-channel", Recovery: true,
			HistorySize: 1000, HistoryTTL: 5 * time.Minute,
			HeartbeatEvery: 25 * time.Second, HeartbeatTimeout: 10 * time.Second,
			Idempotency: true, Takeover: "closes-old", Copies: "one",
		},
	}
}

// Append implements Dialect.
func (Events) Append(dst []byte, c *Command) ([]byte, error) {
	dst = append(dst, `{`...)
	if c.ID != 0 {
		dst = strconv.AppendUint(append(dst, `"id":`...), c.ID, 10)
		dst = append(dst, ',')
	}
	switch c.Verb {
	case Connect:
		dst = append(dst, `"type":"connect"`...)
		dst = appendMember(dst, "token", c.Token)
		dst = appendMember(dst, "user", c.User)
		dst = appendSession(dst, c)
		if w := c.Will; w != nil {
			dst = AppendText(append(dst, `,"will":{"channel":`...), w.Channel)
			dst = append(append(append(dst, `,"data":`...), w.Payload...), '}')
		}
	case Subscribe:
		dst = appendTopic(append(dst, `"type":"subscribe"`...), c)
		dst = appendMember(dst, "filter", c.Filter)
		if c.Presence {
			dst = append(dst, `,"presence":true`...)
		}
		if c.Snapshot {
			dst = append(dst, `,"snapshot":true`...)
		}
		if c.Recover {
			dst = AppendText(append(dst, `,"recover":{"epoch":`...), c.Epoch)
			dst = strconv.AppendUint(append(dst, `,"offset":`...), c.Offset, 10)
			dst = append(dst, '}')
		}
	case Unsubscribe:
		dst = appendTopic(append(dst, `"type":"unsubscribe"`...), c)
	case Publish:
		dst = AppendText(append(dst, `"type":"publish","channel":`...), c.Channel)
		dst = appendMember(dst, "key", c.Key)
		if c.Retain {
			dst = append(dst, `,"retain":true`...)
		}
		dst = appendMember(dst, "priority", c.Urgency)
		dst = append(append(dst, `,"data":`...), c.Payload...)
	case Who:
		dst = AppendText(append(dst, `"type":"presence","channel":`...), c.Channel)
	case Ping:
		dst = append(dst, `"type":"ping"`...)
	case Pong:
		dst = append(dst, `"type":"pong"`...)
	case Garbage:
		return append(dst, `"type":"publish","channel":"`...), nil
	case Nonsense:
		dst = append(dst, `"type":"squall"`...)
	default:
		return dst, fmt.Errorf("events has no command for verb %d", c.Verb)
	}
	return append(dst, '}'), nil
}

func appendSession(dst []byte, c *Command) []byte {
	if c.Session == "" {
		return dst
	}
	dst = appendMember(dst, "session", c.Session)
	if c.Keep {
		dst = append(dst, `,"keep":true`...)
	}
	if c.Fresh {
		return append(dst, `,"fresh":true`...)
	}
	if c.Received > 0 {
		dst = strconv.AppendUint(append(dst, `,"received":`...), c.Received, 10)
	}
	if c.Began > 0 {
		dst = strconv.AppendUint(append(dst, `,"began":`...), c.Began, 10)
	}
	return dst
}

func appendTopic(dst []byte, c *Command) []byte {
	key := `,"channel":`
	if c.Pattern {
		key = `,"pattern":`
	}
	return AppendText(append(dst, key...), c.Channel)
}

// appendMember appends a member with a text, or nothing if the text is empty.
func appendMember(dst []byte, key, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, `,"`...), key...), `":`...)
	return AppendText(dst, text)
}

// Decoder implements Dialect.
func (Events) Decoder() Decoder { return &eventsDecoder{} }

type eventsDecoder struct {
	c    Cursor
	err  error
	rows *eventsRows // of the snapshots that have come; nil: none has
}

func (d *eventsDecoder) Reset(payload []byte) {
	d.c.Reset(payload)
	d.err = nil
	if d.rows != nil {
		d.rows.open = false
	}
}

func (d *eventsDecoder) Err() error {
	if err := d.c.Err(); err != nil {
		return err
	}
	return d.err
}

func (d *eventsDecoder) Next(m *Message) bool {
	if d.rows != nil && d.rows.open {
		return d.nextRow(m)
	}
	if d.err != nil || !d.c.Open() {
		return false
	}
	*m = Message{}
	c := &d.c
	var kind, members, rows []byte
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		switch string(key) {
		case "type":
			kind = c.Text()
		case "channel":
			m.Channel = c.Text()
		case "offset":
			m.Offset = c.Uint()
			m.Positioned = true
		case "data":
			m.Payload = c.Skip()
		case "id":
			m.ID = c.Uint()
		case "epoch":
			m.Epoch = c.Text()
		case "replay":
			m.Replay = c.Bool()
		case "retained":
			m.Retained = c.Bool()
		case "recovering":
			m.Recovering = c.Bool()
		case "recovered":
			m.Recovered = c.Bool()
		case "resumed":
			m.Resumed = c.Bool()
		case "began":
			m.Began = c.Uint()
		case "code":
			m.Code = int(min(c.Uint(), 1<<31-1))
		case "message", "reason":
			m.Reason = c.Text()
		case "members":
			members = c.Skip()
		case "rows":
			rows = c.Skip()
		case "last":
			m.Last = c.Bool()
		case "member":
			m.Member = c.Text()
		case "client":
			m.Client = c.Text()
		case "heartbeat_ms":
			m.HeartbeatEvery = milliseconds(c.Uint())
		case "timeout_ms":
			m.HeartbeatTimeout = milliseconds(c.Uint())
		case "retry_ms":
			m.RetryAfter = milliseconds(c.Uint())
		default:
			c.Skip()
		}
	}
	if c.fault != 0 {
		return false
	}
	switch string(kind) {
	case "event":
		m.Kind = Delivered
		if m.Payload == nil {
			d.err = errors.New("event without data")
			return false
		}
	case "published":
		m.Kind = Published
	case "connected":
		m.Kind = Connected
		m.WantsPong = m.HeartbeatEvery > 0
	case "subscribed":
		m.Kind = Subscribed
	case "unsubscribed":
		m.Kind = Unsubscribed
	case "position":
		m.Kind = Passed
	case "gap":
		m.Kind = Gapped
	case "presence":
		m.Kind, m.Payload = Present, members
		if len(members) == 0 || members[0] != '[' {
			d.err = errors.New("presence without members")
			return false
		}
	case "join":
		m.Kind = Joined
	case "leave":
		m.Kind = Left
	case "snapshot":
		m.Kind = Snapshot
		return d.openRows(rows, m)
	case "error":
		m.Kind = Error
		m.Denied = m.Code == 401 || m.Code == 403
	case "ping":
		m.Kind = Pinged
	case "pong":
		m.Kind = Ponged
	case "drain":
		m.Kind = Draining
	case "":
		d.err = errors.New("message without a type")
		return false
	default:
		m.Kind = Ignored // a later server may say more
	}
	return true
}

// milliseconds is n ms, at most some eight years.
func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, 1<<38)) * time.Millisecond
}
