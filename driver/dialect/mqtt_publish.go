package dialect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/mochi-mqtt/server/v2/packets"
)

// publish reads a PUBLISH: topic, packet identifier above QoS 0, properties in
// version 5, and the rest is the payload. It is what the library does, without
// allocating. RETAIN says that it comes because of a SUBSCRIBE: no subscription of ours
// asks for what its publisher said of that (3.3.1.3 of both versions).
func (d *mqttDecoder) publish(first byte, b []byte, m *Message) error {
	m.Kind, m.Quality, m.Repeated, m.Retained = Delivered, Quality(first>>1&3), first&8 != 0, first&1 != 0
	switch {
	case m.Quality > ExactlyOnce:
		return errors.New("PUBLISH at QoS 3")
	case m.Quality == AtMostOnce && m.Repeated:
		return errors.New("PUBLISH at QoS 0 marked as sent again")
	}
	topic, b, ok := field(b)
	if !ok {
		return errors.New("PUBLISH that ends inside its topic")
	}
	if err := checkTopic(topic); err != nil {
		return err
	}
	n := len(d.scratch)
	d.scratch = appendSwapped(d.scratch, topic)
	m.Channel = d.scratch[n:len(d.scratch):len(d.scratch)]
	if m.Quality > AtMostOnce {
		if len(b) < 2 {
			return errors.New("PUBLISH that ends inside its packet identifier")
		}
		m.ID = uint64(binary.BigEndian.Uint16(b))
		if b = b[2:]; m.ID == 0 {
			return errors.New("PUBLISH with the packet identifier 0")
		}
	}
	if d.version == 5 {
		n, size := variable(b)
		if size == 0 || n > len(b)-size {
			return errors.New("PUBLISH that ends inside its properties")
		}
		if err := checkProperties(b[size : size+n]); err != nil {
			return err
		}
		b = b[size+n:]
	}
	m.Payload = b
	return nil
}

// field splits off a text or a binary value with its length before it.
func field(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b)-2 < n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}

// variable reads a Variable Byte Integer; size is 0 if there is none.
func variable(b []byte) (n, size int) {
	for i := 0; i < len(b) && i < 4; i++ {
		n |= int(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}

// checkTopic refuses what is no topic. Without a topic there would have to be an
// alias, which the client has not allowed.
func checkTopic(topic []byte) error {
	if len(topic) == 0 {
		return errors.New("PUBLISH without a topic")
	}
	for _, c := range topic {
		if c == '+' || c == '#' {
			return fmt.Errorf("PUBLISH to the pattern %q", topic)
		}
	}
	if !text(topic) {
		return errors.New("PUBLISH whose topic is no UTF-8 text")
	}
	return nil
}

// text reports whether b is what the protocol calls a UTF-8 string.
func text(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

// checkProperties walks over the properties of a PUBLISH.
func checkProperties(b []byte) error {
	for len(b) > 0 {
		id := b[0]
		b = b[1:]
		n, ok := 0, true
		switch id {
		case packets.PropPayloadFormat:
			n = 1
		case packets.PropMessageExpiryInterval:
			n = 4
		case packets.PropSubscriptionIdentifier:
			_, n = variable(b)
			ok = n > 0
		case packets.PropCorrelationData:
			_, b, ok = field(b)
		case packets.PropContentType, packets.PropResponseTopic:
			b, ok = passText(b)
		case packets.PropUser:
			if b, ok = passText(b); ok {
				b, ok = passText(b)
			}
		case packets.PropTopicAlias:
			return errors.New("PUBLISH with a topic alias, which the client has not allowed")
		default:
			return fmt.Errorf("PUBLISH with the property %d", id)
		}
		if !ok || len(b) < n {
			return fmt.Errorf("PUBLISH with a malformed property %d", id)
		}
		b = b[n:]
	}
	return nil
}

func passText(b []byte) (rest []byte, ok bool) {
	s, rest, ok := field(b)
	return rest, ok && text(s)
}
