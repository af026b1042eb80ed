package report

import (
	"testing"
	"time"
)

// However long the storm, the plot has at most ten rows at round times, ends on
// the last value, never falls, and no bar leaves its room.
func TestSteps(t *testing.T) {
	for _, end := range []time.Duration{0, 1, 9, 11, ms, 37 * ms, time.Second, 4100 * ms, 59 * time.Second, 3 * time.Hour} {
		var curve []ReturnPoint
		for i := 1; i <= 60; i++ {
			curve = append(curve, ReturnPoint{After: end * time.Duration(i) / 60, Back: i * 10})
		}
		rows := steps(curve, 10)
		if len(rows) == 0 || len(rows) > 10 {
			t.Errorf("a curve of %v has %d rows", end, len(rows))
			continue
		}
		last := 0
		for _, r := range rows {
			if r.Back < last {
				t.Errorf("a curve of %v falls from %d to %d", end, last, r.Back)
			}
			last = r.Back
		}
		if last != 600 {
			t.Errorf("a curve of %v ends on %d, not on 600", end, last)
		}
	}
	if rows := steps(nil, 10); rows != nil {
		t.Errorf("no curve has rows: %v", rows)
	}
}

func TestBar(t *testing.T) {
	for _, s := range []Style{{}, {ASCII: true}} {
		for _, p := range []float64{0, 0.0001, 0.01, 0.5, 0.999, 1} {
			n := columns(s.bar(p, 40))
			if n > 40 || (n == 0) != (p == 0) || p == 1 && n != 40 {
				t.Errorf("a bar of %v takes %d columns of 40 (ASCII %v)", p, n, s.ASCII)
			}
		}
	}
}
