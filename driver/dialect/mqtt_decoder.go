package dialect

import (
	"errors"
	"fmt"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// Decoder implements Dialect.
func (p MQTT) Decoder() Decoder { return &mqttDecoder{version: p.Version} }

// mqttDecoder reads packets off a stream. It keeps nothing from one Reset to the
// next but its scratch: what is not whole yet is the caller's, see Rest.
type mqttDecoder struct {
	version byte
	b       []byte // not read yet
	err     error
	scratch []byte // names of channels
	packet  packets.Packet
}

// mostPacket is the longest packet taken, bytes.
const mostPacket = 16 << 20

func (d *mqttDecoder) Reset(payload []byte) {
	d.b, d.err, d.scratch = payload, nil, d.scratch[:0]
}

func (d *mqttDecoder) Err() error { return d.err }

// Rest implements Streamed.
func (d *mqttDecoder) Rest() []byte {
	if d.err != nil {
		return nil
	}
	return d.b
}

func (d *mqttDecoder) Next(m *Message) bool {
	if d.err != nil {
		return false
	}
	n, size := length(d.b)
	switch {
	case len(d.b) > 0 && d.b[0]>>4 != packets.Publish && names[d.b[0]] == "":
		d.err = fmt.Errorf("a packet that begins with 0x%02x, which no server sends", d.b[0])
		return false
	case size < 0:
		d.err = errors.New("a packet whose length has more than four bytes")
		return false
	case size == 0:
		return false
	case n > mostPacket:
		d.err = fmt.Errorf("a packet of %d bytes; at most %d are taken", n, mostPacket)
		return false
	case len(d.b)-1-size < n:
		return false
	}
	first, body := d.b[0], d.b[1+size:1+size+n]
	d.b = d.b[1+size+n:]
	*m = Message{}
	if first>>4 == packets.Publish {
		d.err = d.publish(first, body, m)
	} else {
		d.err = d.control(first, body, m)
	}
	return d.err == nil
}

// length reads the Remaining Length behind the first byte of a packet. size is
// how many bytes it takes: 0 if they are not all here, −1 if there are too many.
func length(b []byte) (n, size int) {
	for i := 1; i < len(b); i++ {
		n |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return n, i
		}
		if i == 4 {
			return 0, -1
		}
	}
	return 0, 0
}

// names are the packets that a server may send beside PUBLISH, by their first byte.
var names = [256]string{
	packets.Connack << 4: "CONNACK", packets.Puback << 4: "PUBACK", packets.Pubrec << 4: "PUBREC",
	packets.Pubrel<<4 | 2: "PUBREL", packets.Pubcomp << 4: "PUBCOMP", packets.Suback << 4: "SUBACK",
	packets.Unsuback << 4: "UNSUBACK", packets.Pingresp << 4: "PINGRESP", packets.Disconnect << 4: "DISCONNECT",
}

// control reads every packet but PUBLISH, with the library.
func (d *mqttDecoder) control(first byte, body []byte, m *Message) error {
	d.packet = packets.Packet{ProtocolVersion: d.version}
	pk := &d.packet
	pk.FixedHeader = packets.FixedHeader{Type: first >> 4, Remaining: len(body)}
	name := names[first]
	var read func([]byte) error
	switch pk.FixedHeader.Type {
	case packets.Connack:
		read = pk.ConnackDecode
	case packets.Puback, packets.Pubrec, packets.Pubrel, packets.Pubcomp:
		read = pk.PubackDecode // all four are alike
	case packets.Suback:
		read = pk.SubackDecode
	case packets.Unsuback:
		read = pk.UnsubackDecode
	case packets.Pingresp:
		read = pk.PingrespDecode
	default:
		read = pk.DisconnectDecode
		if d.version == 5 && len(body) == 1 { // a reason without properties; the library passes it by
			pk.ReasonCode = body[0]
		}
	}
	if err := read(body); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.ID = uint64(pk.PacketID)
	switch pk.FixedHeader.Type {
	case packets.Puback, packets.Pubrec, packets.Pubrel, packets.Pubcomp, packets.Suback, packets.Unsuback:
		if m.ID == 0 {
			return fmt.Errorf("%s with the packet identifier 0", name)
		}
	}
	return d.say(m)
}

// say makes a message of the packet that was read last.
func (d *mqttDecoder) say(m *Message) error {
	pk := &d.packet
	refused := pk.ReasonCode >= 0x80
	switch pk.FixedHeader.Type {
	case packets.Connack:
		if pk.ReasonCode != 0 {
			d.fail(m, m.ID, pk.ReasonCode)
			return nil
		}
		d.connected(m)
	case packets.Puback:
		m.Kind = Published
	case packets.Pubcomp:
		m.Kind = Published
		if refused { // it was received before, and may have taken effect or not
			d.fail(m, 0, pk.ReasonCode)
		}
		return nil
	case packets.Pubrec:
		m.Kind = Received
	case packets.Pubrel:
		m.Kind = Released
		return nil
	case packets.Suback:
		if len(pk.ReasonCodes) != 1 {
			return fmt.Errorf("SUBACK with %d answers to one subscription", len(pk.ReasonCodes))
		}
		code := pk.ReasonCodes[0]
		m.Kind, m.Quality = Subscribed, Quality(code)
		if code >= 0x80 {
			d.fail(m, m.ID, code)
			if d.version != 5 { // which has one word for all reasons
				m.Denied, m.Vague = true, true
			}
		} else if code > 2 {
			return fmt.Errorf("SUBACK grants QoS %d", code)
		}
		return nil
	case packets.Unsuback:
		m.Kind = Unsubscribed
		if d.version == 5 && len(pk.ReasonCodes) == 1 && pk.ReasonCodes[0] >= 0x80 {
			d.fail(m, m.ID, pk.ReasonCodes[0])
		}
		return nil
	case packets.Pingresp:
		m.Kind = Ponged
		return nil
	case packets.Disconnect:
		d.fail(m, 0, pk.ReasonCode)
		m.Kind = parting(pk.ReasonCode)
		return nil
	}
	if refused {
		d.fail(m, m.ID, pk.ReasonCode)
	}
	return nil
}

// connected reads what a CONNACK demands of the client.
func (d *mqttDecoder) connected(m *Message) {
	pk := &d.packet
	m.Kind, m.Resumed, m.Quality = Connected, pk.SessionPresent, ExactlyOnce
	if d.version != 5 {
		return
	}
	p := &pk.Properties
	m.KeepAlive = time.Duration(p.ServerKeepAlive) * time.Second
	m.Window = int(p.ReceiveMaximum)
	if m.Window == 0 {
		m.Window = 1<<16 - 1
	}
	if p.MaximumQosFlag && p.MaximumQos < 2 {
		m.Quality = Quality(p.MaximumQos)
	}
}

// fail makes an Error of a reason.
func (d *mqttDecoder) fail(m *Message, id uint64, code byte) {
	*m = Message{Kind: Error, ID: id, Code: int(code)}
	text := reason(d.version, d.packet.FixedHeader.Type == packets.Connack, code)
	if s := d.packet.Properties.ReasonString; s != "" {
		text += ": " + s
	}
	m.Reason = []byte(text)
	m.Denied = code == 0x86 || code == 0x87
	if d.version != 5 && d.packet.FixedHeader.Type == packets.Connack {
		m.Denied = code == 4 || code == 5
	}
}
