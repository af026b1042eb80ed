package gateway

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// Everything that the gateway says is built here, as one whole text frame. The
// functions append; the frame's header is put in front at the end, into room
// that open has left for it.

// headroom is the largest header of a server's frame: 2 + 8 bytes of length.
const headroom = 10

func open(size int) []byte { return make([]byte, headroom, headroom+size) }

// seal writes the header of an unmasked frame (RFC 6455 §5.2) right before the
// payload b[headroom:] and returns the frame.
func seal(b []byte, op ws.OpCode) []byte {
	n := len(b) - headroom
	first := 0x80 | byte(op)
	switch {
	case n < 126:
		b[headroom-2], b[headroom-1] = first, byte(n)
		return b[headroom-2:]
	case n < 1<<16:
		b[headroom-4], b[headroom-3], b[headroom-2], b[headroom-1] = first, 126, byte(n>>8), byte(n)
		return b[headroom-4:]
	}
	b[0], b[1] = first, 127
	for i := range 8 {
		b[2+i] = byte(n >> (56 - 8*i))
	}
	return b
}

func text(b []byte) []byte { return seal(append(b, '}'), ws.OpText) }

// head begins an answer to the command with an id.
func head(id uint64, kind string) []byte {
	b := append(open(96), '{')
	if id != 0 {
		b = strconv.AppendUint(append(b, `"id":`...), id, 10)
		b = append(b, ',')
	}
	b = append(b, `"type":"`...)
	b = append(b, kind...)
	return append(b, '"')
}

func withChannel(b []byte, name string) []byte {
	return dialect.AppendText(append(b, `,"channel":`...), name)
}

func withPosition(b []byte, p position) []byte {
	if p.epoch == "" {
		return b
	}
	b = dialect.AppendText(append(b, `,"epoch":`...), p.epoch)
	return withOffset(b, p.offset)
}

func withOffset(b []byte, offset uint64) []byte {
	return strconv.AppendUint(append(b, `,"offset":`...), offset, 10)
}

func withMillis(b []byte, key string, d time.Duration) []byte {
	b = append(append(append(b, `,"`...), key...), `":`...)
	return strconv.AppendInt(b, d.Milliseconds(), 10)
}

func sayConnected(id uint64, client string, every, timeout time.Duration, kept, resumed bool, began uint64) []byte {
	b := dialect.AppendText(append(head(id, "connected"), `,"client":`...), client)
	if every > 0 {
		b = withMillis(withMillis(b, "heartbeat_ms", every), "timeout_ms", timeout)
	}
	if kept {
		b = strconv.AppendBool(append(b, `,"resumed":`...), resumed)
		b = strconv.AppendUint(append(b, `,"began":`...), began, 10)
	}
	return text(b)
}

func saySubscribed(id uint64, channel string, top position, recovering, recovered bool) []byte {
	b := withPosition(withChannel(head(id, "subscribed"), channel), top)
	if recovering {
		b = append(b, `,"recovering":true,"recovered":`...)
		b = strconv.AppendBool(b, recovered)
	}
	return text(b)
}

// sayPattern answers a command about a pattern.
func sayPattern(id uint64, kind, name string) []byte {
	return text(dialect.AppendText(append(head(id, kind), `,"pattern":`...), name))
}

func sayUnsubscribed(id uint64, channel string) []byte {
	return text(withChannel(head(id, "unsubscribed"), channel))
}

func sayPublished(id uint64, offset uint64) []byte {
	b := head(id, "published")
	if offset != 0 {
		b = withOffset(b, offset)
	}
	return text(b)
}

// sayEvent also returns the data inside the frame.
func sayEvent(channel string, offset uint64, replay bool, data []byte) (frame, inside []byte) {
	b := open(64 + len(channel) + len(data))
	b = withChannel(append(b, `{"type":"event"`...), channel)
	if offset != 0 {
		b = withOffset(b, offset)
	}
	if replay {
		b = append(b, `,"replay":true`...)
	}
	b = append(append(b, `,"data":`...), data...)
	frame = text(b)
	end := len(frame) - 1
	return frame, frame[end-len(data) : end : end]
}

// sayKept is what a channel keeps: no event of its stream, so it has no offset.
func sayKept(channel string, data []byte) []byte {
	b := open(64 + len(channel) + len(data))
	b = append(withChannel(append(b, `{"type":"event"`...), channel), `,"retained":true,"data":`...)
	return text(append(b, data...))
}

// sayWideEvent names the epoch, too: a pattern has no answer that did.
func sayWideEvent(channel string, p position, data []byte) []byte {
	b := open(96 + len(channel) + len(data))
	b = withPosition(withChannel(append(b, `{"type":"event"`...), channel), p)
	return text(append(append(b, `,"data":`...), data...))
}

func sayGap(channel string, p position, reason string) []byte {
	b := withPosition(withChannel(head(0, "gap"), channel), p)
	return text(dialect.AppendText(append(b, `,"reason":`...), reason))
}

func sayPosition(channel string, p position) []byte {
	return text(withPosition(withChannel(head(0, "position"), channel), p))
}

func sayError(id uint64, e *refusal) []byte {
	b := strconv.AppendInt(append(head(id, "error"), `,"code":`...), int64(e.code), 10)
	b = dialect.AppendText(append(b, `,"error":`...), e.name)
	return text(dialect.AppendText(append(b, `,"message":`...), e.message))
}

// sayPresence is who is there.
func sayPresence(id uint64, channel string, there map[string]int) []byte {
	b := append(withChannel(head(id, "presence"), channel), `,"members":[`...)
	for i, user := range slices.Sorted(maps.Keys(there)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = dialect.AppendText(b, user)
	}
	return text(append(b, ']'))
}

// sayMember tells that somebody comes or goes: kind is join or leave.
func sayMember(kind, channel, user string) []byte {
	return text(dialect.AppendText(append(withChannel(head(0, kind), channel), `,"member":`...), user))
}

func sayPing() []byte          { return text(head(0, "ping")) }
func sayPong(id uint64) []byte { return text(head(id, "pong")) }

func sayDrain(retry time.Duration) []byte {
	b := head(0, "drain")
	if retry > 0 {
		b = withMillis(b, "retry_ms", retry)
	}
	return text(b)
}

// control frames a control message; the payload is at most 125 bytes long.
func control(op ws.OpCode, payload []byte) []byte {
	return seal(append(open(len(payload)), payload...), op)
}

// refusal is why a command is not obeyed. The numbers follow HTTP's.
type refusal struct {
	code    int
	name    string
	message string
}

func refuse(code int, name, message string) *refusal {
	return &refusal{code: code, name: name, message: message}
}
