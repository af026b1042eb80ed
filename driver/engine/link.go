package engine

import (
	"fmt"
	"strconv"
	"time"

	"squall/driver/fault"
)

// phase is how far a connection has come.
type phase uint8

const (
	connecting phase = iota // TCP and TLS
	upgrading               // the request is out
	refused                 // a refusal came; its body is awaited
	open
	closing // our close frame is out
	ended   // Closed has been queued; the socket may outlive it
)

// farewell is how a socket is let go of.
type farewell uint8

const (
	shut      farewell = iota // get out what is queued, then close
	reset                     // RST at once
	lastWords                 // get out what is queued, then RST
	finish                    // FIN, read nothing, close when the server has closed or after closeWait
	abandon                   // keep it open, untouched, until the loop stops
)

// wire is a connection's socket, as its engine drives it. Its methods neither
// block nor call back.
type wire interface {
	// push writes b, or a copy of it later.
	push(b []byte)
	// waiting is how many bytes were pushed and not yet taken by the socket.
	waiting() int
	// end lets go of the socket; the engine releases the link when it is gone.
	end(how farewell)
	// over says that nothing more will be read, though the link goes on for a while.
	over()
	// gate applies Freeze, Slow or Heal.
	gate(a fault.Action)
	// expire tells that link.more.later, or after the end any time set, has come.
	expire(now time.Duration)
}

// link is one connection, but for its socket: handshake, messages, faults, and
// the one Closed at the end. Both engines feed it bytes.
type link struct {
	token   Token
	shard   *shard
	wire    wire
	decoder decoder
	more    *more
	slot    int32
	phase   phase
	pongs   uint16 // sent since nothing was waiting
	taking  bool   // bytes are being taken, and what is behind them has to wait
	packs   bool   // permessage-deflate was agreed on
}

// more is what only some moments of a connection need. Times are 0 when unset.
type more struct {
	dial    *Dial
	refusal answer
	due     time.Duration // of the phase: timeout of the dial, end of the close wait
	later   time.Duration // the wire's own
	cut     *cut
	frozen  bool          // by Freeze
	held    []byte        // read before the Freeze, to be received after the Heal …
	thaw    time.Duration // … which is then, if nothing else is read before
	transit *transit      // a network of its own
}

// cut is a Cut that has not struck yet.
type cut struct {
	place fault.Place
	had   int           // bytes of the unfinished frame that were here before
	grace time.Duration // of Action
	due   time.Duration // when the grace is over
}

func (l *link) extra() *more {
	if l.more == nil {
		l.more = new(more)
	}
	return l.more
}

// begin is the start of a dial; the wire follows with connected or lost.
func (l *link) begin(d *Dial) {
	m := l.extra()
	m.dial = d
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	m.due = l.shard.Now() + timeout
	l.arm()
}

// arm sets the connection's one timer to what is due first.
func (l *link) arm() {
	if l.slot < 0 {
		return
	}
	first := Never
	if m := l.more; m != nil {
		times := [...]time.Duration{m.due, m.later, m.thaw, 0}
		if m.cut != nil {
			times[3] = m.cut.due
		}
		for _, t := range times {
			if t > 0 {
				first = min(first, t)
			}
		}
		first = min(first, m.transit.next())
		if first == Never && m.dial == nil && m.cut == nil && m.transit == nil && !m.frozen {
			l.more = nil
		}
	}
	if first == Never {
		l.shard.wheel.Clear(l.slot)
		return
	}
	l.shard.wheel.Set(l.slot, first)
}

// expire is called when the timer that arm set has come.
func (l *link) expire(now time.Duration) {
	m := l.more
	if l.phase == ended || m == nil {
		l.wire.expire(now)
		return
	}
	switch {
	case m.cut != nil && m.cut.due > 0 && now >= m.cut.due:
		ping := l.shard.frame(OpPing, []byte("squall"))
		l.push(ping[:len(ping)/2])
		l.finish(End{Cause: Fault, At: l.shard.stamp()}, lastWords)
		return
	case m.due > 0 && now >= m.due:
		l.late()
		return
	case m.thaw > 0 && now >= m.thaw:
		l.take(nil, l.shard.stamp())
	case now >= m.transit.next():
		l.travel(now)
	case m.later > 0 && now >= m.later:
		m.later = 0
		l.wire.expire(now)
	}
	l.arm()
}

// late is the end of a phase's time.
func (l *link) late() {
	at := l.shard.stamp()
	switch l.phase {
	case refused:
		l.refuse(l.more.refusal, at)
	case closing:
		l.finish(End{Cause: Local, At: at}, shut)
	case upgrading:
		l.finish(End{Cause: TimedOut, Text: "connected, but no answer to the upgrade request", At: at}, reset)
	default:
		l.finish(End{Cause: TimedOut, Text: "not connected", At: at}, reset)
	}
}

// connected sends the upgrade request.
func (l *link) connected() {
	if l.phase != connecting {
		return
	}
	l.phase = upgrading
	l.push(l.more.dial.Request)
}

// lost says that no more bytes will come: EOF, Reset, or Unreachable before the
// connection stood.
func (l *link) lost(cause Cause, text string, at Stamp) {
	if l.overtakes(cause, text) {
		return
	}
	if l.more != nil && len(l.more.held) > 0 {
		l.more.frozen = false
		l.take(nil, at)
	}
	switch l.phase {
	case ended:
		return
	case refused:
		l.refuse(l.more.refusal, at)
		return
	case closing:
		cause, text = Local, ""
	case upgrading:
		if p := l.decoder.part; cause == EOF && p != nil && len(p.pending) > 0 {
			cause, text = NotUpgraded, clip("the answer ended early: "+strconv.QuoteToASCII(string(p.pending[:min(len(p.pending), 200)])), maxText)
		}
	}
	l.finish(End{Cause: cause, Text: clip(text, maxText), At: at}, shut)
}

// finish queues the one Closed and lets go of the socket.
func (l *link) finish(e End, how farewell) {
	if l.phase == ended {
		return
	}
	if l.phase == open || l.phase == closing {
		l.shard.count.conns--
	}
	if how != reset && how != abandon {
		l.hurry()
	}
	l.phase = ended
	l.more = nil
	l.decoder.drop(&l.shard.spares)
	l.shard.wheel.Clear(l.slot)
	l.shard.ends = append(l.shard.ends, ending{l.token, e})
	l.wire.end(how)
}

// receive takes bytes off the wire, in order.
func (l *link) receive(b []byte, at Stamp) {
	l.shard.count.bytesIn += uint64(len(b))
	if l.more != nil && l.more.transit != nil {
		l.underway(b, at.Read)
		return
	}
	l.take(b, at)
}

// take takes bytes that have come to this end.
func (l *link) take(b []byte, at Stamp) {
	l.taking = true
	l.decode(b, at)
	l.taking = false
}

func (l *link) decode(b []byte, at Stamp) {
	s := l.shard
	if m := l.more; m != nil {
		if b = l.hold(b); m.frozen {
			return
		}
	}
	if l.phase == upgrading || l.phase == refused {
		b = l.upgrade(b, at)
	}
	if m := l.more; m != nil && m.cut != nil && len(b) > 0 {
		m.cut.due = at.Read + m.cut.grace
		l.arm()
	}
	for len(b) > 0 && (l.phase == open || l.phase == closing) {
		if m := l.more; m != nil {
			if m.frozen {
				l.hold(b)
				return
			}
			if m.cut != nil && l.severed(b) {
				l.finish(End{Cause: Fault, At: at}, reset)
				return
			}
		}
		m, n, bad := l.decoder.next(b, s.limit, l.packs, &s.spares)
		if bad.code != 0 {
			l.violated(bad, 0, at)
			return
		}
		b = b[n:]
		if m.whole {
			l.deliver(m, at)
		}
		l.decoder.settle(&s.spares)
	}
}

// hold keeps b while the connection is frozen; after that it returns what was
// kept, with b behind it.
func (l *link) hold(b []byte) []byte {
	m := l.more
	if m.frozen {
		m.held = append(m.held, b...)
		return nil
	}
	if len(m.held) > 0 {
		b = append(m.held, b...)
		m.held, m.thaw = nil, 0
	}
	return b
}

// upgrade takes bytes of the answer, and returns the frames that came with it.
func (l *link) upgrade(b []byte, at Stamp) (early []byte) {
	s := l.shard
	p := l.decoder.part
	if p != nil {
		p.pending = append(p.pending, b...)
		b = p.pending
	}
	a := parseAnswer(b, l.more.dial.Accept, l.more.dial.Protocol, l.more.dial.Deflate)
	switch {
	case a.accepted:
		if p != nil {
			p.pending = nil // b lives on as the early bytes
			l.decoder.drop(&s.spares)
		}
		l.phase, l.packs = open, a.packs
		l.more.dial, l.more.due = nil, 0
		l.arm()
		s.count.conns++
		s.handler.Open(l.token, at)
		return b[a.size:]
	case a.refused && (!a.partial || len(b) > 2*maxAnswer):
		l.refuse(a, at)
		return nil
	case a.refused && l.phase != refused:
		l.phase = refused
		l.more.due = min(l.more.due, s.Now()+closeWait)
		l.arm()
	}
	l.more.refusal = a
	if p == nil {
		p = l.decoder.unfinished(&s.spares)
		p.pending = append(p.pending, b...)
	}
	return nil
}

func (l *link) refuse(a answer, at Stamp) {
	l.finish(End{Cause: NotUpgraded, Status: a.status, Text: a.text, At: at}, shut)
}

// severed says whether b, the bytes that follow, reaches the place of the cut.
// Otherwise it counts the frame that next is about to take.
func (l *link) severed(b []byte) bool {
	c := l.more.cut
	var start [maxHeader]byte
	have := 0
	if p := l.decoder.part; p != nil {
		have = len(p.pending)
		copy(start[:], p.pending)
	}
	if have < maxHeader {
		copy(start[have:], b)
	}
	have += len(b)
	h, bad := parseHeader(start[:min(have, maxHeader)], l.shard.limit, l.packs)
	switch {
	case bad.code != 0:
		return false // a Violation is about to end it
	case h.size == 0:
		return c.place.InHeader(have, c.had)
	}
	size := h.size + h.length
	if at, in := c.place.In(h.size, size, c.had); in {
		return have >= at
	}
	if have >= size {
		c.place.Passed(size - c.had)
		c.had = 0
	}
	return false
}

// deliver hands one message over; close frames end the connection.
func (l *link) deliver(m message, at Stamp) {
	s := l.shard
	if m.opcode != OpClose {
		s.count.messages++
		s.handler.Message(l.token, m.opcode, m.payload, at)
		return
	}
	code, reason, bad := parseClose(m.payload)
	switch {
	case bad.code != 0:
		l.violated(bad, code, at)
	case l.phase == closing:
		l.finish(End{Cause: Local, Code: code, At: at}, shut)
	default:
		l.push(s.frame(OpClose, closePayload(code, "")))
		l.finish(End{Cause: CloseFrame, Code: code, Text: reason, At: at}, shut)
	}
}

// violated ends the connection for what the server did; told is the close code
// of its close frame, if that was it.
func (l *link) violated(v violation, told uint16, at Stamp) {
	if l.phase == open {
		l.push(l.shard.frame(OpClose, closePayload(v.code, v.text)))
	}
	l.finish(End{Cause: Violation, Broken: v.code != 1009 && told == 0, Code: told, Text: clip(v.text, maxText), At: at}, shut)
}

// What waits for a server that does not read is bounded: mostWaiting bytes, and
// of them mostPongs pongs, since only the latest ping needs one (RFC 6455 §5.5.3).
const (
	mostWaiting = 64 << 20
	mostPongs   = 500
)

// Send implements Conn. Before Open and after Close it does nothing.
func (l *link) Send(opcode byte, payload []byte) {
	if l.phase != open {
		return
	}
	n := l.wire.waiting() + l.leaving()
	if opcode == OpPong {
		switch {
		case n == 0:
			l.pongs = 0
		case l.pongs >= mostPongs:
			return
		}
		l.pongs++
	}
	if n > mostWaiting {
		text := fmt.Sprintf("the server does not read: over %d MiB wait to be sent", mostWaiting>>20)
		l.finish(End{Cause: Local, Text: text, At: l.shard.stamp()}, reset)
		return
	}
	if l.packs && opcode < OpClose {
		opcode, payload = opcode|packedBit, l.shard.deflater.deflate(payload)
	}
	l.push(l.shard.frame(opcode, payload))
}

// Close implements Conn.
func (l *link) Close(code uint16, reason string) {
	switch l.phase {
	case open:
		l.push(l.shard.frame(OpClose, closePayload(code, reason)))
		l.phase = closing
		l.extra().due = l.shard.Now() + l.patience()
		l.arm()
	case connecting, upgrading, refused:
		l.finish(End{Cause: Local, At: l.shard.stamp()}, reset)
	}
}

// Fault implements Conn.
func (l *link) Fault(a fault.Action) {
	if l.phase == ended {
		return
	}
	end := End{Cause: Fault, At: l.shard.stamp()}
	switch a.Kind {
	case fault.Reset:
		l.finish(end, reset)
	case fault.Fin:
		l.finish(end, finish)
	case fault.Abandon:
		l.finish(end, abandon)
	case fault.Cut:
		grace := a.Grace
		if grace <= 0 {
			grace = 500 * time.Millisecond
		}
		c := &cut{place: fault.NewPlace(a.After), grace: grace, due: end.At.Read + grace}
		if p := l.decoder.part; p != nil && !p.used && l.phase >= open {
			c.had = len(p.pending)
		}
		l.extra().cut = c
		l.arm()
	case fault.Freeze:
		l.extra().frozen = true
		l.wire.gate(a)
	case fault.Slow:
		l.wire.gate(a)
	case fault.Raw:
		if l.phase == open {
			l.push(a.Bytes)
		}
	case fault.Degrade:
		l.degrade(a, end.At.Read)
	case fault.Heal:
		if m := l.more; m != nil && m.frozen {
			m.frozen = false
			if len(m.held) > 0 {
				m.thaw = end.At.Read + 1
			}
			l.arm()
		}
		l.wire.gate(a)
	}
}
