package assert

import (
	"fmt"

	"squall/assert/latency"
)

// latency judges the distribution of one stage: the same counts that the table prints.
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
	d := m.Of(stage, during)
	v.add(true, "samples", d.Count())
	if d.Count() == 0 {
		v.Reason = fmt.Sprintf("not exercised: no sample of %s during %s", stage, during)
		return
	}
	v.State = Pass
	for _, q := range w.Latency.P {
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
		}
	}
	if end.Saturated {
		v.State, v.Reason = Inconclusive, "the generator was saturated: "+end.Why
	}
}
