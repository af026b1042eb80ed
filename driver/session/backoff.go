package session

import (
	"math"
	"time"
)

// Backoff is the wait before the n-th attempt to return: First×Factor^n, at
// most Max, changed by Jitter. The kinds of jitter are those of "Exponential
// Backoff And Jitter" (AWS Architecture Blog, 2015): full draws from [0, w],
// equal from [w/2, w], decorrelated from [First, 3×previous], capped.
type Backoff struct {
	Never    bool // a lost client does not return
	First    time.Duration
	Max      time.Duration
	Factor   float64
	Jitter   string // none, full, equal, decorrelated
	Attempts int    // 0: unlimited
}

// Wait is the wait before attempt n (from 0) after previous, with chance drawn
// uniformly from [0, 1).
func (b *Backoff) Wait(n int, previous time.Duration, chance float64) time.Duration {
	limit := float64(b.Max)
	w := math.Min(float64(b.First)*math.Pow(b.Factor, float64(n)), limit)
	switch b.Jitter {
	case "none":
	case "equal":
		w = w/2 + chance*w/2
	case "decorrelated":
		if n == 0 {
			previous = b.First
		}
		low := float64(b.First)
		w = math.Min(low+chance*math.Max(0, 3*float64(previous)-low), limit)
	default: // full
		w *= chance
	}
	return time.Duration(w)
}
