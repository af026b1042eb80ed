package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// decode feeds stream in pieces that end at the given places.
func decode(stream []byte, limit int, ends ...int) (messages []string, bad violation) {
	var d decoder
	var s spares
	from := 0
	for _, end := range append(ends, len(stream)) {
		b := bytes.Clone(stream[from:end])
		from = end
		for len(b) > 0 {
			m, n, bad := d.next(b, limit, false, &s)
			if bad.code != 0 {
				return messages, bad
			}
			if m.whole {
				messages = append(messages, fmt.Sprintf("%x %q", m.opcode, m.payload))
			}
			d.settle(&s)
			b = b[n:]
		}
	}
	return messages, bad
}

// reference decodes a stream with gobwas/ws, up to where it ends or is wrong.
func reference(stream []byte) (messages []string, ok bool) {
	in := bytes.NewReader(stream)
	var joined []byte
	var op ws.OpCode
	for {
		h, err := ws.ReadHeader(in)
		if err != nil {
			return messages, err == io.EOF || err == io.ErrUnexpectedEOF
		}
		state := ws.StateClientSide
		if op != 0 {
			state |= ws.StateFragmented
		}
		if ws.CheckHeader(h, state) != nil {
			return messages, false
		}
		if h.Length > int64(in.Len()) {
			return messages, true
		}
		payload := make([]byte, h.Length)
		io.ReadFull(in, payload)
		switch {
		case h.OpCode.IsControl():
			messages = append(messages, fmt.Sprintf("%x %q", byte(h.OpCode), payload))
			continue
		case h.OpCode != ws.OpContinuation:
			op, joined = h.OpCode, nil
		}
		joined = append(joined, payload...)
		if h.Fin {
			if op == ws.OpText && !utf8.Valid(joined) {
				return messages, false
			}
			messages = append(messages, fmt.Sprintf("%x %q", byte(op), joined))
			op = 0
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(text("hello")+frame(true, OpPing, "p")), uint16(3))
	f.Add([]byte(frame(false, OpText, "a")+frame(true, OpPong, "")+frame(true, OpContinuation, "b")), uint16(1))
	f.Add([]byte(text(strings.Repeat("x", 300))+frame(true, OpBinary, strings.Repeat("y", 70_000))), uint16(200))
	f.Add([]byte(frame(true, OpClose, "\x03\xe8bye")), uint16(2))
	f.Add([]byte("\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00"), uint16(9))
	f.Add([]byte("\x81\x85abcdhello"), uint16(0))
	f.Add([]byte(text("\xff")), uint16(0))
	f.Fuzz(func(t *testing.T, stream []byte, at uint16) {
		const limit = 1 << 20
		want, bad := decode(stream, limit)
		ends := []int{}
		if len(stream) > 0 {
			ends = append(ends, int(at)%len(stream))
		}
		if got, b := decode(stream, limit, ends...); fmt.Sprint(got) != fmt.Sprint(want) || b.code != bad.code {
			t.Fatalf("split at %d: %v %+v, whole: %v %+v", at, got, b, want, bad)
		}
		if len(stream) < 300 {
			every := make([]int, len(stream))
			for i := range every {
				every[i] = i
			}
			if got, b := decode(stream, limit, every...); fmt.Sprint(got) != fmt.Sprint(want) || b.code != bad.code {
				t.Fatalf("byte by byte: %v %+v, whole: %v %+v", got, b, want, bad)
			}
		}
		// What gobwas takes we take, but for masks, lengths and limits, of which
		// it is careless; what we take it takes.
		theirs, fine := reference(stream)
		if bad.code == 0 && (!fine || fmt.Sprint(theirs) != fmt.Sprint(want)) {
			t.Fatalf("taken as %v, gobwas says %v %v", want, theirs, fine)
		}
		careless := strings.Contains(bad.text, "masked") || strings.Contains(bad.text, "shortest form") || strings.Contains(bad.text, "extended length") || bad.code == 1009
		if bad.code != 0 && fine && !careless && len(theirs) > len(want) {
			t.Fatalf("refused as %+v, gobwas takes it as %v", bad, theirs)
		}
	})
}

// Valid streams, split at every place and byte by byte, mean the same.
func TestDecoderSplitEverywhere(t *testing.T) {
	stream := []byte(text("") + text("ascii") + text("grün") + frame(false, OpBinary, "1") + frame(true, OpPing, "") +
		frame(false, OpContinuation, "") + frame(true, OpContinuation, "2") + text(strings.Repeat("l", 126)) +
		frame(true, OpBinary, strings.Repeat("m", 65_536)) + frame(true, OpClose, "\x03\xe8"))
	want, bad := decode(stream, 1<<20)
	if theirs, ok := reference(stream); bad.code != 0 || !ok || fmt.Sprint(want) != fmt.Sprint(theirs) {
		t.Fatalf("taken as %.200v %+v, gobwas says %.200v", want, bad, theirs)
	}
	for i := 0; i < len(stream); i++ {
		if i == 300 {
			i = len(stream) - 20
		}
		for _, j := range []int{i, min(i+1, len(stream)), len(stream)} {
			if got, bad := decode(stream, 1<<20, i, j); bad.code != 0 || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("split at %d and %d: %.200v %+v", i, j, got, bad)
			}
		}
	}
}

// A header is refused with its first wrong byte, and costs nothing.
func TestHeaderIsRefusedEarly(t *testing.T) {
	tests := []struct {
		bytes string
		code  uint16
	}{
		{"\xf1", 1002}, {"\x83", 1002}, {"\x08", 1002}, {"\x81\x80", 1002}, {"\x89\x7e", 1002},
		{"\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00", 1009},
		{"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1002},
	}
	for _, tt := range tests {
		if _, bad := decode([]byte(tt.bytes), DefaultMaxMessage); bad.code != tt.code {
			t.Errorf("%x: %+v, want code %d", tt.bytes, bad, tt.code)
		}
		if _, bad := decode([]byte(tt.bytes[:len(tt.bytes)-1]), DefaultMaxMessage); bad.code != 0 {
			t.Errorf("%x: refused one byte before: %+v", tt.bytes, bad)
		}
	}
}

// A claim allocates nothing; what came does.
func TestPendingGrowsWithWhatComes(t *testing.T) {
	var d decoder
	var s spares
	b := binary.BigEndian.AppendUint64([]byte{0x82, 127}, 16<<20)
	if _, _, bad := d.next(append(b, "abc"...), DefaultMaxMessage, false, &s); bad.code != 0 {
		t.Fatal(bad)
	}
	if c := cap(d.part.pending); c > 1024 {
		t.Fatalf("13 bytes came, %d are held", c)
	}
}

func TestDecoderLetsGo(t *testing.T) {
	var d decoder
	var s spares
	stream := []byte(text(strings.Repeat("x", 100_000)))
	for _, b := range [][]byte{stream[:50], stream[50:]} {
		d.next(b, DefaultMaxMessage, false, &s)
		d.settle(&s)
	}
	if d.part != nil {
		t.Error("an idle connection holds a part")
	}
	if s.part == nil || cap(s.part.pending) > spareSize {
		t.Error("the spare is gone or too large")
	}
	small := []byte(text("split"))
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range [][]byte{small[:3], small[3:]} {
			d.next(b, DefaultMaxMessage, false, &s)
			d.settle(&s)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a split frame", n)
	}
}

func FuzzFrameIsReadByOthers(f *testing.F) {
	f.Add(byte(1), []byte("hello"), []byte("mask"))
	f.Add(byte(2), bytes.Repeat([]byte{9}, 126), []byte{0, 0, 0, 0})
	f.Add(byte(2), bytes.Repeat([]byte{9}, 65_536), []byte{255, 1, 2, 3})
	f.Fuzz(func(t *testing.T, op byte, payload, mask []byte) {
		op = op%2 + 1
		if op == OpText {
			payload = bytes.ToValidUTF8(payload, nil)
		}
		var key [4]byte
		copy(key[:], mask)
		kept := bytes.Clone(payload)
		b := appendFrame([]byte("kept"), op, payload, key)
		got, gotOp, err := wsutil.ReadClientData(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b[4:]), io.Discard})
		if err != nil || byte(gotOp) != op || !bytes.Equal(got, payload) || !bytes.Equal(kept, payload) {
			t.Fatalf("%d bytes came as %d bytes, opcode %d, %v", len(payload), len(got), gotOp, err)
		}
	})
}

func TestClip(t *testing.T) {
	tests := []struct {
		in   string
		n    int
		want string
	}{
		{"short", 10, "short"},
		{"grün", 3, "gr"},     // not inside a character
		{"grün", 4, "grü"},    // but right behind one
		{"a\xffb", 10, "a?b"}, // not UTF-8
		{"日本", 5, "日"},
		{"", 0, ""},
	}
	for _, tt := range tests {
		if got := clip(tt.in, tt.n); got != tt.want {
			t.Errorf("clip(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}
