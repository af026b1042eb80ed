package scenario

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// paced makes a plan of one publisher by hand.
func paced(base float64, poisson bool, phase float64, duration time.Duration, changes ...rateChange) *Plan {
	return &Plan{Duration: duration, Publishers: []Publisher{{
		Rate: base, Poisson: poisson, Phase: phase, entry: &entry{segments: segments(base, changes, duration)},
	}}}
}

func dues(c *Pacer) []time.Duration {
	var all []time.Duration
	for {
		due, ok := c.Next()
		if !ok {
			return all
		}
		all = append(all, due)
	}
}

func TestPacer(t *testing.T) {
	ms := func(n ...int) []time.Duration {
		all := make([]time.Duration, len(n))
		for i, x := range n {
			all[i] = time.Duration(x) * time.Millisecond
		}
		return all
	}
	second := time.Second
	rows := []struct {
		about string
		plan  *Plan
		want  []time.Duration
	}{
		{"evenly, from the phase on", paced(4, false, 0.5, second), ms(125, 375, 625, 875)},
		{"the end is not part of it", paced(4, false, 0, second), ms(0, 250, 500, 750)},
		{"no rate", paced(0, false, 0, second), nil},
		{"less than one", paced(0.5, false, 0.6, second), nil},
		{"twice as fast from the middle on", paced(4, false, 0, second, rateChange{500 * time.Millisecond, 0, 8}), ms(0, 250, 500, 625, 750, 875)},
		{"only from a moment on", paced(0, false, 0, second, rateChange{500 * time.Millisecond, 0, 4}), ms(500, 750)},
		{"stopped by a moment", paced(4, false, 0, second, rateChange{500 * time.Millisecond, 0, 0}), ms(0, 250)},
		{"changed at once", paced(4, false, 0, second, rateChange{0, 0, 2}), ms(0, 500)},
		{"a ramp from nothing: the k-th is due at the root of k", paced(0, false, 0, second, rateChange{0, second, 8}), ms(0, 500, 707, 866)},
		{"a ramp cut short by the next", paced(0, false, 0, second, rateChange{0, second, 8}, rateChange{500 * time.Millisecond, 0, 2}), ms(0, 500)},
	}
	for _, row := range rows {
		got := dues(row.plan.Pacer(0))
		if len(got) != len(row.want) {
			t.Errorf("%s: got %v, want %v", row.about, got, row.want)
			continue
		}
		for i := range got {
			if d := got[i] - row.want[i]; d.Abs() > time.Millisecond {
				t.Errorf("%s: got %v, want %v", row.about, got, row.want)
				break
			}
		}
	}
}

// TestPacerBegin: a publisher that begins by itself keeps the timetable of the
// rates.
func TestPacerBegin(t *testing.T) {
	p := paced(4, false, 0, time.Second, rateChange{500 * time.Millisecond, 0, 8})
	early := p.Pacer(0)
	early.Begin(-500 * time.Millisecond)
	if got := dues(early); len(got) != 8 || got[0] != -500*time.Millisecond || got[7] != 875*time.Millisecond {
		t.Errorf("got %v, want 8 from -500ms to 875ms", got)
	}
	late := p.Pacer(0)
	late.Begin(750 * time.Millisecond)
	if got := dues(late); len(got) != 2 || got[0] != 750*time.Millisecond || got[1] != 875*time.Millisecond {
		t.Errorf("got %v, want 750ms and 875ms", got)
	}
	never := p.Pacer(0)
	never.Begin(time.Second)
	if got := dues(never); len(got) != 0 {
		t.Errorf("got %v, want nothing after the end", got)
	}
}

// TestPacerProperties: whatever the rates, due times never decrease, lie inside
// the active part, depend only on the plan, and are as many as the rates add up
// to.
func TestPacerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := time.Duration(rapid.IntRange(1, 20000).Draw(t, "ms")) * time.Millisecond
		base := rapid.Float64Range(0, 50).Draw(t, "base")
		var changes []rateChange
		at := time.Duration(0)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			at += time.Duration(rapid.IntRange(0, 5000).Draw(t, "at")) * time.Millisecond
			if at >= duration {
				break
			}
			changes = append(changes, rateChange{
				at: at, over: time.Duration(rapid.IntRange(0, 5000).Draw(t, "over")) * time.Millisecond,
				to: rapid.Float64Range(0, 100).Draw(t, "to"),
			})
		}
		p := paced(base, rapid.Bool().Draw(t, "poisson"), rapid.Float64Range(0, 0.999).Draw(t, "phase"), duration, changes...)
		p.Seed = rapid.Uint64().Draw(t, "seed")
		got, again := dues(p.Pacer(0)), dues(p.Pacer(0))
		last := time.Duration(0)
		for i, due := range got {
			if due < last || due > duration {
				t.Fatalf("publication %d: due at %v after %v, want ascending up to %v", i, due, last, duration)
			}
			if due != again[i] {
				t.Fatalf("publication %d: due at %v and, the second time, at %v", i, due, again[i])
			}
			last = due
		}
		want := integral(base, changes, duration)
		if !near(total(p.Publishers[0].entry.segments), want, 0.02*want+0.2) {
			t.Fatalf("got segments that hold %v, want %v", total(p.Publishers[0].entry.segments), want)
		}
		if !p.Publishers[0].Poisson && !near(float64(len(got)), want, 0.02*want+2) {
			t.Fatalf("got %d publications, want %v", len(got), want)
		}
		if p.Publishers[0].Poisson && !near(float64(len(got)), want, 6*math.Sqrt(want)+6) {
			t.Fatalf("got %d publications, want about %v", len(got), want)
		}
	})
}

func near(a, b, by float64) bool { return math.Abs(a-b) <= by }

// integral adds the rate up in small steps, the naive way.
func integral(base float64, changes []rateChange, duration time.Duration) float64 {
	const step = time.Millisecond
	sum := 0.0
	for at := time.Duration(0); at < duration; at += step {
		sum += rateAt(base, changes, at) * step.Seconds()
	}
	return sum
}

// rateAt is the rate at a time: what the last change that has begun makes of the
// rate at its beginning.
func rateAt(base float64, changes []rateChange, at time.Duration) float64 {
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		if c.at > at {
			continue
		}
		if at-c.at >= c.over {
			return c.to
		}
		from := rateAt(base, changes[:i], c.at)
		return from + (c.to-from)*float64(at-c.at)/float64(c.over)
	}
	return base
}

func BenchmarkPacer(b *testing.B) {
	p := paced(1e6, true, 0, time.Hour)
	c := p.Pacer(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.Next(); !ok {
			c = p.Pacer(0)
		}
	}
}
