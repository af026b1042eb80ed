package assert

import (
	"fmt"

	"squall/scenario"
)

// throttle judges that not more came in a time than so many, and that who is there
// comes to the last message. See shaping.go.
func (s *settlement) throttle(w *want, number int, v *Verdict, end End) {
	t := s.shapeSum(w, scenario.Throttle)
	judged := int64(0)
	for _, p := range s.parts {
		for i := range p.shaping.paces {
			if f := &p.shaping.paces[i]; f.entry == number {
				judged += f.judged
			}
		}
	}
	v.add(true, "live messages judged", judged)
	s.shaped(w, number, v, end, &t, judged)
}

// debounce judges that nothing comes before its channel was quiet for a time, and
// that who is there comes to the last message. See shaping.go.
func (s *settlement) debounce(w *want, number int, v *Verdict, end End) {
	t := s.shapeSum(w, scenario.Debounce)
	judged, dropped := int64(0), int64(0)
	for _, p := range s.parts {
		dropped += p.shaping.dropped
		for i := range p.shaping.quiets {
			if f := &p.shaping.quiets[i]; f.entry == number {
				judged += f.judged
			}
		}
	}
	v.add(true, "messages judged", judged)
	v.add(false, "messages too many to be compared", dropped)
	s.shaped(w, number, v, end, &t, judged)
}

// shaped is what both have in common.
func (s *settlement) shaped(w *want, number int, v *Verdict, end End, t *shapeSums, judged int64) {
	v.add(true, "messages held back", t.held)
	v.add(true, "subscriptions", t.subscriptions)
	v.add(true, "on the last message", t.settled)
	v.add(false, "of these after a return", t.returned)
	v.add(false, "late", int64(len(t.late)))
	v.add(false, "not owed the last message", t.notOwed)
	v.add(false, "waived", t.waived)
	v.add(true, "unseen", t.unseen)
	v.add(true, "unknown publications", t.unknown)
	s.sift(w, v, func(f *found) bool { return f.entry == number || f.entry < 0 }, 0)
	limit := w.Shape.Settles
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case t.channels == 0 && !s.promisesShape(w):
		v.State = NotApplicable
		v.Reason = fmt.Sprintf("the target promises no %s for these channels: write it under `target.gateway`, or under `target.promises.channels`", w.Rule)
	case t.subscriptions == 0:
		v.Reason = "not exercised: no subscription was answered"
	case judged == 0:
		v.Reason = "not exercised: too little came to be judged; let more be published"
	case t.held == 0:
		v.Reason = "not exercised: nothing had to be held back; raise the publish rate"
	case t.ends > 0 && t.settled == 0:
		v.Reason = "not exercised: no subscription provably came to the last message of its channel; let clients stay until the end"
	case len(t.late) > 0 && end.Saturated:
		v.Reason = fmt.Sprintf("%d subscriptions came to the last message later than %s, but the generator was saturated: %s", len(t.late), says(limit), end.Why)
	case len(t.late) > 0:
		v.State, v.Findings = Fail, s.findings(w, t.late)
		v.Reason = fmt.Sprintf("%s: %d subscriptions came to the last message later than %s", v.Findings[0].Anomaly, len(t.late), says(limit))
	default: // a generator that is late sees what comes later than it came: in time is in time
		v.State = Pass
		if bad := t.unseen + t.waived; bad*100 > t.settled+bad {
			v.State = Inconclusive
			v.Reason = fmt.Sprintf("of %d subscriptions to whom the last message was owed, it is unseen of %d and waived of %d: a longer `drain.timeout`, or clients that read faster, would settle it", t.settled+bad, t.unseen, t.waived)
		}
	}
}

// promisesShape reports whether the target promises any shape of the kind that w is
// about for channels of w of which nobody has heard.
func (s *settlement) promisesShape(w *want) bool {
	for _, x := range s.j.brief.Promises.AllShapes() {
		if x.Kind == w.Rule && scenario.Overlap(x.Match, w.Channel) {
			return true
		}
	}
	return false
}
