package assert

import (
	"fmt"
	"sort"

	"squall/assert/history"
)

// errors counts error replies and failed dials by kind.
type errors struct {
	kinds map[errorKey]*ErrorKind
	by    map[errorClient]int64 // unexcused, by group and channel
}

type errorKey struct {
	refused bool
	code    int32
	note    string
}

type errorClient struct {
	group   int16
	channel history.ChannelID
	doubted bool // a command may be the reason
	overdue bool // an answer did not come in time
}

// ErrorKind counts one kind of error.
type ErrorKind struct {
	What    string `json:"what"`
	N       int64  `json:"n"`
	Excused int64  `json:"excused"` // explained by a fault or drain of the plan
	Example string `json:"example,omitempty"`
}

const mostErrorKinds = 256

func (x *errors) add(j *Judge, e *history.Event) {
	if x.kinds == nil {
		x.kinds, x.by = make(map[errorKey]*ErrorKind), make(map[errorClient]int64)
	}
	excused := e.Has(history.FlagExcused) || j.excuses(e)
	if !excused {
		x.by[errorClient{j.people[e.Client].group, e.Channel, j.doubts(e), e.Has(history.FlagOverdue)}]++
	}
	if e.Has(history.FlagBroken) && !excused && !j.doubts(e) {
		j.blame(incident{anomaly: CodecDesync, said: e.Note}, e)
	}
	key := errorKey{e.Kind == history.Refused, e.Code, e.Note}
	k := x.kinds[key]
	if k == nil {
		if len(x.kinds) == mostErrorKinds {
			key = errorKey{note: "other kinds"}
			k = x.kinds[key]
		}
		if k == nil {
			k = &ErrorKind{What: key.what(), Example: fmt.Sprintf("%s at %.3fs", j.actor(e.Client, e.Life), e.Seen.Seconds())}
			x.kinds[key] = k
		}
	}
	k.N++
	if excused {
		k.Excused++
	}
}

func (k errorKey) what() string {
	s := "error"
	if k.refused {
		s = "dial refused"
	}
	if k.code != 0 {
		s = fmt.Sprintf("%s %d", s, k.code)
	}
	if k.note != "" {
		s += ": " + k.note
	}
	return s
}

// Errors lists the errors by kind, most frequent first.
func (j *Judge) Errors() []ErrorKind {
	sum := make(map[string]*ErrorKind)
	var out []*ErrorKind
	for _, p := range j.parts {
		for _, k := range p.errors.kinds {
			if o := sum[k.What]; o != nil {
				o.N, o.Excused, o.Example = o.N+k.N, o.Excused+k.Excused, min(o.Example, k.Example)
				continue
			}
			c := *k
			sum[k.What] = &c
			out = append(out, &c)
		}
	}
	sort.Slice(out, func(a, b int) bool {
		if out[a].N != out[b].N {
			return out[a].N > out[b].N
		}
		return out[a].What < out[b].What
	})
	list := make([]ErrorKind, len(out))
	for i, k := range out {
		list[i] = *k
	}
	return list
}

// errors judges how many error replies and failed dials nothing explains, and that
// whatever comes can be read: a frame or a compressed message that is not as RFC 6455 and
// RFC 7692 say (codec-desync) fails whatever the limit is. Not meant is what is only longer
// than is taken, a close code that may not be sent, which close judges, and what another
// client had sent and the target passed on, where close judges abuses. Answers
// that did not come in time are a matter of time: they prove nothing where the
// generator was saturated, since it may have been what was late.
func (s *settlement) errors(w *want, v *Verdict, end End) {
	n, doubted, overdue, dials, excused := int64(0), int64(0), int64(0), int64(0), int64(0)
	for _, p := range s.parts {
		dials += p.traffic.dials
		for k, x := range p.errors.by {
			if w.filter.group(k.group) && (w.Channel == "" || w.filter.channel(k.channel)) {
				switch {
				case k.doubted:
					doubted += x
				case k.overdue:
					overdue += x
				default:
					n += x
				}
			}
		}
		for _, k := range p.errors.kinds {
			excused += k.Excused
		}
	}
	if passed := s.passedOn(w); passed > 0 {
		n -= passed
		v.Owned = append(v.Owned, Count{OffencePassedOn.String() + " (owned by close)", passed})
	}
	s.sift(w, v, func(f *found) bool { return !s.wasPassedOn(f) }, 0)
	sure := n
	n += overdue
	v.add(true, "errors", n)
	v.add(false, "excused", excused)
	v.add(false, "in doubt after a command", doubted)
	v.add(true, "dials", dials)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = fmt.Sprintf("%s: of %d errors that no fault explains, these are broken frames, which no limit allows", v.Findings[0].Anomaly, n)
	case dials == 0:
		v.Reason = "not exercised: nobody dialled"
	case holds(w.Errors, float64(n)) != holds(w.Errors, float64(n+doubted)):
		v.Reason = fmt.Sprintf("%d error replies came after the command of an `exec`, which may be the reason; a client's own count again once a connection that it began after the command is answered", doubted)
	case end.Saturated && holds(w.Errors, float64(sure)) != holds(w.Errors, float64(n)):
		v.Reason = fmt.Sprintf("%d answers did not come in time, but the generator was saturated: %s", overdue, end.Why)
	case holds(w.Errors, float64(n)):
		v.State = Pass
	default:
		v.State = Fail
		v.Reason = fmt.Sprintf("%d errors that no fault explains; the limit is %s", n, says(w.Errors))
		for _, k := range s.j.Errors() {
			if k.N > k.Excused {
				v.Reason += fmt.Sprintf("; most often %q", k.What)
				break
			}
		}
	}
}
