package fault

import "time"

// burst is how much of a second's bytes a Budget saves up at most, and how much
// a reader waits for when it is used up. Smaller steps would only cost wakes.
const burst = 100 * time.Millisecond

// Budget is what a slow reader may read: a token bucket over a clock that its
// owner tells.
type Budget struct {
	rate   int64         // bytes per second
	cap    int64         // most bytes saved up
	tokens int64         // bytes
	at     time.Duration // up to which time tokens were added
}

// NewBudget starts with nothing saved. A rate under one byte a second counts as
// one.
func NewBudget(rate int, now time.Duration) Budget {
	r := min(max(int64(rate), 1), 1<<32) // the products below must fit
	return Budget{rate: r, cap: max(r*int64(burst)/int64(time.Second), 1), at: now}
}

// Take takes up to want bytes. When it gives none, asking again makes sense
// after wait.
func (b *Budget) Take(now time.Duration, want int) (n int, wait time.Duration) {
	b.fill(now)
	if b.tokens == 0 {
		return 0, max(time.Duration((b.cap*int64(time.Second)+b.rate-1)/b.rate)-(now-b.at), 1)
	}
	n = int(min(b.tokens, int64(max(want, 0))))
	b.tokens -= int64(n)
	return n, 0
}

// Return gives back what was taken and not used.
func (b *Budget) Return(n int) { b.tokens = min(b.tokens+int64(n), b.cap) }

func (b *Budget) fill(now time.Duration) {
	passed := now - b.at
	if passed <= 0 {
		return
	}
	if passed >= time.Duration(b.cap*int64(time.Second)/b.rate)+time.Second {
		b.tokens, b.at = b.cap, now
		return
	}
	earned := int64(passed) * b.rate / int64(time.Second)
	if b.tokens+earned >= b.cap {
		b.tokens, b.at = b.cap, now
		return
	}
	b.tokens += earned
	// What is left of a byte stays owed; rounding up keeps to the rate.
	b.at += time.Duration((earned*int64(time.Second) + b.rate - 1) / b.rate)
}
