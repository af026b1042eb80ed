package gateway

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"net/http"
	"strings"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// permessage-deflate (RFC 7692): each message is compressed alone, both ways, so that
// connections keep no window. Frames are queued as they are, shared between
// connections, and compressed where they are written.

// deflateAnswer agrees to an offer. Both parameters may stand in an answer whether
// the offer named them or not (RFC 7692 §7.1.1).
const deflateAnswer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

// deflateTail is what a sender takes off the end of a compressed message (§7.2.1).
var deflateTail = []byte("\x00\x00\xff\xff")

// offersDeflate reports whether a request offers a permessage-deflate that can be
// agreed to: one that doesn't ask for a smaller window of the server (§5.1, §7.1.2.1).
func offersDeflate(req *http.Request) bool {
	options, ok := httphead.ParseOptions([]byte(strings.Join(req.Header.Values("Sec-Websocket-Extensions"), ",")), nil)
	if !ok {
		return false
	}
	for _, o := range options {
		var p wsflate.Parameters
		if string(o.Name) == wsflate.ExtensionName && p.Parse(o) == nil && !p.ServerMaxWindowBits.Defined() {
			return true
		}
	}
	return false
}

// pack is the other form of frames, whole and unmasked: text is compressed.
func (g *Gateway) pack(c *conn, frames []byte) []byte {
	var out bytes.Buffer
	z, _ := g.deflaters.Get().(*flate.Writer)
	if z == nil {
		z, _ = flate.NewWriter(nil, flate.BestSpeed) // the level is valid
	}
	defer g.deflaters.Put(z)
	packed := bytes.NewBuffer(make([]byte, 0, 512))
	for len(frames) > 0 {
		size, length := frameSize(frames)
		frame := frames[:size+length]
		frames = frames[size+length:]
		if ws.OpCode(frame[0]&0x0F) != ws.OpText {
			out.Write(frame)
			continue
		}
		if g.wrong.rawInCompressed.fires() {
			out.WriteByte(frame[0] | 0x40)
			out.Write(frame[1:])
			continue
		}
		packed.Reset()
		if x := g.wrong.compressor(c); x != nil {
			packed.Write(x.pack(frame[size:]))
		} else {
			packed.Write(make([]byte, headroom))
			z.Reset(packed)
			z.Write(frame[size:]) // a buffer takes everything
			z.Flush()
		}
		sealed := seal(bytes.TrimSuffix(packed.Bytes(), deflateTail), ws.OpText)
		sealed[0] |= 0x40 // RSV1
		out.Write(sealed)
	}
	return out.Bytes()
}

// frameSize is how long the header and the payload of a frame of seal are, bytes.
func frameSize(b []byte) (header, payload int) {
	switch n := int(b[1] & 0x7F); n {
	case 126:
		return 4, int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		return 10, int(binary.BigEndian.Uint64(b[2:]))
	default:
		return 2, n
	}
}

// unpack expands the message that r has read, of at most limit bytes.
func (r *reader) unpack(limit int) error {
	src := io.MultiReader(bytes.NewReader(*r.payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
	z := flate.NewReader(src)
	message, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	switch {
	case err != nil:
		return &violation{ws.StatusInvalidFramePayloadData, "the message is not compressed"}
	case len(message) > limit:
		return &violation{ws.StatusMessageTooBig, "message too big"}
	}
	*r.payload = append((*r.payload)[:0], message...)
	return nil
}
