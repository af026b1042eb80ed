package scenario

import (
	"math"
	"math/rand/v2"
	"time"
)

// segment is a stretch of time over which a rate changes linearly.
type segment struct {
	start, end float64 // seconds from time 0
	from, to   float64 // per second, at start and end
	before     float64 // publications that were due before start
}

// area is how many publications are due in the first x seconds of the segment.
func (s segment) area(x float64) float64 {
	if s.end <= s.start {
		return 0
	}
	slope := (s.to - s.from) / (s.end - s.start)
	return s.from*x + slope*x*x/2
}

// after is the time into the segment at which area is a.
func (s segment) after(a float64) float64 {
	if a <= 0 {
		return 0
	}
	slope := (s.to - s.from) / (s.end - s.start)
	// The root of slope/2·x² + from·x = a, in the form that loses no digits when
	// the slope is small.
	return 2 * a / (s.from + math.Sqrt(max(s.from*s.from+2*slope*a, 0)))
}

// rateChange is one `rate` moment.
type rateChange struct {
	at, over time.Duration
	to       float64
}

// segments lays the changes of a base rate out over [0, duration]. changes are
// in ascending order; one that comes during another's ramp starts from the rate
// reached by then.
func segments(base float64, changes []rateChange, duration time.Duration) []segment {
	end := duration.Seconds()
	var all []segment
	add := func(to, rate float64) {
		s := segment{to: rate, end: to, from: base}
		if n := len(all); n > 0 {
			s.start, s.from = all[n-1].end, all[n-1].to
			s.before = all[n-1].before + all[n-1].area(all[n-1].end-all[n-1].start)
		}
		if s.end > s.start {
			all = append(all, s)
		}
	}
	// now is the rate at the end of what is laid out; jump makes it another.
	now := base
	jump := func(rate float64, at float64) {
		if len(all) > 0 {
			last := all[len(all)-1]
			all = append(all, segment{start: at, end: at, from: rate, to: rate, before: last.before + last.area(last.end-last.start)})
		}
		now = rate
	}
	last := 0.0
	for i, c := range changes {
		at := min(c.at.Seconds(), end)
		if at > last {
			add(at, now)
			last = at
		}
		until := end
		if i+1 < len(changes) {
			until = min(changes[i+1].at.Seconds(), end)
		}
		ramp := c.over.Seconds()
		if ramp == 0 {
			if len(all) == 0 {
				base = c.to
			}
			jump(c.to, at)
			continue
		}
		stop := min(at+ramp, until)
		reached := now + (c.to-now)*(stop-at)/ramp
		add(stop, reached)
		now, last = reached, stop
	}
	if end > last {
		add(end, now)
	}
	return all
}

// total is how many publications all segments hold.
func total(all []segment) float64 {
	if len(all) == 0 {
		return 0
	}
	last := all[len(all)-1]
	return last.before + last.area(last.end-last.start)
}

// highest is the largest rate.
func highest(all []segment) float64 {
	top := 0.0
	for _, s := range all {
		top = max(top, s.from, s.to)
	}
	return top
}

// Pacer is the schedule of one publisher: an open model of absolute times that
// never waits for the target and is never moved by what happened. It is owned by
// one goroutine.
type Pacer struct {
	segments []segment
	base     float64
	at       int // index of the segment that holds the last due time
	poisson  *rand.Rand
	target   float64 // publications due until the next one, with fractions
	from     float64 // target at the beginning
	phase    float64
	k        int64
	last     time.Duration
}

// Pacer returns the schedule of publisher i from time 0. A second call returns
// the same schedule again.
func (p *Plan) Pacer(i int) *Pacer {
	pub := &p.Publishers[i]
	c := &Pacer{segments: pub.entry.segments, base: pub.Rate, phase: pub.Phase}
	if pub.Poisson {
		c.poisson = Rand(p.Seed, "pace", i, 0)
	}
	return c
}

// Begin lets the schedule begin at another time than 0, before or after it, for
// a publisher that doesn't wait for the others. Call it before Next. Until time
// 0 the base rate holds.
func (c *Pacer) Begin(at time.Duration) {
	x := at.Seconds()
	c.last = at
	if x <= 0 {
		c.from = x * c.base
		return
	}
	for _, s := range c.segments {
		if x < s.end {
			c.from = s.before + s.area(x-s.start)
			return
		}
	}
	c.from = total(c.segments)
}

// Next is when the next publication is due, from time 0. It is false when none
// is due before the end of the active part. Times never decrease.
func (c *Pacer) Next() (due time.Duration, ok bool) {
	if c.poisson != nil {
		if c.k == 0 {
			c.target = c.from
		}
		c.target += c.poisson.ExpFloat64()
	} else {
		// Not a running sum, so that rounding can't add up.
		c.target = c.from + c.phase + float64(c.k)
	}
	c.k++
	if c.target < 0 {
		return c.due(c.target / c.base), true
	}
	for ; c.at < len(c.segments); c.at++ {
		s := c.segments[c.at]
		if a := c.target - s.before; a < s.area(s.end-s.start) {
			return c.due(s.start + s.after(a)), true
		}
	}
	return 0, false
}

func (c *Pacer) due(seconds float64) time.Duration {
	c.last = max(c.last, time.Duration(math.Round(seconds*1e9)))
	return c.last
}
