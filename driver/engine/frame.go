package engine

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Opcodes of RFC 6455 §5.2.
const (
	OpContinuation byte = 0x0
	OpText         byte = 0x1
	OpBinary       byte = 0x2
	OpClose        byte = 0x8
	OpPing         byte = 0x9
	OpPong         byte = 0xA
)

// maxHeader is the longest header of a masked frame, bytes.
const maxHeader = 14

// maxControl is the longest payload of a control frame (RFC 6455 §5.5), bytes.
const maxControl = 125

// violation says how the server broke the protocol, and the close code that
// answers it. The zero value means that all is well.
type violation struct {
	code uint16
	text string
}

// header is the header of one frame from a server.
type header struct {
	fin    bool
	packed bool // the message that it begins is compressed
	opcode byte
	size   int // of the header, bytes; 0: not all of it is here
	length int // of the payload, bytes
}

// parseHeader reads the header at the start of b, and refuses it as early as
// the bytes that are here allow. No length over limit gets through, so an
// int holds each.
//
// packs tells that permessage-deflate was agreed on.
func parseHeader(b []byte, limit int, packs bool) (h header, bad violation) {
	if len(b) == 0 {
		return h, bad
	}
	first := b[0]
	h.fin, h.opcode = first&0x80 != 0, first&0x0F
	control := h.opcode >= OpClose
	if packs && (h.opcode == OpText || h.opcode == OpBinary) {
		h.packed = first&packedBit != 0
		first &^= packedBit
	}
	switch {
	case first&0x70 != 0:
		return h, violation{1002, fmt.Sprintf("reserved bits set in a frame header (first byte %#02x)", first)}
	case h.opcode > OpBinary && h.opcode < OpClose || h.opcode > OpPong:
		return h, violation{1002, fmt.Sprintf("reserved opcode %#x", h.opcode)}
	case control && !h.fin:
		return h, violation{1002, fmt.Sprintf("fragmented control frame (opcode %#x)", h.opcode)}
	case len(b) < 2:
		return h, bad
	case b[1]&0x80 != 0:
		return h, violation{1002, "masked frame from the server"}
	}
	n := uint64(b[1])
	size := 2
	switch {
	case n < 126:
	case control:
		return h, violation{1002, fmt.Sprintf("control frame with an extended length, so over 125 bytes (opcode %#x)", h.opcode)}
	case n == 126:
		if len(b) < 4 {
			return h, bad
		}
		size, n = 4, uint64(binary.BigEndian.Uint16(b[2:]))
		if n < 126 {
			return h, violation{1002, fmt.Sprintf("length %d not in its shortest form", n)}
		}
	default:
		if len(b) < 10 {
			return h, bad
		}
		size, n = 10, binary.BigEndian.Uint64(b[2:])
		if n>>63 != 0 {
			return h, violation{1002, fmt.Sprintf("length %#x with its highest bit set", n)}
		}
		if n < 1<<16 {
			return h, violation{1002, fmt.Sprintf("length %d not in its shortest form", n)}
		}
	}
	if n > uint64(limit) {
		return h, violation{1009, fmt.Sprintf("frame of %d bytes is over the limit of %d", n, limit)}
	}
	h.size, h.length = size, int(n)
	return h, bad
}

// appendFrame appends one whole, masked frame (RFC 6455 §5.2, §5.3).
func appendFrame(dst []byte, opcode byte, payload []byte, mask [4]byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	ws.Cipher(dst[start:], mask, 0)
	return dst
}

// closePayload is the body of a close frame; the reason is cut to what fits,
// between characters.
func closePayload(code uint16, reason string) []byte {
	if code == 0 {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, code), clip(reason, maxControl-2)...)
}

// parseClose reads the body of a close frame (RFC 6455 §5.5.1, §7.4). Code 0
// means that there was none.
func parseClose(payload []byte) (code uint16, reason string, bad violation) {
	switch len(payload) {
	case 0:
		return 0, "", bad
	case 1:
		return 0, "", violation{1002, "close frame with half a code"}
	}
	code = binary.BigEndian.Uint16(payload)
	switch {
	case code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006:
	case code >= 3000 && code <= 4999:
	default:
		return code, "", violation{1002, fmt.Sprintf("close code %d may not be sent", code)}
	}
	if !utf8.Valid(payload[2:]) {
		return code, "", violation{1007, "close reason is not UTF-8"}
	}
	return code, string(payload[2:]), bad
}

// clip cuts s to at most n bytes of valid UTF-8.
func clip[T ~string | ~[]byte](s T, n int) string {
	if len(s) > n {
		s = s[:n]
		for i := 1; i <= utf8.UTFMax && i <= len(s); i++ {
			if c := s[len(s)-i]; utf8.RuneStart(c) {
				if !utf8.FullRune([]byte(s[len(s)-i:])) {
					s = s[:len(s)-i]
				}
				break
			}
		}
	}
	if utf8.ValidString(string(s)) {
		return string(s)
	}
	out := make([]byte, 0, len(s))
	for _, r := range string(s) {
		if r == utf8.RuneError {
			r = '?'
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
