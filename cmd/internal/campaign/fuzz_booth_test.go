package campaign

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
)

// booth is a small correct server of a dialect that the reference gateway does not
// speak: one channel, no history, no sessions. What it says goes through pass.
type booth struct {
	w      *world
	pass   passes
	answer func(h *booth, m *member, payload []byte) (goOn bool)
	binary bool

	mu      sync.Mutex
	members map[*member]bool
}

// member is a connection of a booth.
type member struct {
	out     chan []byte
	quality byte   // MQTT: of its subscription
	lastID  uint16 // MQTT: of what was sent to it
	rest    []byte // MQTT: of a packet that is not whole yet
}

// fake serves the booth's connections.
func (h *booth) fake() fake {
	h.members = make(map[*member]bool)
	return upgraded(func(p *peer) {
		m := &member{out: make(chan []byte, 1<<13)}
		gone := make(chan struct{})
		h.w.group.Go(func() {
			defer p.Close()
			for {
				select {
				case f := <-m.out:
					if !h.pass(p, f) {
						return
					}
				case <-gone:
					return
				case <-h.w.over:
					return
				}
			}
		})
		defer close(gone)
		defer h.leave(m)
		for {
			opcode, payload, err := hear(p.in)
			if err != nil || opcode == 8 {
				return
			}
			if (opcode == 1 || opcode == 2) && !h.answer(h, m, payload) {
				return
			}
		}
	})
}

func (h *booth) leave(m *member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.members, m)
}

// say queues one message; a member who doesn't take its messages is a test that
// is wrong. h.mu is held.
func (h *booth) say(m *member, payload []byte) {
	opcode := byte(1)
	if h.binary {
		opcode = 2
	}
	select {
	case m.out <- frame(opcode, payload):
	case <-h.w.over:
	}
}

// answerCentrifugo obeys the commands of one message.
func answerCentrifugo(h *booth, m *member, payload []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := json.NewDecoder(bytes.NewReader(payload))
	for in.More() {
		var c struct {
			ID          uint64
			Connect     *struct{}
			Subscribe   *struct{}
			Unsubscribe *struct{}
			Publish     *struct {
				Channel string
				Data    json.RawMessage
			}
		}
		if in.Decode(&c) != nil {
			return false
		}
		switch {
		case c.Connect != nil:
			h.say(m, fmt.Appendf(nil, `{"id":%d,"connect":{"client":"c%d","version":"1"}}`, c.ID, c.ID))
		case c.Subscribe != nil:
			h.members[m] = true
			h.say(m, fmt.Appendf(nil, `{"id":%d,"subscribe":{}}`, c.ID))
		case c.Unsubscribe != nil:
			delete(h.members, m)
			h.say(m, fmt.Appendf(nil, `{"id":%d,"unsubscribe":{}}`, c.ID))
		case c.Publish != nil:
			for to := range h.members {
				h.say(to, fmt.Appendf(nil, `{"push":{"channel":%q,"pub":{"data":%s}}}`, c.Publish.Channel, c.Publish.Data))
			}
			h.say(m, fmt.Appendf(nil, `{"id":%d,"publish":{}}`, c.ID))
		}
	}
	return true
}

// answerMQTT obeys the packets of version 5 that are whole by now.
func answerMQTT(h *booth, m *member, payload []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.rest = append(m.rest, payload...)
	for {
		n, used := binary.Uvarint(m.rest[min(1, len(m.rest)):])
		if used <= 0 || len(m.rest) < 1+used+int(n) {
			return used >= 0
		}
		first, body := m.rest[0], bytes.Clone(m.rest[1+used:1+used+int(n)])
		m.rest = m.rest[1+used+int(n):]
		switch first >> 4 {
		case 1: // CONNECT
			h.say(m, []byte{0x20, 3, 0, 0, 0})
		case 3: // PUBLISH: the topic, an identifier above QoS 0, no properties, the payload
			topic := body[:2+int(binary.BigEndian.Uint16(body))]
			body = body[len(topic):]
			quality := first >> 1 & 3
			id := []byte(nil)
			if quality > 0 {
				id, body = body[:2], body[2:]
			}
			for to := range h.members {
				h.publish(to, min(quality, to.quality), topic, body)
			}
			if quality > 0 {
				h.say(m, append([]byte{0x40, 2}, id...))
			}
		case 8: // SUBSCRIBE
			m.quality, h.members[m] = min(1, body[len(body)-1]&3), true
			h.say(m, []byte{0x90, 4, body[0], body[1], 0, m.quality})
		case 10: // UNSUBSCRIBE
			delete(h.members, m)
			h.say(m, []byte{0xb0, 4, body[0], body[1], 0, 0})
		case 12: // PINGREQ
			h.say(m, []byte{0xd0, 0})
		case 14: // DISCONNECT
			return false
		}
	}
}

// publish sends a PUBLISH to a member. body begins with the properties.
func (h *booth) publish(to *member, quality byte, topic, body []byte) {
	packet := append([]byte(nil), topic...)
	if quality > 0 {
		if to.lastID++; to.lastID == 0 {
			to.lastID = 1
		}
		packet = binary.BigEndian.AppendUint16(packet, to.lastID)
	}
	packet = append(packet, body...)
	h.say(to, append(binary.AppendUvarint([]byte{0x30 | quality<<1}, uint64(len(packet))), packet...))
}
