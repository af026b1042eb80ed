package fault

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However it is asked, a budget gives no more than its rate and what it had
// saved up, and whoever waits as told gets nearly all of it.
func TestBudgetKeepsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 1<<30).Draw(t, "rate")
		now := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "start"))
		start := now
		b := NewBudget(rate, now)
		given := 0
		for range rapid.IntRange(1, 300).Draw(t, "asked") {
			want := rapid.IntRange(0, 1<<16).Draw(t, "want")
			n, wait := b.Take(now, want)
			given += n
			switch {
			case n < 0 || n > want:
				t.Fatalf("asked for %d, got %d", want, n)
			case n > 0 && wait != 0, n == 0 && want > 0 && wait <= 0:
				t.Fatalf("%d bytes, and a wait of %v", n, wait)
			}
			if most := float64(rate)*(now-start).Seconds() + 1; float64(given) > most {
				t.Fatalf("%d bytes in %v at %d a second", given, now-start, rate)
			}
			if rapid.Bool().Draw(t, "patient") {
				now += wait
			} else {
				now += time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "pass"))
			}
		}
	})
}

func TestBudgetIsUsedUp(t *testing.T) {
	tests := []struct {
		rate int
		read int // most bytes a read
	}{
		{1, 100},        // a byte a second
		{2048, 1 << 16}, // as in the language's example
		{2048, 1},       // byte by byte
		{1 << 20, 1 << 16},
		{0, 10}, // counts as one
	}
	for _, tt := range tests {
		b := NewBudget(tt.rate, 0)
		given := 0
		const end = 10 * time.Second
		for now := time.Duration(0); now < end && given < 1<<24; {
			n, wait := b.Take(now, tt.read)
			given += n
			now += wait
		}
		want := min(max(tt.rate, 1)*10, 1<<24)
		if given < want*9/10-1 || given > want+tt.read {
			t.Errorf("rate %d, reads of %d: %d bytes in %v, want about %d", tt.rate, tt.read, given, end, want)
		}
	}
}

// More than is told apart must not overflow.
func TestBudgetWithoutEnd(t *testing.T) {
	b := NewBudget(math.MaxInt, 0)
	for now := time.Duration(0); now < 3*time.Second; now += 300 * time.Millisecond {
		if n, _ := b.Take(now, 1<<20); n != 1<<20 && now > 0 {
			t.Errorf("%d bytes at %v", n, now)
		}
	}
}

func TestBudgetSavesLittle(t *testing.T) {
	b := NewBudget(1000, 0)
	if n, _ := b.Take(time.Hour, 5000); n != 100 {
		t.Errorf("%d bytes after an hour, want a tenth of a second's", n)
	}
	b.Return(40)
	if n, _ := b.Take(time.Hour, 5000); n != 40 {
		t.Errorf("%d bytes, want the 40 returned", n)
	}
	if n, wait := b.Take(time.Hour, 1); n != 0 || wait != 100*time.Millisecond {
		t.Errorf("%d bytes, wait %v", n, wait)
	}
}
