package fault

import "encoding/binary"

// Echo is the payload of the ping that follows an offence in the same write.
// Whoever answers it has read on behind what should have ended the connection.
const Echo = "squall: still there?"

// Claimed is how many bytes the frame of the offence oversize announces, and
// brought how many of them come.
const (
	Claimed = 1 << 30
	brought = 64 << 10
)

// Parts of a frame's header (RFC 6455 §5.2).
const (
	fin         = 0x80
	reserved3   = 0x10
	opText      = 0x1
	opBinary    = 0x2
	opReserved  = 0x3
	opPing      = 0x9
	masked      = 0x80
	length16    = 126
	length64    = 127
	mostControl = 125
)

// key masks the frames of offences; that it differs from run to run helps nobody
// against their own client.
var key = [4]byte{0x5a, 0x1c, 0xe7, 0x33}

// Offence is what a client writes to break RFC 6455 in the way of that name, or
// nil if there is no such way. Text is a message whose UTF-8 is broken, for
// bad-utf8. An oversize frame stays without its end; all others are whole, and
// followed by a ping with Echo.
func Offence(name string, text []byte, binaryMessages bool) []byte {
	ping := frame(fin|opPing, masked, []byte(Echo))
	switch name {
	case "unmasked":
		return append(frame(fin|opPing, 0, []byte(Echo)), ping...)
	case "reserved-bit":
		return append(frame(fin|reserved3|opPing, masked, nil), ping...)
	case "reserved-opcode":
		return append(frame(fin|opReserved, masked, []byte("squall")), ping...)
	case "long-control":
		return append(frame(fin|opPing, masked, make([]byte, mostControl+1)), ping...)
	case "bad-utf8":
		return append(frame(fin|opText, masked, text), ping...)
	case "oversize":
		op := byte(opText)
		if binaryMessages {
			op = opBinary
		}
		b := binary.BigEndian.AppendUint64([]byte{fin | op, masked | length64}, Claimed)
		return mask(append(b, key[:]...), make([]byte, brought))
	}
	return nil
}

// frame writes a frame with whatever first byte, masked or not.
func frame(first, bit byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < length16:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|length16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|length64), uint64(n))
	}
	if bit == 0 {
		return append(b, payload...)
	}
	return mask(append(b, key[:]...), payload)
}

// mask appends the payload, masked (RFC 6455 §5.3).
func mask(b, payload []byte) []byte {
	for i, c := range payload {
		b = append(b, c^key[i%len(key)])
	}
	return b
}
