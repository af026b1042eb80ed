package assert

import (
	"time"

	"squall/assert/history"
)

// An era is the time between two things that the plan did to the target by which
// channels begin anew, or may. Epochs follow each other, so an era tells in which of
// them a message can be whose acknowledgement names only an offset.

// erasOf is a range of eras; from > to: none is known.
type erasOf struct{ from, to int }

// renewals are when channels began anew, or may have.
func (j *Judge) renewals() (all []fromTo) {
	for i := range j.outages {
		o := &j.outages[i]
		if !o.command && (!o.loses || o.verb == "forget-history") {
			continue
		}
		x := fromTo{o.from, o.to}
		if !o.over {
			x.to = 1<<63 - 1
		}
		all = append(all, x)
	}
	return all
}

// era is that of a message, if all that is known of when it took effect lies in one.
func (s *settlement) era(m *publication) (n int, sure bool) {
	to := m.settled
	if to == 0 || m.uncertain() {
		to = time.Duration(1<<63 - 1)
	}
	for _, x := range s.renewed {
		switch {
		case x.to < m.sent:
			n++
		case x.from <= to:
			return 0, false
		}
	}
	return n, true
}

// eras are those of an epoch of a channel, by what somebody has received in it.
func (s *settlement) eras(c *channelEnd, epoch history.EpochID) erasOf {
	r := erasOf{len(s.renewed) + 1, -1}
	if len(s.renewed) == 0 {
		return erasOf{}
	}
	for _, g := range c.logs {
		if g.epoch != epoch {
			continue
		}
		for o := g.oldest(); o <= g.top && o > 0; o++ {
			n := g.at(o)
			if n == nil || n.seq == 0 || n.seq == anonymous {
				continue
			}
			if m := s.publication(c.id, n.ident()); m != nil {
				if e, sure := s.era(m); sure {
					r.from, r.to = min(r.from, e), max(r.to, e)
				}
			}
		}
	}
	return r
}

// dated reports whether it is certain whether a message is of the only epoch in which
// anybody has seen a channel, whose eras are r.
func (s *settlement) dated(m *publication, r erasOf) bool {
	_, sure := s.era(m)
	return sure && r.from <= r.to
}

// placed reports whether it certainly is.
func (s *settlement) placed(m *publication, r erasOf) bool {
	e, sure := s.era(m)
	return sure && r.from <= e && e <= r.to
}
