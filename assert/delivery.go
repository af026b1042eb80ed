package assert

import (
	"fmt"

	"squall/scenario"
)

// delivery judges loss, repeats and inventions with no disconnect between.
func (s *settlement) delivery(w *want, v *Verdict, end End) {
	t := s.sum(w)
	v.add(true, "deliveries judged", t.received)
	v.add(true, "subscriptions", t.subscriptions)
	v.add(false, "left to the rules of shaped channels", t.shaped)
	v.add(false, "messages lost", s.lost(w))
	v.add(true, "waived", t.waived)
	v.add(false, "taken away by the plan", t.emptied)
	v.add(false, "in doubt after a command", t.doubted)
	v.add(true, "unseen", t.unseen)
	v.add(false, "in flight at the end of a pattern", t.adrift)
	v.add(false, "foreign messages", t.foreign)
	v.add(false, "kept back by filters", t.withheld)
	overlapping := s.overlapping(w)
	v.add(false, "channels with overlapping subscriptions", overlapping)
	v.add(false, "further copies, one a subscription", t.copied)
	v.add(false, "copies looked for", t.copies)
	v.add(true, "unknown publications", t.unknown)
	v.add(false, "publications given up for memory", t.retired)
	v.add(false, "deliveries too old to compare", t.far)

	concern := invents
	if w.Want != "at-most-once" {
		concern |= loses
	}
	if w.Want != "at-least-once" {
		concern |= repeats
	}
	v.add(false, "replaced connections that were read on", s.replaced(w))
	v.add(false, "publications sent again", t.retried)
	orphan := s.sift(w, v, func(f *found) bool {
		return f.anomaly.Define().harm&concern != 0 || f.anomaly == DuplicateLiveSession || f.anomaly == RetryDoublePublish
	}, concern)

	limit, waived := w.Waived, t.waived
	if limit.Op == "" && s.j.brief.recovers() && w.Want != "at-most-once" {
		limit, waived = scenario.Limit{Op: "<=", Text: "0"}, t.promised
	}
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case !holds(limit, float64(waived)):
		v.State = Fail
		v.Reason = fmt.Sprintf("%d messages were waived by honest refusals; the limit is %s", waived, says(limit))
		if end.Saturated { // whoever is late to return has missed more
			v.State, v.Reason = Inconclusive, v.Reason+", but the generator was saturated: "+end.Why
		}
	case t.subscriptions == 0 && t.shaped > 0:
		v.State, v.Reason = NotApplicable, allShaped
	case t.subscriptions == 0:
		v.Reason = "not exercised: no subscription was answered"
	case t.received == 0 && t.unseen == 0 && t.acked == 0:
		v.Reason = "not exercised: nothing was published to a subscribed channel; add a `publish` entry"
	case t.received == 0:
		v.Reason = "not exercised: nothing was delivered, and nothing was provably owed; a longer `drain.timeout` may settle it"
	default:
		v.State = Pass
		if w.Want == "at-most-once" {
			t.waived, t.unseen, t.unknown, t.doubted = 0, 0, 0, 0 // what is absent can't be a repeat
		}
		t.doubt(v)
		if v.State == Pass && overlapping > 0 && t.copies == 0 && w.Want != "at-most-once" && s.j.brief.Promises.Copies == scenario.CopiesEach {
			v.State, v.Reason = Inconclusive, "a copy for each subscription is promised, and of no message could they be counted: let overlapping subscriptions stand until the end, and publish while they do"
		}
		if v.State == Pass && t.retired > 0 {
			v.State, v.Reason = Inconclusive, "the oldest publications were given up for memory: raise --memory"
		}
	}
	v.orphaned(orphan)
}
