package assert

import (
	"fmt"
	"time"
)

// recovery judges what a positioned subscription was owed at its next answer.
func (s *settlement) recovery(w *want, v *Verdict, end End) {
	t := s.sum(w)
	refused, unjustified := int64(0), int64(0)
	for i := range s.found {
		f := &s.found[i]
		if s.in(w, f) {
			switch f.anomaly {
			case IncompleteRecovery:
				refused++
			case FalseUnrecovered:
				unjustified++
			}
		}
	}
	v.add(true, "returns with a position", t.returns)
	v.add(true, "returns that missed something", t.returnsMissed)
	v.add(true, "missed messages replayed", t.replayed)
	v.add(false, "left to the rules of shaped channels", t.shaped)
	v.add(false, "messages lost", s.lost(w))
	v.add(false, "refused with a reason", refused)
	v.add(true, "waived", t.waived)
	v.add(false, "taken away by the plan", t.emptied)
	v.add(false, "in doubt after a command", t.doubted)
	v.add(true, "unseen", t.unseen)
	orphan := s.sift(w, v, func(f *found) bool {
		return f.anomaly != IncompleteRecovery || w.Want != "honest"
	}, loses|repeats)
	late, unresynced := s.slow(w, v)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case !s.j.brief.recovers() && t.returns == 0:
		v.State, v.Reason = NotApplicable, "the target does not promise recovery, or keeps no history"
	case t.subscriptions == 0 && t.shaped > 0:
		v.State, v.Reason = NotApplicable, allShaped
	case t.returns == 0:
		v.Reason = "not exercised: no client came back with a position; add a `disconnect` moment, or write `expect` without recovery"
	case t.returnsMissed == 0:
		v.Reason = "not exercised: no client that came back had missed anything; raise `away` or the publish rate"
	case len(late) > 0 && end.Saturated:
		v.Reason = fmt.Sprintf("%d returns took longer than %v to resync, but the generator was saturated: %s", len(late), w.Within, end.Why)
	case len(late) > 0:
		v.State, v.Findings = Fail, s.findings(w, late)
		v.Reason = fmt.Sprintf("%s: %d returns took longer than %v", SlowResync, len(late), w.Within)
	case w.Within > 0 && end.Saturated:
		v.Reason = "the generator was saturated, so `within` can't be judged: " + end.Why
	case w.Within > 0 && unresynced > 0:
		v.Reason = fmt.Sprintf("%d returns never finished their resync; a longer `drain.timeout` may settle it", unresynced)
	case s.doubtful(w) > 0:
		v.Reason = fmt.Sprintf("%d returns were refused after the command of an `exec`, which may have taken away what they asked for; `recovery: honest` lets those pass that a new epoch explains", s.doubtful(w))
	default:
		v.State = Pass
		t.received, t.published = t.missed, 0
		if w.Want == "honest" {
			t.waived, t.doubted = 0, 0
		}
		t.doubt(v)
	}
	v.orphaned(orphan)
}

// slow counts the returns of w that took longer than its limit to resync, and
// those that never did.
func (s *settlement) slow(w *want, v *Verdict) (late []*found, never int64) {
	if w.Within == 0 {
		return nil, 0
	}
	for i, p := range s.parts {
		for _, r := range p.returns.resyncs {
			who := &p.people[r.client]
			if !w.filter.client(who) || r.took <= w.Within || r.apart {
				continue
			}
			late = append(late, &found{part: i, incident: incident{anomaly: SlowResync, client: r.client, channel: -1, life: r.life, n: 1, seen: r.at,
				setting: setting{phase: "replaying", fault: who.fault, ago: r.at - who.faultAt, witness: -1},
				said:    fmt.Sprintf("everything that was missed was there %v after the client wanted back", r.took.Round(time.Millisecond))}})
		}
		for c := range p.people {
			if x := &p.people[c]; x.awaiting && w.filter.client(x) {
				never++
			}
		}
	}
	v.add(false, "slower than "+w.Within.String(), int64(len(late)))
	return late, never
}
