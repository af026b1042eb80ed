package assert

// queue judges what a session that the server kept owed to the client that came
// back to it: every message of its subscriptions that was sent while it was away,
// or on its way when it went, once, in order, up to the promised size and age.
//
// A pattern is no such subscription: no session is asked to keep it, the client asks
// for it anew in every life, and what it would have brought meanwhile is counted,
// not owed. What it brings in each life, delivery judges.
func (s *settlement) queue(w *want, v *Verdict) {
	t := s.sum(w)
	var returns, resumed, missed, refused, patterns int64
	for _, p := range s.parts {
		for i := range p.sessions.all {
			o := &p.sessions.all[i]
			if !w.filter.client(&p.people[o.client]) || !s.concerns(w, o) {
				continue
			}
			returns++
			patterns += s.unkept(w, o)
			switch {
			case !o.resumed:
				refused++
			case s.missedIn(o) > 0:
				missed++
				fallthrough
			default:
				resumed++
			}
		}
	}
	v.add(true, "returns to a session", returns)
	v.add(true, "resumed", resumed)
	v.add(true, "resumed that had missed something", missed)
	v.add(true, "kept messages delivered", t.flushed)
	v.add(false, "left to the rules of shaped channels", t.shaped)
	v.add(false, "messages lost", s.lost(w))
	v.add(false, "refused with a reason", s.count(w, SessionRefused))
	v.add(false, "published meanwhile for patterns, which no session keeps", patterns)
	v.add(true, "waived", t.waived)
	v.add(true, "unseen", t.unseen)
	orphan := s.sift(w, v, func(f *found) bool {
		switch f.anomaly {
		case SessionRefused:
			return false
		case DoubleFlush:
			return s.promises(f.channel).Delivery != "at-least-once"
		}
		return true
	}, loses|repeats)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case !s.j.brief.keeps() && returns == 0:
		v.State, v.Reason = NotApplicable, "the target does not promise to keep sessions"
	case t.subscriptions == 0 && t.shaped > 0:
		v.State, v.Reason = NotApplicable, allShaped
	case returns == 0:
		v.Reason = "not exercised: no client came back to a session; add a `disconnect` moment"
	case resumed == 0:
		v.Reason = "not exercised: every return was refused with a reason; raise `queue.size` or `queue.ttl`, or shorten `away`"
	case missed == 0 || t.flushed == 0:
		v.Reason = "not exercised: no session that was resumed had missed anything; raise `away` or the publish rate"
	case w.Want == "complete" && refused > 0 && refused*100 > returns:
		v.Reason = "more than 1 % of the returns were refused, each with a reason: raise `queue.size` or `queue.ttl`, shorten `away`, or expect `queue: honest`"
	default:
		v.State = Pass
		t.received, t.published = t.flushed, 0
		if w.Want == "honest" {
			t.waived, t.doubted = 0, 0
		}
		t.doubt(v)
	}
	v.orphaned(orphan)
}

// unkept counts what was published in an absence on channels that only a pattern
// brings the client.
func (s *settlement) unkept(w *want, o *absence) (n int64) {
	p := o.home
	for at := p.people[o.client].first; at >= 0; at = p.ledger.all[at].next {
		c := &p.ledger.all[at]
		if !c.patterned || !w.filter.channel(c.channel) {
			continue
		}
		for _, b := range s.channel(c.channel).outboxes {
			n += int64(b.after(o.to) - b.after(o.lost))
		}
	}
	return n
}

// concerns reports whether an absence touched a channel of w.
func (s *settlement) concerns(w *want, o *absence) bool {
	for _, m := range o.marks {
		if w.filter.channel(m.channel) {
			return true
		}
	}
	return false
}

// count is how many incidents of one anomaly w covers.
func (s *settlement) count(w *want, a Anomaly) (n int64) {
	for i := range s.found {
		if f := &s.found[i]; f.anomaly == a && s.in(w, f) {
			n++
		}
	}
	return n
}

// keeps reports whether sessions are promised to be kept, for some channel.
func (b *Brief) keeps() bool {
	if b.Promises.Queue.Size > 0 {
		return true
	}
	for _, c := range b.Promises.Channels {
		if c.Queue.Size > 0 {
			return true
		}
	}
	return false
}
