package gateway

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// reader takes messages from a connection. It holds memory only as bytes
// arrive, never because a header announces them.
type reader struct {
	c        *conn
	early    []byte
	buffered *bufio.Reader
	header   [ws.MaxHeaderSize]byte
	payload  *[]byte // borrowed from the gateway while a message is incomplete or in use
	partial  bool    // a fragmented message is open
	packed   bool    // the message is compressed
}

// violation is what the peer did wrong, with the close code that says so.
type violation struct {
	code   ws.StatusCode
	reason string
}

func (v *violation) Error() string { return v.reason }

// errPeerClosed means that the peer has sent a close frame, which was answered.
var errPeerClosed = errors.New("the peer closed")

// Read is the connection's stream of bytes, early ones first. Every byte is a
// sign of life.
func (r *reader) Read(p []byte) (int, error) {
	if len(r.early) > 0 {
		n := copy(p, r.early)
		if r.early = r.early[n:]; len(r.early) == 0 {
			r.early = nil
		}
		return n, nil
	}
	n, err := r.c.nc.Read(p)
	if n > 0 {
		r.c.alive.Store(true)
	}
	return n, err
}

// message returns the next whole text message, valid until release. Control
// frames are obeyed on the way.
func (r *reader) message() ([]byte, error) {
	for {
		h, err := ws.ReadHeaderBuffer(r.buffered, r.header[:])
		if err != nil {
			if errors.Is(err, ws.ErrHeaderLengthMSB) || errors.Is(err, ws.ErrHeaderLengthUnexpected) {
				err = &violation{ws.StatusProtocolError, err.Error()}
			}
			return nil, err
		}
		h = r.c.gateway.wrong.unmask(h)
		if err := r.check(h); err != nil {
			return nil, err
		}
		if h.OpCode.IsControl() {
			if err := r.control(h); err != nil {
				return nil, err
			}
			continue
		}
		if r.payload == nil {
			r.payload = r.c.gateway.buffers.Get().(*[]byte)
			*r.payload = (*r.payload)[:0]
		}
		if int64(len(*r.payload))+h.Length > int64(r.limit()) {
			return nil, &violation{ws.StatusMessageTooBig, "message too big"}
		}
		from := len(*r.payload)
		if err := r.fill(h); err != nil {
			return nil, err
		}
		ws.Cipher((*r.payload)[from:], h.Mask, 0)
		r.partial = !h.Fin
		if !h.Fin {
			continue
		}
		if r.packed {
			if err := r.unpack(r.limit()); err != nil {
				return nil, err
			}
		}
		if !utf8.Valid(*r.payload) {
			r.c.gateway.wrong.passOn(r.c, *r.payload)
			return nil, &violation{ws.StatusInvalidFramePayloadData, "text is not UTF-8"}
		}
		return *r.payload, nil
	}
}

// check refuses what RFC 6455 §5 forbids a client, and binary messages.
func (r *reader) check(h ws.Header) error {
	state := ws.StateServerSide
	if r.partial {
		state = state.Set(ws.StateFragmented)
	}
	if r.c.packs && h.OpCode == ws.OpText { // where RSV1 tells that the message is compressed
		r.packed, h.Rsv = h.Rsv1(), ws.Rsv(false, h.Rsv2(), h.Rsv3())
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return &violation{ws.StatusProtocolError, err.Error()}
	}
	switch {
	case h.OpCode == ws.OpBinary:
		return &violation{ws.StatusUnsupportedData, "only text is understood"}
	case h.Length > int64(r.limit()):
		return &violation{ws.StatusMessageTooBig, "message too big"}
	}
	return nil
}

// limit is the length of the longest message.
func (r *reader) limit() int {
	return r.c.gateway.wrong.longest(r.c.gateway.cfg.Limits.Message)
}

// fill reads the frame's payload behind what is there, in steps of at most 4 KiB.
func (r *reader) fill(h ws.Header) error {
	b := *r.payload
	for left := int(h.Length); left > 0; {
		n := min(left, 4<<10)
		from := len(b)
		if cap(b)-from < n {
			b = append(b, make([]byte, n)...)
		} else {
			b = b[:from+n]
		}
		*r.payload = b
		if _, err := io.ReadFull(r.buffered, b[from:]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// control obeys a ping, a pong or a close frame.
func (r *reader) control(h ws.Header) error {
	var space [ws.MaxControlFramePayloadSize]byte
	payload := space[:h.Length]
	if _, err := io.ReadFull(r.buffered, payload); err != nil {
		return err
	}
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		r.c.send(item{frame: control(ws.OpPong, payload), free: true})
	case ws.OpClose:
		r.c.goodbye = true
		if len(payload) == 0 {
			r.c.shut(nil, false)
			return errPeerClosed
		}
		code, reason := ws.ParseCloseFrameData(payload)
		if err := ws.CheckCloseFrameData(code, reason); err != nil || len(payload) == 1 {
			return &violation{ws.StatusProtocolError, "bad close frame"}
		}
		r.c.close(code, "")
		return errPeerClosed
	}
	return nil
}

// release gives the message's memory back.
func (r *reader) release() {
	if r.payload != nil {
		r.c.gateway.buffers.Put(r.payload)
		r.payload = nil
	}
}
