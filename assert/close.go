package assert

import (
	"fmt"

	"squall/assert/history"
)

// closes counts how the target ended connections, by expectation.
type closes struct {
	judged []int64 // ended by the target for that cause
	unseen []int64 // ended for that cause, as it seems, and another may be the true one
}

// parting takes the end of a connection: it finds out why the target ended it,
// and looks at its close code. drained tells whether it was for a drain.
//
// The cause is what the target announced, or what the plan was doing to the
// node. A client that a fault of its own had touched in this life may have been
// closed for that, and proves nothing. Nor does a code that names another cause:
// the target may well have had that cause in the midst of a drain. Where several
// things happened to the node at a time, any of them may have been the cause.
func (j *Judge) parting(p *person, e *history.Event) (drained bool) {
	drain, restart, others := j.leaves(p, e.Seen)
	drain = drain || p.announced
	forbidden := e.Who == history.Client && e.Code != 0 && !sendable(e.Code)
	if !drain && !restart || e.Who == history.Fault || e.Who == history.NoOne {
		return false
	}
	several := drain && restart || others
	cause := uint64(0)
	if drain {
		cause |= causes["drain"]
	}
	if restart {
		cause |= causes["restart"]
	}
	if j.closes.judged == nil {
		j.closes.judged, j.closes.unseen = make([]int64, len(j.want.all)), make([]int64, len(j.want.all))
	}
	wrong := false
	for i := range j.want.all {
		w := &j.want.all[i]
		if w.Rule != "close" || !w.filter.client(p) || !(w.Close.When == "drain" && drain || w.Close.When == "restart" && restart) {
			continue
		}
		if p.aside && e.Code == 0 || p.faultIn == e.Life || p.slowing != 0 || p.slowLife == e.Life || e.Who == history.Client && !forbidden || j.silenced(p, e) ||
			(several && !forbidden || otherCause(e.Code)) && !w.takes(uint64(e.Code)) {
			j.closes.unseen[i]++
			continue
		}
		j.closes.judged[i]++
		wrong = wrong || !w.takes(uint64(e.Code))
	}
	if wrong {
		x := *e
		x.Channel = -1
		j.report(incident{anomaly: WrongCloseCode, from: uint64(e.Code), to: cause, n: 1}, &x, nil)
	}
	return drain
}

// silenced reports whether a connection may have been ended for a silence that was
// only the lateness of its client's own link.
func (j *Judge) silenced(p *person, e *history.Event) bool {
	return p.linkLife == e.Life && (j.brief.Silence == 0 || e.Code == int32(j.brief.Silence))
}

// causes are the cases of a close expectation, for incidents; where several may be
// the one, their sum.
var causes = map[string]uint64{"drain": 1, "restart": 2, "abuse": 4}

// takes reports whether a close expectation accepts a code; 0 is no close frame.
func (w *want) takes(code uint64) bool {
	for _, c := range w.Close.Codes {
		if uint64(c) == code {
			return true
		}
	}
	return false
}

// otherCause reports whether a code says by itself that neither a drain nor a
// restart was why: that the client broke a rule, or asked too much, or something
// of the application's own (RFC 6455 §7.4).
func otherCause(c int32) bool {
	return c == 1002 || c == 1003 || c >= 1007 && c <= 1010 || c == 1013 || c >= 3000 && c <= 4999
}

// sendable reports whether a close frame may carry a code (RFC 6455 §7.4).
func sendable(c int32) bool {
	return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
}

// close judges the codes with which the target ends connections: each end for
// the expectation's cause must carry one of its codes. No close frame is wrong,
// and so is a code that may not be sent.
func (s *settlement) close(w *want, index int, v *Verdict, end End) {
	if w.Close.When == "abuse" {
		s.abuse(w, v, end)
		return
	}
	judged, unseen := int64(0), s.stillOpen(w)
	for _, p := range s.parts {
		if p.closes.judged != nil {
			judged += p.closes.judged[index]
			unseen += p.closes.unseen[index]
		}
	}
	v.add(true, "closed by the target", judged)
	v.add(true, "unseen", unseen)
	s.sift(w, v, func(f *found) bool { return f.to&causes[w.Close.When] != 0 && !w.takes(f.from) }, parts)
	switch {
	case len(v.Findings) > 0:
		v.State, v.Reason = Fail, v.Findings[0].Anomaly
	case judged == 0:
		v.Reason = "not exercised: the target closed no connection for a " + w.Close.When + "; add a `gateway` moment, or an `exec` that makes it"
	case 100*unseen > judged+unseen:
		v.Reason = fmt.Sprintf("%d of %d connections were not seen to end for a %s: they stayed open, ended without a word, or a fault of their own had touched them", unseen, judged+unseen, w.Close.When)
	default:
		v.State = Pass
	}
}

// stillOpen counts the connections that should have been ended and were not.
func (s *settlement) stillOpen(w *want) (n int64) {
	for _, p := range s.parts {
		for i := range p.people {
			x := &p.people[i]
			if !x.stayed || !w.filter.client(x) {
				continue
			}
			left := x.announced && w.Close.When == "drain"
			for k := range p.outages {
				o := &p.outages[k]
				left = left || o.over && x.dialled < o.from && (o.node < 0 || o.node == x.node) &&
					(w.Close.When == "drain" && (o.verb == "drain" || o.verb == "maintenance") || w.Close.When == o.verb)
			}
			if left {
				n++
			}
		}
	}
	return n
}

// what says in one line what was wrong with an end, or with a return.
func (f *found) what() string {
	switch {
	case f.said != "":
		return f.said
	case f.anomaly == ResumeLivelock:
		return fmt.Sprintf("%d connections in a row were ended by the server before their subscriptions were answered, without one message", f.n)
	case f.from == 0:
		return "closed without a close frame"
	case !sendable(int32(f.from)):
		return fmt.Sprintf("close code %d, which may not be sent (RFC 6455, 7.4.1)", f.from)
	}
	return fmt.Sprintf("close code %d", f.from)
}
