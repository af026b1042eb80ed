package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
)

// Will: a client hands over a message when it connects, and the target publishes it if
// that connection is lost. Each connection has a will of its own, which its stamp
// names. Judged is each connection that was answered:
//
//   - one that a fault of the plan has torn (reset, fin, cut, or a close frame where that
//     is no goodbye) owes its will. It is missing if nobody has received it, although
//     somebody was subscribed to its channel from before the fault until five seconds
//     after the loss, which something proves that was written later still, and came;
//   - one that ended with a goodbye owes none, at any time;
//   - while one is up, and nothing has been done to it, its will is a misfire.
//
// What is frozen, left behind, muted, slow or far away may be taken for lost by the
// target at any time from then on. So may be what the target itself has ended, what
// something that the plan did to the target has touched, and what ended by itself:
// nothing is claimed of these. A second copy is a repeat, which delivery judges.
type wills struct {
	on   bool
	all  []legacy
	of   map[history.ClientID]int32 // its latest
	here map[ident]arrival
}

// What a brief calls a goodbye.
const (
	GoodbyeFrame = "close frame"
	GoodbyeWord  = "word"
)

// legacy is the will of one connection.
type legacy struct {
	client   history.ClientID
	channel  history.ChannelID
	id       ident
	life     int32
	fault    uint16
	sent     time.Duration
	answered time.Duration // 0: never
	doubted  time.Duration // since when the target may take it for lost; 0: never
	began    time.Duration // when its client began to end it; 0: not yet
	ended    time.Duration // 0: not yet
	goodbye  bool          // and how: with one, or without
}

// arrival is the first receipt of a will in a shard.
type arrival struct {
	seen    time.Duration
	client  history.ClientID
	life    int32
	channel history.ChannelID
}

func (x *wills) add(j *Judge, p *person, e *history.Event) {
	if e.Kind == history.Will {
		j.publications.will(e, j.nodeOf(e.Client))
	}
	if !x.on {
		return
	}
	if e.Kind == history.Will {
		if x.of == nil {
			x.of = make(map[history.ClientID]int32)
		}
		x.of[e.Client] = int32(len(x.all))
		w := legacy{client: e.Client, channel: e.Channel, life: e.Life, sent: e.Sent, id: ident{seq: e.Seq, publisher: e.Publisher, incarnation: e.Incarnation}}
		if p.slowing != 0 || p.linking != 0 {
			w.doubted = e.Sent
		}
		x.all = append(x.all, w)
		return
	}
	i, ok := x.of[e.Client]
	if !ok || x.all[i].life != e.Life || x.all[i].ended > 0 || j.clock.ended {
		return
	}
	switch w := &x.all[i]; e.Kind {
	case history.Connected:
		w.answered = e.Seen
	case history.FaultBegin:
		w.struck(j, e)
	case history.Closed:
		w.ended = e.Seen
		switch {
		case e.Who != history.Fault, w.began == 0:
			w.doubt(w.begin())
		case w.goodbye && (e.Seen-w.began > quickEnd || e.Code != 0 && e.Code != 1000 && e.Code != 1005):
			w.doubt(w.began) // it may not have been read, or the target had its own reason
		}
	}
}

// quickEnd is how soon a connection must end on which a goodbye was said.
const quickEnd = time.Second

// begin is when the end of the connection may have begun, at the earliest: at any time
// if it was not its client's doing.
func (w *legacy) begin() time.Duration {
	if w.began > 0 {
		return w.began
	}
	return w.sent
}

func (w *legacy) doubt(at time.Duration) {
	if w.doubted == 0 || at < w.doubted {
		w.doubted = at
	}
}

// struck takes a fault of the client's own.
func (w *legacy) struck(j *Judge, e *history.Event) {
	how, disconnects := strings.CutPrefix(e.Note, "disconnect ")
	frame := j.brief.Goodbye == GoodbyeFrame
	switch {
	case w.began > 0:
	case disconnects && (how == "reset" || how == "fin" || how == "cut"):
		w.began = e.Seen
	case e.Note == "scale":
		w.began, w.goodbye = e.Seen, true
	case disconnects && how == "close", e.Note == "session":
		w.began, w.goodbye = e.Seen, frame
	default:
		w.doubt(e.Seen)
	}
	w.fault = j.evidence.note(e.Note)
}

// came takes the receipt of a will.
func (x *wills) came(e *history.Event) {
	id := identOf(e)
	if a, ok := x.here[id]; ok && a.seen <= e.Seen {
		return
	}
	if x.here == nil {
		x.here = make(map[ident]arrival)
	}
	x.here[id] = arrival{e.Seen, e.Client, e.Life, e.Channel}
}

// lostEnd is what was made of one connection with a will.
type lostEnd struct {
	part                         int
	client                       history.ClientID
	channel                      history.ChannelID
	lost, unseen, goodbye, stays int64
}

// willMargin is how long after a loss the will may take.
const willMargin = 5 * time.Second

// judgeWills decides about every connection whose client had a will.
func (s *settlement) judgeWills() {
	if !s.j.wills.on {
		return
	}
	for i, p := range s.parts {
		for k := range p.wills.all {
			if w := &p.wills.all[k]; w.answered > 0 {
				s.judgeWill(i, w)
			}
		}
	}
}

// arrived is the first receipt of a will.
func (s *settlement) arrived(id ident) (first arrival, came bool) {
	for _, p := range s.parts {
		if a, ok := p.wills.here[id]; ok && (!came || a.seen < first.seen) {
			first, came = a, true
		}
	}
	return first, came
}

// willLines tell to whom a will came.
func (s *settlement) willLines(f *found) []Line {
	if f.anomaly != WillMisfire {
		return nil
	}
	a, _ := s.arrived(f.id)
	return []Line{{At: a.seen, Actor: s.actor(a.client, a.life), What: "recv", Text: s.message(f.id)}}
}

func (s *settlement) judgeWill(part int, w *legacy) {
	first, came := s.arrived(w.id)
	until := noEnd // to which nothing is done to it, nor to the target
	if w.ended > 0 {
		until = w.ended + willMargin
	}
	doubted := w.doubted
	for i := range s.j.outages {
		if o := &s.j.outages[i]; o.from <= until && (!o.over || o.to >= w.sent) && (doubted == 0 || o.from < doubted) {
			doubted = max(o.from, 1)
		}
	}
	end := lostEnd{part: part, client: w.client, channel: w.channel}
	i := incident{client: w.client, channel: w.channel, epoch: withoutOffsets, life: w.life, from: 1, to: 1, n: 1, id: w.id, setting: setting{phase: "live", fault: w.fault, witness: -1}}
	if came && (doubted == 0 || first.seen < doubted) && (w.began == 0 || first.seen < w.began || w.goodbye) {
		i.anomaly, i.seen, i.came = WillMisfire, first.seen, true
		s.found = append(s.found, found{i, part})
	}
	switch {
	case doubted > 0:
	case w.began == 0 || w.ended == 0:
		end.stays++
	case w.goodbye:
		end.goodbye++
	case came:
		end.lost++
	default:
		if end.lost++; s.listenedFor(w) {
			i.anomaly, i.seen = WillMissing, w.ended+willMargin
			i.setting.ago = i.seen - w.began
			s.found = append(s.found, found{i, part})
		} else {
			end.unseen++
		}
	}
	s.legacies = append(s.legacies, end)
}

// listenedFor reports whether somebody would have received a will: subscribed to its
// channel from before the fault until something came that was written later than the
// will may have taken.
func (s *settlement) listenedFor(w *legacy) bool {
	for _, p := range s.parts {
		for k := range p.retention.asks {
			a := &p.retention.asks[k]
			if a.answered == 0 || a.answered >= w.began || a.filter > 0 || a.ended > 0 && a.ended <= w.ended+willMargin ||
				a.topic != w.channel && !(p.claims.pattern(p, a.topic) && p.claims.matches(p, a.topic, w.channel)) {
				continue
			}
			if heard, cut := p.proof(a); !cut && heard >= w.ended+willMargin {
				return true
			}
		}
	}
	return false
}

// will judges whether the wills of those who were lost came, and no other.
func (s *settlement) will(w *want, v *Verdict) {
	var n lostEnd
	for i := range s.legacies {
		if k := &s.legacies[i]; w.filter.client(&s.parts[k.part].people[k.client]) && w.filter.channel(k.channel) {
			n.lost, n.unseen, n.goodbye, n.stays = n.lost+k.lost, n.unseen+k.unseen, n.goodbye+k.goodbye, n.stays+k.stays
		}
	}
	v.add(true, "lost with a will", n.lost)
	v.add(true, "left with a goodbye", n.goodbye)
	v.add(true, "stayed", n.stays)
	v.add(true, "unseen", n.unseen)
	orphan := s.sift(w, v, func(*found) bool { return true }, invents)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case n.lost == 0:
		v.Reason = "not exercised: no client with a `will` was lost by a fault of its own; add a `disconnect`, with `how: reset`, `fin` or `cut`"
	case 100*n.unseen > n.lost:
		v.Reason = fmt.Sprintf("of %d wills that were owed %d came to nobody, and nobody was subscribed long enough to prove that they never would: let subscribers of their channels stay for %v after the losses", n.lost, n.unseen, willMargin)
	default:
		v.State = Pass
	}
	v.orphaned(orphan)
}

// isWill reports whether a message is a will.
func (s *settlement) isWill(id ident) bool {
	return s.j.brief.Wills > 0 && id.publisher >= s.j.brief.Wills
}

func (s *settlement) willWhat(f *found) string {
	if f.anomaly == WillMissing {
		return fmt.Sprintf("%s never came to %s", s.message(f.id), s.j.names.Name(int32(f.channel)))
	}
	return fmt.Sprintf("%s came to %s", s.message(f.id), s.j.names.Name(int32(f.channel)))
}

func (s *settlement) willWhy(f *found) []string {
	if f.anomaly == WillMissing {
		return []string{"the connection was answered, and its client tore it without a goodbye",
			fmt.Sprintf("somebody was subscribed to the channel from before that until %v after it, and later", willMargin)}
	}
	return []string{"until then nothing had been done to the connection, or it had ended with a goodbye"}
}
