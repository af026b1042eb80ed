package assert

import "fmt"

// state judges what clients end on: the last message of a channel is its state, by
// offset where there are any, else by arrival. It must be one of those that the
// publications admit as the last (final.go). A subscription that other anomalies
// explain, which another expectation owns, is listed and not blamed again.
func (s *settlement) state(w *want, v *Verdict) {
	var subscriptions, right, returned, open, unseen, waived int64
	owned := make(map[Anomaly]int64)
	var mine []*found
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if !c.everAnswered || !w.covers(p, c) {
				continue
			}
			subscriptions++
			ch := s.channel(c.channel)
			f := s.final(ch)
			quiet := func(p *person, c *cursor) bool { return s.quiet(p, c, ch) }
			if shape := s.j.shape(c.channel); shape != nil && !shape.Settles() {
				open++
				continue
			} else if shape != nil {
				quiet = still(f, shape)
			}
			e, t := s.ended(i, int32(at), f, (*tail).state, quiet)
			switch e {
			case settled:
				if right++; p.people[c.client].life > 1 {
					returned++
				}
			case notOwed:
				open++
			case endUnseen:
				unseen++
			case endWaived:
				waived++
			default:
				if a := s.explained(c, t); a != NoAnomaly {
					owned[a]++
					continue
				}
				x := s.overdue(i, int32(at), c, f, t)
				x.anomaly, x.other = StateDiverged, t.state()
				mine = append(mine, &found{x, i})
			}
		}
	}
	v.add(true, "subscriptions", subscriptions)
	v.add(true, "on the state that was published", right)
	v.add(false, "of these after a return", returned)
	v.add(false, "not owed it", open)
	v.add(false, "waived", waived)
	v.add(true, "unseen", unseen)
	for a := range anomalies {
		if n := owned[a]; n > 0 {
			v.Owned = append(v.Owned, Count{a.String() + " (owned by " + a.Define().Owner + ")", n})
		}
	}
	bad := unseen + waived
	switch {
	case len(mine) > 0:
		v.State, v.Findings = Fail, s.findings(w, mine)
		v.Reason = v.Findings[0].Anomaly
	case subscriptions == 0:
		v.Reason = "not exercised: no subscription was answered"
	case right == 0 && len(owned) == 0:
		v.Reason = "not exercised: no subscription was provably owed the last message of its channel; publish, and let clients stay until the end"
	case bad*100 > right+bad:
		v.Reason = fmt.Sprintf("of %d subscriptions to whom the state was owed, it is unseen of %d and waived of %d: a longer `drain.timeout`, or clients that read faster, would settle it", right+bad, unseen, waived)
	default:
		v.State = Pass
	}
}

// state is the message that a subscription has ended on.
func (t *tail) state() ident { return t.top }

// explained finds what another expectation holds against the target at the same
// subscription.
func (s *settlement) explained(c *cursor, t *tail) Anomaly {
	if s.superseded[missIdent{c.channel, t.state()}] {
		return DebouncedSuperseded
	}
	if s.blamed == nil {
		s.blamed = make(map[uint64]Anomaly)
		for i := range s.found {
			f := &s.found[i]
			if f.anomaly.Define().harm&(loses|repeats|invents|reorders|refuses|stales) != 0 && !s.unpromised(f) && s.owned(f) {
				s.blamed[cursorKey(f.client, f.channel)] = f.anomaly
			}
		}
	}
	if a := s.blamed[cursorKey(c.client, c.channel)]; a != NoAnomaly {
		return a
	}
	return s.blamed[cursorKey(-1, c.channel)] // what only the channel shows touches everyone
}
