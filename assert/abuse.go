package assert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// The close rule, with `when: abuse`, judges what becomes of clients that break
// the protocol, and of their neighbours.
//
// An offence against RFC 6455 must end its author's connection: with a close
// frame that carries the code which the RFC names for it, or without one, since
// the RFC only recommends it, or with a code from 3000 on, whose meaning the RFC
// leaves to applications. Any other code is wrong. An author whose connection
// is still open five seconds later was tolerated; where a ping written behind the
// offence was answered that is certain, else it is a matter of time, and nothing
// is judged of a saturated generator, nor of an author whose earlier publications
// the server may still have had to read.
//
// An offence against the dialect's own words must be refused: by an error that
// repeats the command's id, or by the end of the connection with any code that
// may be sent. One that is answered as if it were right was tolerated. No answer
// at all proves nothing.
//
// Some offences are done on a connection beside the client's own, whose end is then
// no outcome. A resume from a position that can't be must not be answered as
// recovered; a connect that names another user's session must bring neither the
// session nor a message; one with a token that has expired must not be let in. An
// answer that nothing was recovered, or that the session begins anew, is right.
//
// Nobody else may suffer. A neighbour is whoever did nothing wrong on its present
// connection and was touched by no fault. From an offence until five seconds
// later the server may not end a neighbour's connection, abruptly or with one of
// the codes that blame the client or tell of an inner error, and no frame that
// breaks RFC 6455 may come to one. With which other codes, and when else, a
// server ends connections is its own business.
type abuses struct {
	expected bool // some expectation asks
	all      []trespass
	open     map[history.ClientID]int // index into all, while the outcome is awaited
}

// trespass is one offence and what came of it.
type trespass struct {
	client   history.ClientID
	life     int32
	offence  string
	from, to time.Duration // before the write; the outcome
	code     int32         // of the close frame
	came     result
}

// result is what came of an offence.
type result uint8

const (
	unsettled result = iota // nothing that proves anything
	endedFor                // the connection was ended as it must be
	refusedBy               // by an answer
	wrongly                 // the connection was ended with a wrong code
	tolerated
)

// neighbourhood is how long after an offence the neighbours are looked at.
const neighbourhood = 5 * time.Second

const abusePrefix = "abuse "

// isAbuse reports whether a fault is an offence of its client's.
func isAbuse(note string) bool { return strings.HasPrefix(note, abusePrefix) }

// begin takes the beginning of a fault.
func (a *abuses) begin(e *history.Event) {
	name, ok := strings.CutPrefix(e.Note, abusePrefix)
	if !ok {
		return
	}
	if a.open == nil {
		a.open = make(map[history.ClientID]int)
	}
	a.open[e.Client] = len(a.all)
	a.all = append(a.all, trespass{client: e.Client, life: e.Life, offence: name, from: e.Sent, to: e.Seen})
}

// take ends the wait for the outcome of a client's offence in a life; nil if
// there is none.
func (a *abuses) take(e *history.Event) *trespass {
	i, ok := a.open[e.Client]
	if !ok || a.all[i].life != e.Life {
		return nil
	}
	delete(a.open, e.Client)
	t := &a.all[i]
	t.to = e.Seen
	return t
}

// over takes the end of a fault: an offence that did not end the connection.
func (a *abuses) over(j *Judge, p *person, e *history.Event) {
	if !isAbuse(e.Note) {
		return
	}
	t := a.take(e)
	if t == nil {
		return
	}
	o, _ := scenario.OffenceOf(t.offence)
	switch {
	case e.Result == history.Failed && o.Words:
		t.came = refusedBy
	case e.Result == history.OK && o.Words:
		t.came = tolerated
		bad := o.Bad
		if bad == "" {
			bad = "was answered as if it were right"
		}
		j.blame(incident{anomaly: OffenceTolerated, said: t.offence + " " + bad}, e)
	case e.Result == history.OK:
		t.came = tolerated
		j.blame(incident{anomaly: OffenceTolerated, said: t.offence + ": what was written behind it was answered, and the connection stayed"}, e)
	case o.Words, e.Has(history.FlagExcused), p.hindered(e.Life), j.troubled(p, t):
	default:
		t.came = tolerated
		j.blame(incident{anomaly: OffenceTolerated, late: true, said: fmt.Sprintf("%s: the connection was still open %v later", t.offence, (t.to - t.from).Round(time.Millisecond))}, e)
	}
}

// troubled reports whether something that the plan did to the target may be why
// an offence had no outcome in time, or another one than it should have had.
func (j *Judge) troubled(p *person, t *trespass) bool {
	return p.announced || j.outage(p, t.from) != nil || j.outage(p, t.to) != nil
}

// closed takes the end of a connection; it reports whether an offence of its own
// client explains it.
func (a *abuses) closed(j *Judge, p *person, e *history.Event) (explained bool) {
	if i, ok := a.open[e.Client]; ok {
		if o, _ := scenario.OffenceOf(a.all[i].offence); o.Aside { // its connection is another one
			a.neighbour(j, p, e)
			return false
		}
	}
	t := a.take(e)
	if t == nil {
		a.neighbour(j, p, e)
		return false
	}
	o, _ := scenario.OffenceOf(t.offence)
	t.code = e.Code
	forbidden := e.Code != 0 && !sendable(e.Code)
	switch {
	case e.Who != history.Server && !(e.Who == history.Client && forbidden): // another end, that proves nothing
		return false
	case !forbidden && (o.Words || e.Code >= 3000 || slices.Contains(o.Codes, int(e.Code))):
		t.came = endedFor
	case j.troubled(p, t), p.hindered(e.Life):
		return false
	case e.Code == 0:
		t.came = endedFor
	default:
		t.came = wrongly
		what := fmt.Sprintf("close code %d for %s", e.Code, t.offence)
		if forbidden {
			what += ", which may not be sent (RFC 6455, 7.4.1)"
		} else {
			what += fmt.Sprintf("; RFC 6455 names %d", o.Codes[0])
		}
		j.blame(incident{anomaly: WrongCloseCode, from: uint64(e.Code), to: causes["abuse"], said: what}, e)
	}
	return true
}

// blames lists the close codes by which a server says that the client did
// something wrong, or that it has itself failed; 0 is no close frame.
var blames = []int32{0, 1002, 1003, 1007, 1008, 1009, 1010, 1011}

// innocent reports whether a client did nothing wrong on its present connection,
// and nothing that the plan did touched it.
func (j *Judge) innocent(p *person, e *history.Event) bool {
	return j.want.abuse && !j.clock.ended && !(p.aside && e.Code == 0) && p.faultIn != e.Life && !p.hindered(e.Life) && !p.announced && j.outage(p, e.Seen) == nil
}

// neighbour takes the end of a connection whose client had done nothing wrong.
// Whether another had is known when all shards are together.
func (a *abuses) neighbour(j *Judge, p *person, e *history.Event) {
	lost := e.Code != 0 && e.Code == int32(j.brief.Lost)
	if e.Who == history.Server && (lost || slices.Contains(blames, e.Code)) && j.innocent(p, e) {
		how := "ended without a close frame"
		if e.Code != 0 {
			how = fmt.Sprintf("closed with %d", e.Code)
		}
		if lost {
			how += ", although nobody has its session but itself"
		}
		j.blame(incident{anomaly: CollateralClose, from: uint64(e.Code), said: how}, e)
	}
}

// problem takes a frame of the server that breaks RFC 6455.
func (a *abuses) problem(j *Judge, p *person, e *history.Event) {
	if strings.HasPrefix(e.Note, "broken WebSocket: ") && j.innocent(p, e) {
		j.blame(incident{anomaly: OffencePassedOn, said: e.Note}, e)
	}
}

// blame keeps an incident that belongs to a connection, not to a channel.
func (j *Judge) blame(i incident, e *history.Event) {
	i.client, i.channel, i.life, i.seen, i.n = e.Client, -1, e.Life, e.Seen, 1
	if i.setting = j.setting(e, nil); i.setting.phase == "connecting" {
		i.setting.phase = "live"
	}
	i.setting.witness = j.witness(i.anomaly, &i.setting, e.Client, -1)
	j.incidents.add(i)
}
