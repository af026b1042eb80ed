package assert

// state judges what clients end on: the last message of a channel is its state, by
// offset where there are any, else by arrival. It must be one of those that the
// publications admit as the last (final.go). A subscription that other anomalies
// explain, which another expectation owns, is listed and not blamed again.
func (s *settlement) state(w *want, v *Verdict) {
	if w.Book != nil {
		s.folded(w, v)
		return
	}
	t := endings{owned: make(map[Anomaly]int64)}
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if !c.everAnswered || !w.covers(p, c) {
				continue
			}
			t.subscriptions++
			ch := s.channel(c.channel)
			f := s.final(ch)
			quiet := func(p *person, c *cursor) bool { return s.quiet(p, c, ch) }
			if shape := s.j.shape(c.channel); shape != nil && !shape.Settles() {
				t.open++
				continue
			} else if shape != nil {
				quiet = still(f, shape)
			}
			e, last := s.ended(i, int32(at), f, (*tail).state, quiet)
			switch e {
			case settled:
				if t.right++; p.people[c.client].life > 1 {
					t.returned++
				}
			case notOwed:
				t.open++
			case endUnseen:
				t.unseen++
			case endWaived:
				t.waived++
			default:
				if a := s.explained(c, last); a != NoAnomaly {
					t.owned[a]++
					continue
				}
				x := s.overdue(i, int32(at), c, f, last)
				x.anomaly, x.other = StateDiverged, last.state()
				t.mine = append(t.mine, &found{x, i})
			}
		}
	}
	v.add(true, "subscriptions", t.subscriptions)
	v.add(true, "on the state that was published", t.right)
	v.add(false, "of these after a return", t.returned)
	v.add(false, "not owed it", t.open)
	v.add(false, "waived", t.waived)
	v.add(true, "unseen", t.unseen)
	v.own(t.owned)
	if len(t.mine) > 0 {
		v.State, v.Findings = Fail, s.findings(w, t.mine)
		v.Reason = v.Findings[0].Anomaly
		return
	}
	t.verdict(v)
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
