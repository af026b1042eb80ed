package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
)

// outage is something that the plan did to the target: from before it began
// until after it was over.
type outage struct {
	verb     string // drain, restart, kill, …
	node     int32  // −1: all
	from, to time.Duration
	over     bool
}

// outages are those of a run; every shard is told of all.
type outages []outage

// target takes what happens to the target, not to a client.
func (j *Judge) target(e *history.Event) {
	verb := strings.TrimPrefix(e.Note, "gateway ")
	switch e.Kind {
	case history.FaultBegin:
		j.outages = append(j.outages, outage{verb: verb, node: e.Code, from: e.Sent})
		note := j.evidence.note(e.Note)
		for i := range j.people {
			if p := &j.people[i]; p.open && (e.Code < 0 || p.node == e.Code) {
				p.fault, p.faultAt = note, e.Seen
			}
		}
	case history.FaultEnd:
		for i := range j.outages {
			if o := &j.outages[i]; !o.over && o.verb == verb && o.node == e.Code {
				o.over, o.to = true, e.Seen
				return
			}
		}
	}
}

// explains reports whether the outage may be why a connection to node, begun at
// dialled, ended at the time at: it had been begun before the node was up again,
// and it ended after the outage began. Nothing else is excused.
func (o *outage) explains(node int32, dialled, at time.Duration) bool {
	return (o.node < 0 || o.node == node) && at >= o.from && (!o.over || dialled < o.to) &&
		o.verb != "forget-history" && o.verb != "new-epoch"
}

// outage finds what explains the end, at the time at, of a client's latest
// connection; nil if nothing does.
func (j *Judge) outage(p *person, at time.Duration) *outage {
	for i := len(j.outages) - 1; i >= 0; i-- {
		if o := &j.outages[i]; o.explains(p.node, p.dialled, at) {
			return o
		}
	}
	return nil
}

// excuses reports whether an outage explains an error: a failed dial, or an
// answer that never came.
func (j *Judge) excuses(e *history.Event) bool {
	if e.Kind == history.Problem && !(e.Code == 0 && strings.HasPrefix(e.Note, "no answer to ")) {
		return false
	}
	return j.outage(&j.people[e.Client], e.Seen) != nil
}

// ofNode tells which node a fault of the target is about.
func ofNode(k *fact) string {
	switch {
	case k.client >= 0:
		return ""
	case k.code < 0:
		return ", all nodes"
	}
	return fmt.Sprintf(", node %d", k.code)
}
