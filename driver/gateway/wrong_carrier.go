package gateway

import (
	"bytes"
	"time"

	"github.com/gobwas/ws"
)

// What the gateway does wrong on purpose where clients have no WebSocket.

// carried reports whether a connection goes without a WebSocket.
func (c *conn) carried() bool {
	_, is := c.nc.(carrier)
	return is
}

// switched changes what a client resumes from that comes over another transport than
// before. Under the stream's lock.
func (w *wrong) switched(sub *subscription, m *command) {
	if w.switchDoubles == nil && w.sseUnrecovered == nil {
		return
	}
	was := cursor{sub.conn.user, sub.stream.name}
	w.mu.Lock()
	if w.aside == nil {
		w.aside = make(map[cursor]bool)
	}
	back := w.aside[was] && !sub.conn.carried()
	w.aside[was] = sub.conn.carried()
	w.mu.Unlock()
	switch {
	case sub.conn.carried() && w.sseUnrecovered.fires():
		m.epoch = nil
	case back && m.offset > 2 && w.switchDoubles.fires():
		m.offset -= 2
	}
}

// cut leaves the rest of a replay over plain HTTP out, behind the first event.
func (w *wrong) cut(sub *subscription, missed []event) []event {
	if len(missed) > 1 && sub.conn.carried() && w.switchCuts.fires() {
		return missed[:1]
	}
	return missed
}

// tooClose leaves out events of now that come soon after another one, if t is on.
func (t *trigger) tooClose(last *time.Time, frames []byte) []byte {
	if t == nil {
		return frames
	}
	soon := time.Since(*last) <= late
	return keepFrames(frames, func(payload []byte) bool {
		switch {
		case !live(payload):
			return true
		case soon && t.fires():
			return false
		}
		*last, soon = time.Now(), true
		return true
	})
}

// live reports whether a message is an event of now.
func live(payload []byte) bool {
	head := payload[:min(len(payload), 200)]
	return bytes.HasPrefix(head, []byte(`{"type":"event"`)) && !bytes.Contains(head, []byte(`"replay":true`))
}

// keepFrames leaves out the text frames that keep does not want.
func keepFrames(frames []byte, keep func(payload []byte) bool) []byte {
	var out []byte
	for len(frames) > 0 {
		r := bytes.NewReader(frames)
		h, err := ws.ReadHeader(r)
		if err != nil {
			return append(out, frames...)
		}
		from := len(frames) - r.Len()
		end := min(from+int(h.Length), len(frames))
		if h.OpCode != ws.OpText || keep(frames[from:end]) {
			out = append(out, frames[:end]...)
		}
		frames = frames[end:]
	}
	return out
}
