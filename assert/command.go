package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// What a command of the plan (`exec`) does to the target is unknown. So it may be
// why a connection ended, a dial failed, an answer was missing or an error, a
// history or a session gone. It is no reason for what the server claims and does
// not keep: a recovery that it calls complete, a message skipped on a connection
// that goes on, one that comes twice.
//
// For one client and one node the command is the possible reason from its begin
// until a connection that the client begins some time after the end of the command
// is answered there. Failed dials, ended connections and missing answers are then
// excused. Refusals, gap notices and error replies are in doubt: neither is the
// target to be blamed for them, nor can a verdict rest on them.

// passage is when a client's latest connections to a node that were answered had
// been begun: of those answered since the first command.
type passage struct {
	node         int32
	last, before time.Duration
}

// commandFailed stands before the reason in the note of a command that failed.
const commandFailed = ", failed: "

// isCommand reports whether a fault of the target is a command of the plan.
func isCommand(note string) bool { return strings.HasPrefix(note, "exec ") }

// commanded finds a command that may be why something happened, at the time at,
// to a client that has passed to its node at the time passed; nil if none may.
func (j *Judge) commanded(passed, at time.Duration) *outage {
	for i := len(j.outages) - 1; i >= 0; i-- {
		if o := &j.outages[i]; o.command && at >= o.from && (!o.over || passed < o.to) {
			return o
		}
	}
	return nil
}

// passed is when p's latest answered connection to its node had been begun.
func (p *person) passed() time.Duration {
	if x := p.passage(); x != nil {
		return x.last
	}
	return 0
}

// passedBefore is the same of the one before that.
func (p *person) passedBefore() time.Duration {
	if x := p.passage(); x != nil {
		return x.before
	}
	return 0
}

func (p *person) passage() *passage {
	for i := range p.passages {
		if p.passages[i].node == p.node {
			return &p.passages[i]
		}
	}
	return nil
}

// passes notes that a connection is answered.
func (j *Judge) passes(p *person) {
	if !j.outages.commands() {
		return
	}
	x := p.passage()
	if x == nil {
		p.passages = append(p.passages, passage{node: p.node})
		x = &p.passages[len(p.passages)-1]
	}
	x.last, x.before = p.dialled, x.last
}

// commands reports whether a command has begun.
func (x outages) commands() bool {
	for i := range x {
		if x[i].command {
			return true
		}
	}
	return false
}

// doubts reports whether an error reply may come of a command. A frame that breaks
// the protocol does not.
func (j *Judge) doubts(e *history.Event) bool {
	p := &j.people[e.Client]
	return e.Kind == history.Problem && !strings.HasPrefix(e.Note, "not "+j.brief.Dialect) && j.commanded(p.passed(), e.Seen) != nil
}

// afterCommand makes a pass inconclusive if a command failed: the run was not what
// the scenario says.
func (s *settlement) afterCommand(v *Verdict) {
	for i := range s.j.outages {
		if o := &s.j.outages[i]; o.failed != "" && v.State == Pass {
			v.State = Inconclusive
			v.Reason = fmt.Sprintf("the command of `%s` failed (%s), so the run was not what the scenario says: see its output", o.verb, o.failed)
		}
	}
}

// nobodyBack reports whether no client at all was ready again after the latest
// command: it may have left the target down.
func (s *settlement) nobodyBack() *outage {
	var latest *outage
	for i := range s.j.outages {
		if o := &s.j.outages[i]; o.command && (latest == nil || o.from > latest.from) {
			latest = o
		}
	}
	if latest == nil {
		return nil
	}
	ended := latest.from
	if latest.over {
		ended = latest.to - scenario.Aftermath
	}
	for _, p := range s.parts {
		if p.lastReady > ended {
			return nil
		}
	}
	return latest
}

// doubtful counts the refused recoveries within w for which a command may be the
// reason; honest ones that a new epoch explains in any case are left out.
func (s *settlement) doubtful(w *want) (n int64) {
	for _, p := range s.parts {
		for i := range p.refusals {
			r := &p.refusals[i]
			if r.doubtful && w.filter.client(&p.people[r.client]) && w.filter.channel(r.channel) &&
				(w.Want != "honest" || s.unjustified(r)) {
				n++
			}
		}
	}
	return n
}
