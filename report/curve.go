package report

import (
	"math"
	"strings"
	"time"
)

// returns draws how clients came back: bars over the time since each wanted to.
func (p *page) returns(r *Returns) {
	if r.Lost == 0 && r.Back == 0 {
		return
	}
	p.blank()
	items := []string{count(r.Lost) + " lost", count(r.Back) + " back (" + share(part(r.Back, r.Lost)) + ")"}
	if r.Peak > 0 {
		items = append(items, "peak "+count(r.Peak)+"/s at "+p.span(r.PeakAt))
	}
	p.section("returns", items)
	const most = 10 // rows
	steps := steps(r.Curve, most)
	if len(steps) == 0 {
		return
	}
	times, counts := 0, 0
	for _, s := range steps {
		times = max(times, columns(p.span(s.After)))
		counts = max(counts, len(short(s.Back)))
	}
	room := min(40, p.width()-label-times-counts-2-2-2-5)
	for _, s := range steps {
		of := part(s.Back, r.Lost)
		p.line(strings.Repeat(" ", label) + padLeft(p.span(s.After), times) + "  " + pad(p.bar(of, room), room) +
			"  " + padLeft(short(s.Back), counts) + "  " + padLeft(share(of), 5))
	}
}

func part(n, of int) float64 {
	if of <= 0 {
		return 0
	}
	return min(1, float64(n)/float64(of))
}

// steps reads a cumulative curve at round times, at most most of them.
func steps(curve []ReturnPoint, most int) []ReturnPoint {
	if len(curve) == 0 {
		return nil
	}
	end := curve[len(curve)-1].After
	if end <= 0 {
		return []ReturnPoint{{After: 0, Back: curve[len(curve)-1].Back}}
	}
	step := round(end, most)
	var steps []ReturnPoint
	next, back := 0, 0
	for at := step; ; at += step {
		for next < len(curve) && curve[next].After <= at {
			back = curve[next].Back
			next++
		}
		steps = append(steps, ReturnPoint{After: at, Back: back})
		if at >= end {
			return steps
		}
	}
}

// round is the smallest of 1, 2, 5, 10, 20, 50 … that covers end in at most most steps.
func round(end time.Duration, most int) time.Duration {
	need := float64(end) / float64(most)
	power := math.Pow(10, math.Floor(math.Log10(math.Max(need, 1))))
	for _, f := range [...]float64{1, 2, 5, 10} {
		if f*power >= need {
			return time.Duration(f * power)
		}
	}
	return end
}

// bar draws a share of 1 in at most width columns; anything above 0 is visible.
func (s Style) bar(part float64, width int) string {
	if part <= 0 || width <= 0 {
		return ""
	}
	if s.ASCII {
		return strings.Repeat("#", max(1, int(part*float64(width)+0.5)))
	}
	eighths := max(1, int(part*float64(width)*8+0.5))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}
