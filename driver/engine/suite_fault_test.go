package engine

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"squall/driver/fault"
)

func faultOf(name string) fault.Action {
	return map[string]fault.Action{
		"reset": {Kind: fault.Reset}, "fin": {Kind: fault.Fin}, "abandon": {Kind: fault.Abandon},
		"freeze": {Kind: fault.Freeze}, "heal": {Kind: fault.Heal},
		"slow": {Kind: fault.Slow, Rate: 10_000}, "cut": {Kind: fault.Cut},
	}[name]
}

func TestFaultReset(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, faultOf("reset"))
		r.wantClosed(1, Fault)
		if _, err := p.end(); !isReset(err) {
			t.Errorf("the server sees %v instead of a reset", err)
		}
		r.do(func() { // all of it without effect
			r.conns[1].Send(OpText, []byte("late"))
			r.conns[1].Close(1000, "")
			r.conns[1].Fault(faultOf("fin"))
		})
		r.quiet(10 * time.Millisecond)
	})
}

func TestFaultFin(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, faultOf("fin"))
		r.wantClosed(1, Fault)
		rest, err := p.end()
		if len(rest) != 0 || err != nil && r.tls == nil {
			t.Errorf("the server sees %q %v instead of FIN", rest, err)
		}
		if isReset(err) {
			t.Error("the server sees a reset")
		}
		p.say(text("nobody reads this"))
		p.Close()
		r.quiet(10 * time.Millisecond)
	})
}

func TestFaultAbandon(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, faultOf("abandon"))
		r.wantClosed(1, Fault)
		p.say(text("into the void")) // still taken by the other side's kernel
		p.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if rest, err := p.end(); len(rest) != 0 || isReset(err) || err == nil {
			t.Errorf("the server sees %q %v instead of silence", rest, err)
		}
		r.quiet(10 * time.Millisecond)
	})
}

func TestFaultFreezeAndHeal(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, faultOf("freeze"))
		p.say(text("while frozen"))
		r.do(func() { r.conns[1].Send(OpText, []byte("queued")) })
		r.quiet(100 * time.Millisecond)
		p.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if b, err := p.buf.ReadByte(); err == nil {
			t.Fatalf("the server hears %q", b)
		}
		p.SetReadDeadline(time.Time{})
		if r.tls != nil { // its own timeout has spoilt the server's connection
			r.fault(1, faultOf("heal"))
			r.wantText(1, "while frozen")
			return
		}
		began := r.loop.Now()
		r.fault(1, faultOf("heal"))
		if e := r.wantText(1, "while frozen"); e.at.Read < began {
			t.Errorf("read at %v, before the heal at %v", e.at.Read, began)
		}
		if _, b := p.hear(); string(b) != "queued" {
			t.Errorf("the server hears %q", b)
		}
		p.say(text("after"))
		r.wantText(1, "after")
		if s := r.loop.Stats(); s.ReadLag > 90*time.Millisecond {
			t.Errorf("the freeze counts as a lag of ours: %v", s.ReadLag)
		}

		// Frozen, reset by the server, healed: the reset is noticed then.
		r.fault(1, faultOf("freeze"))
		p.reset()
		r.quiet(50 * time.Millisecond)
		r.fault(1, faultOf("heal"))
		r.wantClosed(1, Reset)
	})
}

func TestFaultFreezeFromTheStart(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		if r.tls != nil {
			t.Skip("the server's handshake would wait too")
		}
		r.dialTo(1, r.listener.Addr().String(), nil)
		p := r.accept()
		r.fault(1, faultOf("freeze"))
		p.say(goodAnswer() + text("x"))
		r.quiet(50 * time.Millisecond)
		r.fault(1, faultOf("heal"))
		r.want("open", 1)
		r.wantText(1, "x")
	})
}

func TestFaultSlow(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, fault.Action{Kind: fault.Slow, Rate: 20_000})
		began := r.loop.Now()
		message := text(strings.Repeat("s", 996)) // 1,000 bytes with the header
		for range 10 {
			p.say(message)
		}
		for i := range 10 {
			e := r.want("message", 1)
			// 20 bytes a millisecond, and a tenth of a second's bytes saved up.
			if earliest := time.Duration((i+1)*1000-2000) * time.Second / 20_000; e.at.Read-began < earliest {
				t.Errorf("message %d after %v, at this rate not before %v", i, e.at.Read-began, earliest)
			}
		}
		if took := r.loop.Now() - began; took > 3*time.Second {
			t.Errorf("10,000 bytes at 20,000 a second took %v", took)
		}
		p.say(text(strings.Repeat("t", 60_000)))
		r.quiet(100 * time.Millisecond)
		r.fault(1, faultOf("heal"))
		healed := r.loop.Now()
		r.want("message", 1)
		if took := r.loop.Now() - healed; took > time.Second {
			t.Errorf("healed, and still slow: %v", took)
		}
	})
}

func TestFaultCut(t *testing.T) {
	tests := []struct {
		name   string
		after  int
		before string   // sent, and read, before the cut; the start of a frame
		chunks []string // what the server says then; the last one is struck
		whole  []int    // chunks that complete a message
	}{
		{"inside the next frame", 0, "", []string{"\x81", "\x05", "h"}, nil},
		{"in the third", 15, "", []string{text("12345678"), text("b"), text("12345678")}, []int{0, 1}},
		{"on a border: into the next", 10, "", []string{text("12345678"), text("b")}, []int{0}},
		{"on a border, byte by byte", 3, "", []string{"\x81", "\x01", "a", "\x81"}, []int{2}},
		{"inside a header", 11, "", []string{text("12345678"), "\x81"}, []int{0}},
		{"frame begun before", 0, text("hello")[:4], []string{"l"}, nil},
		{"frame begun before, by bytes", 2, text("hello")[:4], []string{"l", "l"}, nil},
		{"frame begun before goes by", 3, text("hello")[:4], []string{"llo", "\x81"}, []int{0}},
		{"empty frame", 0, "", []string{"\x81", "\x00"}, nil},
	}
	onAll(t, func(t *testing.T, r *rig) {
		for i, tt := range tests {
			token := Token(i + 1)
			p := r.connect(token)
			p.say(text("go") + tt.before)
			r.wantText(token, "go")
			time.Sleep(2 * time.Millisecond)
			r.fault(token, fault.Action{Kind: fault.Cut, After: tt.after, Grace: 5 * time.Second})
			began := r.loop.Now()
			for j, chunk := range tt.chunks {
				r.quiet(3 * time.Millisecond)
				p.say(chunk)
				if slices.Contains(tt.whole, j) {
					r.want("message", token)
				}
			}
			if end := r.wantClosed(token, Fault); end.At.Read-began > 4*time.Second {
				t.Errorf("%s: only the grace ended it", tt.name)
			}
			if _, err := p.end(); !isReset(err) {
				t.Errorf("%s: the server sees %v instead of a reset", tt.name, err)
			}
		}
	})
}

func TestFaultCutInOneRead(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, fault.Action{Kind: fault.Cut, After: 25})
		p.say(strings.Repeat(text("12345678"), 9)) // 10 bytes each
		r.want("message", 1)
		r.want("message", 1)
		r.wantClosed(1, Fault)
		if _, err := p.end(); !isReset(err) {
			t.Errorf("the server sees %v instead of a reset", err)
		}
	})
}

func TestFaultCutWhenNothingComes(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		began := r.loop.Now()
		r.fault(1, fault.Action{Kind: fault.Cut, Grace: 100 * time.Millisecond})
		end := r.wantClosed(1, Fault)
		if took := end.At.Read - began; took < 100*time.Millisecond || took > time.Second {
			t.Errorf("struck after %v, want 100ms", took)
		}
		rest, err := p.end()
		if !isReset(err) {
			t.Errorf("the server sees %v instead of a reset", err)
		}
		if len(rest) > 0 && (rest[0] != 0x80|OpPing || len(rest) >= 2+4+int(rest[1]&0x7f)) {
			t.Errorf("the server sees %q, no part of a ping", rest)
		}
	})
}

// Whatever the server does at the same time, an end of ours is told once.
func TestExactlyOneClosed(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		token := Token(0)
		for _, name := range []string{"reset", "fin", "abandon", "cut"} {
			for range 20 {
				token++
				p, token := r.connect(token), token
				go func() {
					p.Write([]byte(text("x") + frame(true, OpClose, "")))
					p.Close()
				}()
				r.loop.Post(func() { r.conns[token].Fault(faultOf(name)) })
				e := r.next()
				if e.kind == "message" {
					e = r.next()
				}
				if e.kind != "closed" || e.end.Cause != Fault && e.end.Cause != CloseFrame && e.end.Cause != EOF && e.end.Cause != Reset {
					t.Fatalf("%s: %v", name, e)
				}
				r.quiet(2 * time.Millisecond)
			}
		}
	})
}

// A fault from inside a callback stops the rest of the same read.
func TestFaultFromACallback(t *testing.T) {
	for _, name := range []string{"reset", "fin", "abandon", "freeze"} {
		var r0 *rig
		prepare := func(r *rig) {
			r0 = r
			r.onMsg = func(token Token, payload []byte) {
				if bytes.Equal(payload, []byte("now")) {
					r0.conns[token].Fault(faultOf(name))
				}
			}
		}
		t.Run(name, func(t *testing.T) {
			onAllWith(t, Options{}, prepare, func(t *testing.T, r *rig) {
				p := r.connect(1)
				p.say(text("now") + text("never"))
				r.wantText(1, "now")
				if name == "freeze" {
					r.quiet(30 * time.Millisecond)
					r.fault(1, faultOf("heal"))
					r.wantText(1, "never")
					return
				}
				r.wantClosed(1, Fault)
			})
		})
	}
}

// A server that does not read gets no more than so many pongs, and is given up
// before what waits for it fills the memory.
func TestDeafServer(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		defer p.Close()
		block := make([]byte, 8<<20)
		r.do(func() {
			for range 3 {
				r.conns[1].Send(OpBinary, block)
			}
			for range 20 * mostPongs {
				r.conns[1].Send(OpPong, block[:100])
			}
		})
		r.do(func() {
			if sent := r.loop.Stats().BytesOut; sent > 3*uint64(len(block))+mostPongs*128 {
				t.Errorf("%d bytes were queued", sent)
			}
			for range 10 {
				r.conns[1].Send(OpBinary, block)
			}
		})
		if end := r.wantClosed(1, Local); !strings.Contains(end.Text, "does not read") {
			t.Errorf("it ended with %q", end.Text)
		}
	})
}

// TestFaultRaw: bytes go out as they are, between frames, whatever they are; and
// what answers them is told like anything else.
func TestFaultRaw(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.do(func() { r.conns[1].Send(OpText, []byte("before")) })
		if _, b := p.hear(); string(b) != "before" {
			t.Fatalf("the server hears %q", b)
		}
		raw := append([]byte{0xff, 0x00, 0x83}, bytes.Repeat([]byte("raw"), 50_000)...)
		r.fault(1, fault.Action{Kind: fault.Raw, Bytes: raw})
		got := make([]byte, len(raw))
		if _, err := io.ReadFull(p.buf, got); err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("the server reads something else, %v", err)
		}
		r.do(func() { r.conns[1].Send(OpText, []byte("after")) })
		if _, b := p.hear(); string(b) != "after" {
			t.Errorf("the server hears %q", b)
		}
		p.say(frame(true, OpClose, "\x03\xea"))
		if e := r.wantClosed(1, CloseFrame); e.Code != 1002 {
			t.Errorf("closed with %d", e.Code)
		}
		r.fault(1, fault.Action{Kind: fault.Raw, Bytes: raw}) // without effect
		r.quiet(10 * time.Millisecond)
	})
}
