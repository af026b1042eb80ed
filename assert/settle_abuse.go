package assert

import (
	"fmt"
	"time"

	"squall/scenario"
)

// abuse gives the verdict on what became of offences; see abuse.go.
func (s *settlement) abuse(w *want, v *Verdict, end End) {
	var n [tolerated + 1]int64
	late := int64(0)
	authors := int64(0)
	bystanders := int64(0)
	for _, p := range s.parts {
		guilty := make(map[int]bool)
		for i := range p.abuses.all {
			if t := &p.abuses.all[i]; w.filter.client(&p.people[t.client]) {
				n[t.came]++
				guilty[int(t.client)] = true
			}
		}
		authors += int64(len(guilty))
		for c := range p.people {
			if x := &p.people[c]; x.ready && !guilty[c] && w.filter.client(x) {
				bystanders++
			}
		}
	}
	s.sift(w, v, func(f *found) bool {
		switch f.anomaly {
		case WrongCloseCode:
			return f.to == causes["abuse"]
		case CollateralClose, OffencePassedOn:
			return s.amid(f) != nil
		}
		if f.late && end.Saturated {
			late++
		}
		return !(f.late && end.Saturated)
	}, 0)
	judged := n[endedFor] + n[refusedBy] + n[wrongly] + n[tolerated] - late
	unseen := n[unsettled] + late
	v.add(true, "offences judged", judged)
	v.add(true, "closed for it", n[endedFor])
	v.add(true, "refused", n[refusedBy])
	v.add(true, "authors", authors)
	v.add(true, "bystanders", bystanders)
	v.add(true, "unseen", unseen)
	switch {
	case len(v.Findings) > 0:
		v.State, v.Reason = Fail, v.Findings[0].Anomaly
	case judged+unseen == 0:
		v.Reason = "not exercised: nobody broke the protocol; add an `abuse` moment, or strike clients that are connected then"
	case bystanders == 0:
		v.Reason = "not exercised: everybody broke the protocol, so there was nobody else who could suffer; lower the `share`"
	case 100*unseen > judged+unseen:
		v.Reason = fmt.Sprintf("of %d of %d offences no outcome was seen: neither refused nor ended, or something else may have ended the connection", unseen, judged+unseen)
		if late > 0 {
			v.Reason += "; the generator was saturated: " + end.Why
		}
	default:
		v.State = Pass
	}
}

// amid finds the latest offence of another client that was under way when f
// happened.
func (s *settlement) amid(f *found) (t *trespass) {
	for _, p := range s.parts {
		for i := range p.abuses.all {
			x := &p.abuses.all[i]
			if x.client != f.client && x.from <= f.seen && f.seen <= x.from+neighbourhood && (t == nil || x.from > t.from) {
				t = x
			}
		}
	}
	return t
}

// passedOn counts the broken frames within w, errors in themselves, that a close
// expectation owns.
func (s *settlement) passedOn(w *want) (n int64) {
	for i := range s.found {
		if f := &s.found[i]; f.anomaly == OffencePassedOn && w.Channel == "" && s.in(w, f) && s.amid(f) != nil && s.judgesAbuse(f) {
			n++
		}
	}
	return n
}

// wasPassedOn reports whether a broken frame is one that a close expectation owns.
func (s *settlement) wasPassedOn(f *found) bool {
	for i := range s.found {
		if o := &s.found[i]; o.anomaly == OffencePassedOn && o.client == f.client && o.life == f.life && o.seen == f.seen && s.amid(o) != nil && s.judgesAbuse(o) {
			return true
		}
	}
	return false
}

// judgesAbuse reports whether some expectation about abuse covers f.
func (s *settlement) judgesAbuse(f *found) bool {
	for i := range s.j.want.all {
		if w := &s.j.want.all[i]; w.Rule == "close" && w.Close.When == "abuse" && s.in(w, f) {
			return true
		}
	}
	return false
}

// suffered says in one line what a neighbour suffered, and when.
func (s *settlement) suffered(f *found) string {
	t := s.amid(f)
	if t == nil {
		return f.said
	}
	return fmt.Sprintf("%s, %v after %s of %s", f.said, (f.seen - t.from).Round(10*time.Microsecond), t.offence, s.actor(t.client, 0))
}

// offenceLines tell what another client did, and what came of it.
func (s *settlement) offenceLines(f *found) (out []Line) {
	if f.anomaly.Define().harm != spreads {
		return nil
	}
	if f.anomaly == OffencePassedOn {
		out = append(out, Line{At: f.seen, Actor: s.actor(f.client, f.life), What: "recv", Text: "a broken frame"})
	}
	t := s.amid(f)
	if t == nil {
		return out
	}
	o, _ := scenario.OffenceOf(t.offence)
	out = append(out, Line{At: t.from, Actor: s.actor(t.client, t.life), What: "fault", Text: abusePrefix + t.offence + ": " + o.About})
	if t.came == endedFor || t.came == wrongly {
		l := Line{At: t.to, Actor: s.actor(t.client, t.life), What: "closed", Text: "by the server"}
		if t.code != 0 {
			l.Text += fmt.Sprintf(" with %d", t.code)
		}
		out = append(out, l)
	}
	return out
}
