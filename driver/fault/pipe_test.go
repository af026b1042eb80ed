package fault

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

func TestPipe(t *testing.T) {
	tests := []struct {
		name  string
		line  Line
		bytes []int
		at    time.Duration // all are put in then
		first time.Duration
		last  time.Duration
	}{
		{"no line", Line{}, []int{10, 10}, 5 * ms, 5 * ms, 5 * ms},
		{"delay", Line{Delay: 40 * ms}, []int{10, 10}, 5 * ms, 45 * ms, 45 * ms},
		{"rate", Line{Rate: 1000}, []int{100, 100}, 0, 100 * ms, 200 * ms},
		{"one large piece is spread", Line{Rate: 1000}, []int{500}, 0, 100 * ms, 500 * ms},
		{"both", Line{Delay: 40 * ms, Rate: 1000}, []int{100, 50}, 0, 140 * ms, 190 * ms},
	}
	for _, tt := range tests {
		var p Pipe
		p.Set(tt.line, 1, 0)
		for _, n := range tt.bytes {
			p.Put(make([]byte, n), tt.at)
		}
		var first, last time.Duration
		for due, ok := p.Next(); ok; due, ok = p.Next() {
			if first == 0 {
				first = due
			}
			last = due
			if _, ok := p.Take(due - 1); ok {
				t.Fatalf("%s: came out before its time", tt.name)
			}
			p.Take(due)
		}
		if first != tt.first || last != tt.last {
			t.Errorf("%s: first at %v, last at %v, want %v and %v", tt.name, first, last, tt.first, tt.last)
		}
	}
}

// A line that changes takes along what is under way, never later than before and
// never out of order.
func TestPipeChanges(t *testing.T) {
	var p Pipe
	p.Set(Line{Delay: time.Second, Rate: 100}, 1, 0)
	p.Put([]byte("under way"), 0)
	p.Set(Line{Delay: 10 * ms}, 2, 100*ms)
	if due, _ := p.Next(); due != 110*ms {
		t.Errorf("due at %v on the better line, want 110ms", due)
	}
	p.Set(Line{Delay: time.Second}, 3, 105*ms)
	if due, _ := p.Next(); due != 110*ms {
		t.Errorf("due at %v when the line becomes worse, want 110ms as before", due)
	}
	p.Put([]byte("later"), 105*ms)
	p.Set(Line{}, 0, 106*ms)
	if b, _ := p.Take(106 * ms); string(b) != "under way" {
		t.Errorf("%q came out first", b)
	}
	if p.Idle() {
		t.Error("idle with something under way")
	}
	if b, _ := p.Take(106 * ms); string(b) != "later" || !p.Idle() || p.Waiting() != 0 {
		t.Errorf("%q came out last, idle %v, %d bytes", b, p.Idle(), p.Waiting())
	}
}

// Whatever the line does, bytes come out complete and in order, not before the
// least delay, not faster than the rate, and not later than everything together
// allows.
func TestPipeKeepsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Line{
			Delay:  time.Duration(rapid.IntRange(0, 500).Draw(t, "delay")) * ms,
			Jitter: time.Duration(rapid.IntRange(0, 600).Draw(t, "jitter")) * ms,
			Rate:   rapid.SampledFrom([]int{0, 1, 50, 2048, 1 << 20}).Draw(t, "rate"),
		}
		var p Pipe
		p.Set(l, rapid.Uint64().Draw(t, "seed"), 0)
		var in, out []byte
		now := time.Duration(0)
		for range rapid.IntRange(1, 20).Draw(t, "pieces") {
			now += time.Duration(rapid.IntRange(0, 300).Draw(t, "pause")) * ms
			b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "piece")
			in = append(in, b...)
			p.Put(b, now)
		}
		end := time.Duration(0)
		for due, ok := p.Next(); ok; due, ok = p.Next() {
			if due < end {
				t.Fatalf("due at %v after %v", due, end)
			}
			end = due
			b, _ := p.Take(due)
			out = append(out, b...)
			if earliest := l.Delay - l.Jitter + time.Duration(float64(len(out))/float64(max(l.Rate, 1))*float64(time.Second)) - ms; l.Rate > 0 && due < earliest {
				t.Fatalf("%d bytes are here at %v, at this rate not before %v", len(out), due, earliest)
			}
			if due < l.Delay-l.Jitter {
				t.Fatalf("due at %v on a line of %v ± %v", due, l.Delay, l.Jitter)
			}
		}
		latest := now + l.Delay + l.Jitter
		if l.Rate > 0 {
			latest += time.Duration(float64(len(in))/float64(l.Rate)*float64(time.Second)) + ms
		}
		if !bytes.Equal(in, out) || end > latest {
			t.Fatalf("%d bytes in, %d out, the last at %v, want it by %v", len(in), len(out), end, latest)
		}
	})
}
