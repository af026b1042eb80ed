package fault

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// piece is one frame as RFC 6455 §5.2 lays it out.
type piece struct {
	first  byte
	masked bool
	length uint64
	body   []byte // unmasked; as much of it as is there
}

// pieces reads frames by the RFC's diagram.
func pieces(t *testing.T, b []byte) (all []piece) {
	t.Helper()
	for len(b) > 0 {
		p := piece{first: b[0], masked: b[1]&0x80 != 0, length: uint64(b[1] & 0x7f)}
		switch b = b[2:]; p.length {
		case 126:
			p.length, b = uint64(binary.BigEndian.Uint16(b)), b[2:]
		case 127:
			p.length, b = binary.BigEndian.Uint64(b), b[8:]
		}
		var k [4]byte
		if p.masked {
			copy(k[:], b)
			b = b[4:]
		}
		n := int(min(p.length, uint64(len(b))))
		p.body = slices.Clone(b[:n])
		for i := range p.body {
			p.body[i] ^= k[i%4]
		}
		b, all = b[n:], append(all, p)
	}
	return all
}

// TestOffences: each breaks exactly what it is named after, and nothing else.
func TestOffences(t *testing.T) {
	text := []byte("{\"a\":\"\xff\"}")
	for _, row := range []struct {
		name   string
		binary bool
		want   piece
	}{
		{"unmasked", false, piece{0x89, false, uint64(len(Echo)), []byte(Echo)}},
		{"reserved-bit", false, piece{0x99, true, 0, nil}},
		{"reserved-opcode", false, piece{0x83, true, 6, []byte("squall")}},
		{"long-control", false, piece{0x89, true, 126, make([]byte, 126)}},
		{"bad-utf8", false, piece{0x81, true, uint64(len(text)), text}},
		{"oversize", false, piece{0x81, true, 1 << 30, make([]byte, 64<<10)}},
		{"oversize", true, piece{0x82, true, 1 << 30, make([]byte, 64<<10)}},
	} {
		all := pieces(t, Offence(row.name, text, row.binary))
		got := all[0]
		if got.first != row.want.first || got.masked != row.want.masked || got.length != row.want.length || !bytes.Equal(got.body, row.want.body) {
			t.Errorf("%s: got %#x masked %v length %d, %d bytes", row.name, got.first, got.masked, got.length, len(got.body))
		}
		switch {
		case row.name == "oversize" && len(all) != 1:
			t.Errorf("%s: %d frames, want one without its end", row.name, len(all))
		case row.name != "oversize" && (len(all) != 2 || all[1].first != 0x89 || !all[1].masked || string(all[1].body) != Echo):
			t.Errorf("%s: no ping behind it", row.name)
		}
	}
	if b := Offence("politeness", nil, false); b != nil {
		t.Errorf("an unknown offence writes %x", b)
	}
}
