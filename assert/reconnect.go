package assert

import (
	"fmt"
	"sort"
	"time"

	"squall/assert/history"
)

// returns are the losses of clients that want back, and how they came back.
type returns struct {
	lostOf  []history.ClientID // one per loss
	back    []comeback
	resyncs []resync
	hints   []hint
}

type comeback struct {
	client history.ClientID
	took   time.Duration // from wanting back to ready
	at     time.Duration
	apart  bool // the time is also that of a link, or a reading, which the plan limits
}

type resync struct {
	client history.ClientID
	life   int32
	took   time.Duration
	at     time.Duration
	apart  bool
}

// lost notes the end of a connection that its client wants back. What ends when
// the wait for everybody's return is over comes too late to be waited for.
func (r *returns) lost(j *Judge, p *person, e *history.Event) {
	if p.gone || p.group >= 0 && j.want.groups[p.group].Never || j.clock.phase == history.PhaseFences || j.clock.probe >= 0 {
		return
	}
	if p.away || !p.ready {
		return // it had not been back since, or never in
	}
	p.away, p.wanting = true, e.Seen
	r.lostOf = append(r.lostOf, e.Client)
}

// ready notes that every subscription of a client is answered again.
func (r *returns) ready(j *Judge, p *person, e *history.Event) {
	if p.away {
		r.back = append(r.back, comeback{e.Client, e.Seen - e.Due, e.Seen, e.Has(history.FlagApart)})
		p.awaiting = true
	}
	p.away, p.ready = false, true
}

// resynced notes that a client has everything up to the positions of its answers.
func (j *Judge) resynced(p *person, e *history.Event) {
	p.awaiting = false
	j.returns.resyncs = append(j.returns.resyncs, resync{e.Client, e.Life, e.Seen - e.Due, e.Seen, e.Has(history.FlagApart)})
}

// Returns tells how clients came back after losing their connections.
type Returns struct {
	Lost   int           `json:"lost"`            // losses of clients that wanted back
	Back   int           `json:"back"`            // of those: connected and subscribed again by the end
	Apart  int           `json:"apart,omitempty"` // of those: over a link of their own, which says nothing of the target's time
	Peak   int           `json:"peak"`            // most returns within any one second
	PeakAt time.Duration `json:"peak_at_ns"`
	Curve  []ReturnPoint `json:"curve,omitempty"` // cumulative, at most 60 points
}

// ReturnPoint says that Back clients were ready After they wanted back, or sooner.
type ReturnPoint struct {
	After time.Duration `json:"after_ns"`
	Back  int           `json:"back"`
}

// Returns adds up the returns of all clients.
func (j *Judge) Returns() Returns { r, _ := j.comebacks(nil); return r }

const curvePoints = 60

// comebacks adds up the returns of the clients within f, and lists how long
// they took, ascending.
func (j *Judge) comebacks(f *filter) (r Returns, took []time.Duration) {
	var at []time.Duration
	for _, p := range j.parts {
		for _, c := range p.returns.lostOf {
			if f == nil || f.client(&p.people[c]) {
				r.Lost++
			}
		}
		for _, b := range p.returns.back {
			if f == nil || f.client(&p.people[b.client]) {
				r.Back++
				at = append(at, b.at)
				if b.apart {
					r.Apart++
					continue
				}
				took = append(took, b.took)
			}
		}
	}
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	sort.Slice(at, func(a, b int) bool { return at[a] < at[b] })
	r.Peak, r.PeakAt = most(at, time.Second)
	for i := range min(len(took), curvePoints) {
		n := (i + 1) * len(took) / min(len(took), curvePoints)
		r.Curve = append(r.Curve, ReturnPoint{took[n-1], n})
	}
	return r, took
}

// reconnect judges who came back, and how fast.
func (s *settlement) reconnect(w *want, v *Verdict, end End) {
	r, took := s.j.comebacks(&w.filter)
	all := s.herds(w)
	v.add(true, "losses", int64(r.Lost))
	v.add(true, "back", int64(r.Back))
	v.add(true, "peak per second", int64(r.Peak))
	unused := s.fallback(v)
	s.lockstep(w, v, all)
	if len(v.Findings) > 0 {
		v.State, v.Reason = Fail, v.Findings[0].Anomaly
		return
	}
	if r.Lost == 0 {
		v.Reason = "not exercised: no client that wants back lost its connection; add a `disconnect` moment"
		return
	}
	if unused != "" {
		v.Reason = unused
		return
	}
	v.State = Pass
	if share := float64(r.Back) / float64(r.Lost); !holds(w.Success, share) {
		if v.State = Fail; end.Lost != "" || end.Interrupted {
			v.State = Inconclusive // the run stopped waiting for them
		}
		v.Reason = fmt.Sprintf("%d of %d came back; the limit is %s", r.Back, r.Lost, says(w.Success))
		if end.Saturated {
			v.State, v.Reason = Inconclusive, v.Reason+", but the generator was saturated: "+end.Why
		}
		if o := s.nobodyBack(); o != nil && v.State == Fail {
			v.State = Inconclusive
			v.Reason += fmt.Sprintf("; nobody at all was ready again after the command of `%s`, which may have left the target down", o.verb)
		}
		return
	}
	if w.Peak.Op != "" && !s.peak(w, v, all) || len(w.P) == 0 {
		return
	}
	if len(took) == 0 {
		v.State, v.Reason = Inconclusive, "not exercised: nobody came back without a link or a reading of its own, so there is no time to judge"
		return
	}
	v.add(false, "over a link of their own", int64(r.Apart))
	for _, q := range w.P {
		got := quantile(took, q.Key, q.Q)
		v.add(true, q.Key+" µs", got.Microseconds())
		if !holds(q.Limit, got.Seconds()) && v.State == Pass {
			v.State = Fail
			v.Reason = fmt.Sprintf("%s from wanting back to ready is %v; the limit is %s", q.Key, got, says(q.Limit))
		}
	}
	if end.Saturated {
		v.State, v.Reason = Inconclusive, "the generator was saturated: "+end.Why
	}
}

// quantile of ascending values, by the nearest rank.
func quantile(sorted []time.Duration, key string, q float64) time.Duration {
	switch key {
	case "max":
		return sorted[len(sorted)-1]
	case "mean":
		sum := time.Duration(0)
		for _, d := range sorted {
			sum += d
		}
		return sum / time.Duration(len(sorted))
	}
	rank := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}
