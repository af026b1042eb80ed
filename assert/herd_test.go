package assert

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLockstep: herds that are spread in any honest way never count as being in
// lockstep, those that come in ticks always do.
func TestLockstep(t *testing.T) {
	uniform := func(span time.Duration) func(*rand.Rand) time.Duration {
		return func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(span))) }
	}
	for _, row := range []struct {
		name string
		draw func(*rand.Rand) time.Duration
		want bool
	}{
		{"evenly over 1s", uniform(time.Second), false},
		{"evenly over 10s", uniform(10 * time.Second), false},
		{"evenly over 3m", uniform(3 * time.Minute), false},
		{"full jitter of a backoff", func(r *rand.Rand) time.Duration {
			return time.Duration(r.Int64N(int64(200*time.Millisecond) << r.IntN(5)))
		}, false},
		{"a normal distribution", func(r *rand.Rand) time.Duration {
			return 5*time.Second + time.Duration(r.NormFloat64()*float64(time.Second))
		}, false},
		{"the same for all", func(*rand.Rand) time.Duration { return time.Second }, true},
		{"within a tick", uniform(100 * time.Millisecond), true},
		{"a tick, and one who is late", func(r *rand.Rand) time.Duration {
			if r.IntN(40) == 0 {
				return time.Second
			}
			return time.Duration(r.Int64N(int64(50 * time.Millisecond)))
		}, true},
	} {
		for seed := range uint64(50) {
			for _, n := range []int{leastHerd, 200, 2000} {
				r := rand.New(rand.NewPCG(seed, 1))
				due := make([]time.Duration, n)
				for i := range due {
					due[i] = row.draw(r)
				}
				if within, got := lockstep(due); got != row.want {
					t.Fatalf("%s, %d clients, seed %d: %v (%v)", row.name, n, seed, got, within)
				}
			}
		}
	}
	// Whole seconds of jitter are ticks, too, where there are clients enough to tell.
	r := rand.New(rand.NewPCG(1, 1))
	var due []time.Duration
	for range 1000 {
		due = append(due, time.Duration(r.IntN(5))*time.Second+time.Duration(r.Int64N(int64(20*time.Millisecond))))
	}
	if within, yes := lockstep(due); !yes {
		t.Errorf("whole seconds were not noticed: %v", within)
	}
}

// TestMostTwin compares the sliding window with counting.
func TestMostTwin(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		var at []time.Duration
		for range 1 + r.IntN(40) {
			at = append(at, time.Duration(r.Int64N(int64(5*time.Second))))
		}
		slices.Sort(at)
		want := 0
		for _, from := range at {
			n := 0
			for _, x := range at {
				if x >= from && x < from+time.Second {
					n++
				}
			}
			want = max(want, n)
		}
		if got, _ := most(at, time.Second); got != want {
			t.Fatalf("seed %d: %d, want %d of %v", seed, got, want, at)
		}
	}
}
