package engine

import (
	"fmt"
	"unicode/utf8"
)

// decoder joins the frames of one connection to messages. It is one pointer
// while no frame and no message is unfinished, which is nearly always.
type decoder struct{ part *part }

// part is what came of an unfinished frame or message.
type part struct {
	pending []byte // of a frame that is not whole yet, header included
	joined  []byte // payloads of the fragments so far
	opcode  byte   // of the fragmented message; 0: there is none
	packed  bool   // the fragmented message is compressed
	used    bool   // pending was a whole frame and has been handed out
	ended   bool   // joined was a whole message and has been handed out
}

// spareSize is the largest buffer that is kept for the next unfinished frame.
const spareSize = 64 << 10

// spares keeps one part for the next connection that needs one, so that frames
// split by a full read buffer cost no allocation.
type spares struct {
	part     *part
	inflater *inflater // nil until a compressed message comes
	packed   uint64    // messages that came compressed
	unpacked uint64    // their bytes, expanded
}

func (s *spares) take() *part {
	if p := s.part; p != nil {
		s.part = nil
		return p
	}
	return new(part)
}

func (s *spares) give(p *part) {
	if cap(p.pending) > spareSize {
		p.pending = nil
	}
	if cap(p.joined) > spareSize {
		p.joined = nil
	}
	*p = part{pending: p.pending[:0], joined: p.joined[:0]}
	s.part = p
}

// expand inflates one message; the result is valid until the next.
func (s *spares) expand(b []byte, limit int) ([]byte, violation) {
	if s.inflater == nil {
		s.inflater = new(inflater)
	}
	out, bad := s.inflater.inflate(b, limit)
	s.packed++
	s.unpacked += uint64(len(out))
	return out, bad
}

// message is one whole message or control frame.
type message struct {
	opcode  byte
	payload []byte
	whole   bool // false: there is none yet
}

// next consumes the first frame of b, or all of b when that frame is not whole,
// and says how many bytes that took. The payload points into b or the decoder
// and is valid until settle, which must follow every call.
//
// packs tells that permessage-deflate was agreed on.
func (d *decoder) next(b []byte, limit int, packs bool, s *spares) (m message, n int, bad violation) {
	if d.part == nil || len(d.part.pending) == 0 {
		h, bad := parseHeader(b, limit, packs)
		if bad.code == 0 && h.size > 0 {
			bad = d.admit(h, limit)
		}
		if bad.code != 0 {
			return m, 0, bad
		}
		if h.size == 0 || len(b)-h.size < h.length {
			d.unfinished(s).pending = append(d.part.pending, b...)
			return m, len(b), bad
		}
		n = h.size + h.length
		m, bad = d.frame(h, b[h.size:n], limit, s)
		return m, n, bad
	}
	p := d.part
	h, _ := parseHeader(p.pending, limit, packs) // was fine when it was kept
	for h.size == 0 {
		if n == len(b) {
			return m, n, bad
		}
		p.pending = append(p.pending, b[n])
		n++
		if h, bad = parseHeader(p.pending, limit, packs); bad.code != 0 {
			return m, n, bad
		}
	}
	if bad = d.admit(h, limit); bad.code != 0 {
		return m, n, bad
	}
	missing := h.size + h.length - len(p.pending)
	take := min(missing, len(b)-n)
	p.pending = append(p.pending, b[n:n+take]...)
	n += take
	if take < missing {
		return m, n, bad
	}
	p.used = true
	m, bad = d.frame(h, p.pending[h.size:], limit, s)
	return m, n, bad
}

// admit checks a header against the message that it belongs to (RFC 6455 §5.4).
func (d *decoder) admit(h header, limit int) violation {
	if h.opcode >= OpClose {
		return violation{}
	}
	inside := d.part != nil && d.part.opcode != 0
	switch {
	case h.opcode == OpContinuation && !inside:
		return violation{1002, "continuation frame without a message to continue"}
	case h.opcode != OpContinuation && inside:
		return violation{1002, "new message inside a fragmented one"}
	case inside && len(d.part.joined)+h.length > limit:
		return violation{1009, fmt.Sprintf("message of over %d bytes is over the limit of %d", len(d.part.joined)+h.length-1, limit)}
	}
	return violation{}
}

// frame takes one whole frame that was admitted.
func (d *decoder) frame(h header, payload []byte, limit int, s *spares) (m message, bad violation) {
	packed := h.packed
	switch {
	case h.opcode >= OpClose:
		return message{h.opcode, payload, true}, bad
	case h.opcode != OpContinuation && h.fin:
		m = message{h.opcode, payload, true}
	default:
		p := d.unfinished(s)
		if h.opcode != OpContinuation {
			p.opcode, p.packed = h.opcode, h.packed
		}
		p.joined = append(p.joined, payload...)
		if !h.fin {
			return m, bad
		}
		m, packed = message{p.opcode, p.joined, true}, p.packed
		p.opcode, p.ended = 0, true
	}
	if packed {
		if m.payload, bad = s.expand(m.payload, limit); bad.code != 0 {
			return message{}, bad
		}
	}
	if m.opcode == OpText && !utf8.Valid(m.payload) {
		return message{}, violation{1007, "text message is not UTF-8"}
	}
	return m, bad
}

func (d *decoder) unfinished(s *spares) *part {
	if d.part == nil {
		d.part = s.take()
	}
	return d.part
}

// settle lets go of what the last call of next handed out.
func (d *decoder) settle(s *spares) {
	p := d.part
	if p == nil {
		return
	}
	if p.used {
		p.used, p.pending = false, shrunk(p.pending)
	}
	if p.ended {
		p.ended, p.joined = false, shrunk(p.joined)
	}
	if len(p.pending) == 0 && p.opcode == 0 {
		d.drop(s)
	}
}

func shrunk(b []byte) []byte {
	if cap(b) > spareSize {
		return nil
	}
	return b[:0]
}

// drop forgets everything unfinished.
func (d *decoder) drop(s *spares) {
	if d.part != nil {
		s.give(d.part)
		d.part = nil
	}
}
