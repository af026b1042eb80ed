package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// outage is something that the plan did to the target: from before it began
// until after it was over.
type outage struct {
	verb     string // drain, restart, kill, …
	loses    bool   // it takes the histories away, as the plan says
	node     int32  // −1: all
	from, to time.Duration
	over     bool
	command  bool   // it is an `exec`: what it does is unknown
	failed   string // why that failed
}

// historyLost ends the note of what takes the histories away: with a new epoch,
// but for forget-history.
const historyLost = ", history lost"

// outages are those of a run; every shard is told of all.
type outages []outage

// target takes what happens to the target, not to a client.
func (j *Judge) target(e *history.Event) {
	name, failed, _ := strings.Cut(e.Note, commandFailed)
	verb, loses := strings.CutSuffix(strings.TrimPrefix(name, "gateway "), historyLost)
	j.beats.target(e)
	switch e.Kind {
	case history.FaultBegin:
		j.outages = append(j.outages, outage{verb: verb, loses: loses, node: e.Code, from: e.Sent, command: isCommand(verb)})
		note := j.evidence.note(e.Note)
		for i := range j.people {
			if p := &j.people[i]; p.open && (e.Code < 0 || p.node == e.Code) {
				p.fault, p.faultAt = note, e.Seen
			}
		}
	case history.FaultEnd:
		for i := range j.outages {
			if o := &j.outages[i]; !o.over && o.verb == verb && o.node == e.Code {
				o.over, o.to, o.failed = true, e.Seen, failed
				if o.command {
					o.to = e.Seen + scenario.Aftermath
				}
				return
			}
		}
	}
}

// explains reports whether the outage may be why a connection to node, begun at
// dialled, ended at the time at: it had been begun before the node was up again,
// or at the very moment at which that was seen, and it ended after the outage
// began. Nothing else is excused.
func (o *outage) explains(node int32, dialled, at time.Duration) bool {
	return (o.node < 0 || o.node == node) && at >= o.from && (!o.over || dialled <= o.to) &&
		o.verb != "forget-history" && o.verb != "new-epoch"
}

// outage finds what explains the end, at the time at, of a client's latest
// connection; nil if nothing does.
func (j *Judge) outage(p *person, at time.Duration) *outage {
	for i := len(j.outages) - 1; i >= 0; i-- {
		if o := &j.outages[i]; !o.command && o.explains(p.node, p.dialled, at) {
			return o
		}
	}
	return j.commanded(p.passed(), at)
}

// leaves reports whether outages explain the end, at the time at, of a client's
// latest connection as one for a drain, or for a restart; others tells that there
// is one which explains it otherwise.
func (j *Judge) leaves(p *person, at time.Duration) (drain, restart, others bool) {
	for i := range j.outages {
		switch o := &j.outages[i]; {
		case o.command || !o.explains(p.node, p.dialled, at):
		case o.verb == "drain", o.verb == "maintenance":
			drain = true
		case o.verb == "restart":
			restart = true
		default:
			others = true
		}
	}
	return drain, restart, others || j.commanded(p.passed(), at) != nil // a command may have cut the farewell short
}

// excuses reports whether an outage explains an error: a failed dial, or an
// answer that never came.
func (j *Judge) excuses(e *history.Event) bool {
	if e.Has(history.FlagPosted) {
		return j.unanswered(e)
	}
	if e.Kind == history.Problem && !(e.Code == 0 && strings.HasPrefix(e.Note, "no answer to ")) {
		return false
	}
	return j.outage(&j.people[e.Client], e.Seen) != nil
}

// unanswered reports whether an outage explains that a request over HTTP failed: it
// was under way while the node was not, or for a moment after.
func (j *Judge) unanswered(e *history.Event) bool {
	if e.Code > 0 && e.Code < 500 {
		return false // an answer that is about the request
	}
	node := int32(e.Offset)
	for i := range j.outages {
		o := &j.outages[i]
		if !o.command && (o.node < 0 || o.node == node) && o.from <= e.Seen && (!o.over || e.Sent <= o.to+slack) {
			return true
		}
	}
	return false
}

// ofNode tells which node a fault of the target is about.
func ofNode(k *fact) string {
	switch {
	case k.client >= 0:
		return ""
	case k.code() < 0:
		return ", all nodes"
	}
	return fmt.Sprintf(", node %d", k.code())
}

// forgot reports whether the plan itself took the target's state away between two
// times, or may have: what is known only from then on is known anew.
func (j *Judge) forgot(from, to time.Duration) bool {
	for i := range j.outages {
		if o := &j.outages[i]; o.loses && o.verb != "forget-history" && o.from <= to && (!o.over || from <= o.to) {
			return true
		}
	}
	return false
}

// emptied reports whether the plan itself took away what a client asked for: the
// answer's epoch is new, or the old one's history was emptied, and an outage
// that does that began before the answer and was not over when what the client
// knows of the old state was told, which was at the time known. A history that is
// lost at any other time, or by an outage that keeps it, is not excused.
func (j *Judge) emptied(known time.Duration, sameEpoch bool, answered time.Duration) bool {
	for i := range j.outages {
		o := &j.outages[i]
		if o.loses && (o.verb == "forget-history") == sameEpoch && o.from <= answered && (!o.over || known <= o.to) {
			return true
		}
	}
	return false
}
