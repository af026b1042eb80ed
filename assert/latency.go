package assert

import (
	"fmt"

	"squall/assert/latency"
)

// latency judges the distribution of one stage: the same counts that the table prints.
//
// Times of clients that the plan gives a link of their own, or makes read slowly,
// are their own making as well, and so are those of messages that were published
// over such a link. They are never mixed with the others: an expectation leaves
// them out and tells how many there were. Only one that names nobody but groups
// with a `read` or a `link` judges theirs, and theirs alone.
func (s *settlement) latency(w *want, number int, v *Verdict, end End) {
	stage, ok := latency.StageOf(w.Latency.Of)
	if !ok {
		v.Reason = "there is no latency of that name"
		return
	}
	during := w.Latency.During
	if during == "" {
		during = "all"
	}
	var m latency.Meter
	for _, p := range s.parts {
		if x := &p.meters.some[number]; x.filter != nil {
			m.Merge(&x.Meter)
		} else {
			m.Merge(&p.meters.all)
		}
	}
	apart := m.Of(stage, "apart")
	d := m.Of(stage, during)
	if s.limited(w) && apart.Count() > 0 {
		if during != "all" {
			v.Reason = fmt.Sprintf("not exercised: times of clients with a `read` or a `link` are not told apart by `during: %s`; leave it out", during)
			return
		}
		d = apart
	} else {
		v.add(false, "left out, over links of their own", apart.Count())
	}
	v.add(true, "samples", d.Count())
	if d.Count() == 0 && apart.Count() > 0 {
		v.Reason = fmt.Sprintf("not exercised: all %d samples of %s are of clients with a link or a reading of their own; name their groups alone in `to` to judge these", apart.Count(), stage)
		return
	}
	if d.Count() == 0 {
		v.Reason = fmt.Sprintf("not exercised: no sample of %s during %s", stage, during)
		return
	}
	v.State = Pass
	for k, q := range w.Latency.P {
		got := d.Quantile(q.Q)
		switch q.Key {
		case "mean":
			got = d.Mean()
		case "max":
			got = d.Max()
		}
		v.add(true, q.Key+" µs", got.Microseconds())
		if !holds(q.Limit, got.Seconds()) && v.State == Pass {
			v.State = Fail
			v.Reason = fmt.Sprintf("%s of %s is %v; the limit is %s", q.Key, stage, got, says(q.Limit))
			if f := s.blocked(number, k); f != nil && !end.Saturated {
				v.Findings = s.findings(w, []*found{f})
				v.Reason = v.Findings[0].Anomaly + ": " + v.Reason
			}
		}
	}
	if end.Saturated {
		v.State, v.Reason = Inconclusive, "the generator was saturated: "+end.Why
	}
}

// limited reports whether an expectation names nobody but groups whose clients
// have a link or a reading of their own, all their life.
func (s *settlement) limited(w *want) bool {
	for _, name := range w.Groups {
		for _, g := range s.j.brief.Groups {
			if g.Name == name && !g.Limited {
				return false
			}
		}
	}
	return len(w.Groups) > 0
}
