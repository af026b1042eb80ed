package assert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"squall/assert/history"
)

// hint is a return whose time the server chose: it had told the client how long
// to wait. Whether the herd returns in lockstep is then the server's doing; a
// client's own backoff proves nothing about it.
type hint struct {
	client  history.ClientID
	part    int
	told    time.Duration // when the server announced the end
	due     time.Duration // when the client was to return
	witness int32
}

// dialled notes an attempt whose time the server set.
func (r *returns) dialled(p *person, e *history.Event) {
	p.hinted = 0
	if e.Has(history.FlagServer) {
		r.hints = append(r.hints, hint{client: e.Client, told: p.told, due: e.Due, witness: -1})
		p.hinted = int32(len(r.hints))
	}
}

// connected keeps the witness of some of them.
func (r *returns) connected(j *Judge, p *person, e *history.Event) {
	if p.hinted == 0 {
		return
	}
	s := j.setting(e, nil)
	r.hints[p.hinted-1].witness = j.witness(LockstepReconnect, &s, e.Client, -1)
	p.hinted = 0
}

// What makes a herd, and a tick.
const (
	leastHerd = 50                     // fewer clients at once harm nobody
	herdGap   = time.Second            // announcements that are farther apart belong to different drains
	tick      = 150 * time.Millisecond // within which returns count as simultaneous
	narrowest = 50 * time.Millisecond  // of the parts into which a herd's time is divided
	perPart   = 5                      // clients that each part would hold if they were spread evenly, at least
)

// herds lists the hints within w by drain, in the order of time.
func (s *settlement) herds(w *want) (all [][]hint) {
	var hints []hint
	for i, p := range s.parts {
		for _, h := range p.returns.hints {
			if w.filter.client(&p.people[h.client]) {
				h.part = i
				hints = append(hints, h)
			}
		}
	}
	slices.SortFunc(hints, func(a, b hint) int {
		return cmp.Or(cmp.Compare(a.told, b.told), cmp.Compare(a.client, b.client))
	})
	for i, h := range hints {
		if i == 0 || h.told-hints[i-1].told > herdGap {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], h)
	}
	return all
}

// lockstep reports clients that never get through, and herds that were sent back at
// the same moments. It judges the times that the target chose, where its protocol
// lets it tell each client when to return, and neither when the clients came nor
// the waits that they chose themselves: in the dialect events the server must spread
// what it tells, and the clients here return when they are told to. The time from
// the first to the last return is divided into equal parts, of which each would
// hold five clients or more; if the fullest fifth of them holds nine of ten
// clients, or all return within one tick, the herd moves in lockstep. Clients
// that are spread evenly, or even with a backoff's jitter, don't come near that.
func (s *settlement) lockstep(w *want, v *Verdict, herds [][]hint) {
	told, judged := int64(0), int64(0)
	mine := s.livelocks(w)
	for _, h := range herds {
		told += int64(len(h))
		if len(h) < leastHerd {
			continue
		}
		judged++
		due := make([]time.Duration, len(h))
		for i := range h {
			due[i] = h[i].due
		}
		if within, ok := lockstep(due); ok {
			mine = append(mine, s.herd(h, within))
		}
	}
	v.add(false, "returns at the server's time", told)
	v.add(false, "herds judged for lockstep", judged)
	if len(mine) > 0 {
		v.Findings = s.findings(w, mine)
	}
}

// herd makes one incident of a herd, with the clearest of its witnesses.
func (s *settlement) herd(h []hint, within time.Duration) *found {
	best := h[0]
	for _, x := range h {
		if x.witness >= 0 {
			best = x
			break
		}
	}
	p := &s.parts[best.part].people[best.client]
	return &found{part: best.part, incident: incident{
		anomaly: LockstepReconnect, client: best.client, channel: -1, n: int64(len(h)), seen: best.due,
		setting: setting{phase: "connecting", fault: p.fault, witness: best.witness},
		said:    fmt.Sprintf("%d clients of one drain were told to return, nine of ten of them within %v in all", len(h), within.Round(time.Millisecond)),
	}}
}

// lockstep reports whether the returns that were due at these times were in
// lockstep, and how much time nine of ten of them take up.
func lockstep(due []time.Duration) (within time.Duration, yes bool) {
	slices.Sort(due)
	first, span := due[0], due[len(due)-1]-due[0]
	if span <= tick {
		return span, true
	}
	n := min(len(due)/perPart, int(span/narrowest))
	counts := make([]int, max(n, 1))
	for _, d := range due {
		counts[min(int(int64(d-first)*int64(len(counts))/int64(span)), len(counts)-1)]++
	}
	slices.Sort(counts)
	parts := 0
	for have := 0; 10*have < 9*len(due); parts++ {
		have += counts[len(counts)-1-parts]
	}
	within = span * time.Duration(parts) / time.Duration(len(counts))
	return within, within <= tick || 5*parts <= len(counts)
}

// peak judges the limit of returns within any one second, of those whose time
// the target set; false if that settles the verdict.
func (s *settlement) peak(w *want, v *Verdict, herds [][]hint) bool {
	var due []time.Duration
	for _, h := range herds {
		for _, x := range h {
			due = append(due, x.due)
		}
	}
	if len(due) == 0 {
		v.State = Inconclusive
		v.Reason = "`peak` was not exercised: the clients' own backoff set the pace, not the target; it is judged where the target tells when to return, as in a drain"
		return false
	}
	slices.Sort(due)
	n, _ := most(due, time.Second)
	v.add(true, "peak per second at the server's time", int64(n))
	if !holds(w.Peak, float64(n)) {
		v.State = Fail
		v.Reason = fmt.Sprintf("the target told %d clients to return within one second; the limit is %s", n, says(w.Peak))
		return false
	}
	return true
}

// most is how many of the ascending times lie within one window, at most, and
// when that begins.
func most(at []time.Duration, window time.Duration) (n int, from time.Duration) {
	for i, first := 0, 0; i < len(at); i++ {
		for at[i]-at[first] >= window {
			first++
		}
		if i-first+1 > n {
			n, from = i-first+1, at[first]
		}
	}
	return n, from
}
