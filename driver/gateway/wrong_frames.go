package gateway

import (
	"bytes"
	"compress/flate"
	"slices"

	"github.com/gobwas/ws"
)

// What becomes of frames on purpose, where they are written.

// wantsText is the length of the payload from which a text frame is worth spoiling.
const wantsText = 32

// textFrame finds the first text frame of some length; ok is false if there is none.
func textFrame(frames []byte) (at, size, length int, ok bool) {
	for at < len(frames) {
		size, length = frameSize(frames[at:])
		if ws.OpCode(frames[at]&0x0F) == ws.OpText && length >= wantsText {
			return at, size, length, true
		}
		at += size + length
	}
	return 0, 0, 0, false
}

// misspell is text-not-utf8, of frames that are not compressed yet.
func (w *wrong) misspell(frames []byte) {
	if w.notUTF8 == nil {
		return
	}
	if at, size, length, ok := textFrame(frames); ok && w.notUTF8.fires() {
		frames[at+size+length/2] = 0xFF
	}
}

// misframe is interleaved-frames, server-masks and reserved-bit-set, of frames as they
// are about to be written.
func (w *wrong) misframe(frames []byte) []byte {
	if w.interleaved == nil && w.serverMasks == nil && w.reservedBit == nil {
		return frames
	}
	at, size, length, ok := textFrame(frames)
	switch {
	case !ok:
	case w.interleaved.fires(): // header and payload are written apart
		return slices.Insert(bytes.Clone(frames), at+size, ws.MustCompileFrame(ws.NewPingFrame(nil))...)
	case w.serverMasks.fires():
		mask := [4]byte{1, 2, 3, 4}
		out := bytes.Clone(frames)
		out[at+1] |= 0x80
		ws.Cipher(out[at+size:at+size+length], mask, 0)
		return slices.Insert(out, at+size, mask[:]...)
	case w.reservedBit.fires():
		out := bytes.Clone(frames)
		out[at] |= 0x20
		return out
	}
	return frames
}

// window is a compressor that goes on from one message to the next.
type window struct {
	z   *flate.Writer
	out bytes.Buffer
}

// compressor is compress-desync: that of a connection which takes its window over although
// the answer to the upgrade said that it would not; nil: none is.
func (w *wrong) compressor(c *conn) *window {
	if w.compressDesync == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	x, known := w.windows[c.number]
	if !known {
		if w.windows == nil {
			w.windows = make(map[uint64]*window)
		}
		if w.compressDesync.fires() {
			x = &window{}
			x.z, _ = flate.NewWriter(&x.out, flate.DefaultCompression) // valid, and looks back from small messages, too
		}
		w.windows[c.number] = x
	}
	return x
}

// pack compresses a text behind those before it, into a frame that begins with headroom.
func (x *window) pack(text []byte) []byte {
	x.out.Reset()
	x.out.Write(make([]byte, headroom))
	x.z.Write(text)
	x.z.Flush()
	return bytes.Clone(x.out.Bytes())
}
