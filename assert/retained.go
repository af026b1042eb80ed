package assert

import (
	"fmt"
	"time"

	"squall/assert/history"
)

// Retained: a channel keeps the latest message whose publisher asked for that, and
// whoever subscribes is given it, marked as what it is. Judged is each subscribe that
// was answered, against what was certainly kept when it was sent:
//
//   - a retained message q is certainly there if it was acknowledged before the
//     subscribe was sent, and nothing that the plan did to the target since q was sent
//     may have taken it away. Then something retained must come on that connection.
//     That it never will is proven by what the server wrote a second or more after the
//     answer, and has come: a live message, or the answer to the drain's probe if
//     nothing else was still arriving then. A gap that the server announces on the
//     connection may have taken it away;
//   - a message x that is given out is too old if it was acknowledged before such a q
//     was sent. What has no outcome may take effect at any time, and is never too old.
//     What overlaps the subscribe may be given or not;
//   - one whose publisher did not ask for it may not be given out.
//
// Where a client asks several times on one connection for what brings the channel, one
// message is enough for all, and the earliest of them says what is too old. Behind a
// filter nothing is owed. What is given out by this is no delivery: the other rules
// never see it, but for isolation, to which a message is a message.
type retention struct {
	on     bool // it is expected
	asks   []ask
	last   map[uint64]int32             // latest ask of a client for a topic
	open   map[history.ClientID][]int32 // asks that have not ended
	given  []handout
	beyond int64 // more than are kept
}

// ask is one subscribe, to a channel or a pattern.
type ask struct {
	client   history.ClientID
	topic    history.ChannelID
	life     int32
	filter   uint8
	fault    uint16
	faultAt  time.Duration
	sent     time.Duration
	answered time.Duration // 0: never
	ended    time.Duration // 0: never
	heard    time.Duration // once it has ended; see Judge.cameLast
	cut      bool          // the server has announced a gap on its connection
}

// handout is one retained message that was given.
type handout struct {
	client  history.ClientID
	channel history.ChannelID
	life    int32
	resumed bool // a session went on: it may have been given before
	corrupt bool
	seen    time.Duration
	id      ident
}

// mostHandouts bounds what a target that gives without end can make us keep.
const mostHandouts = 1 << 20

// add takes what is said of subscriptions, and what comes of it.
func (x *retention) add(j *Judge, p *person, e *history.Event) {
	if e.Kind == history.Retained {
		j.handedOut(p, e)
	}
	if !x.on {
		return
	}
	switch e.Kind {
	case history.Subscribe:
		x.asked(p, e)
	case history.Subscribed:
		if a := x.latest(e); a != nil && a.answered == 0 {
			a.answered = e.Seen
		}
	case history.Unsubscribe, history.Unsubscribed:
		if a := x.latest(e); a != nil && (e.Kind == history.Unsubscribe || e.Has(history.FlagServer)) {
			x.end(j, a, e.Seen)
		}
	case history.Closed:
		if !j.clock.ended {
			for _, i := range x.open[e.Client] {
				x.end(j, &x.asks[i], e.Seen)
			}
			delete(x.open, e.Client)
		}
	}
}

func (x *retention) asked(p *person, e *history.Event) {
	if e.Has(history.FlagForbidden) {
		return
	}
	if x.last == nil {
		x.last, x.open = make(map[uint64]int32), make(map[history.ClientID][]int32)
	}
	i := int32(len(x.asks))
	x.asks = append(x.asks, ask{client: e.Client, topic: e.Channel, life: e.Life, filter: uint8(max(e.Publisher, 0)), fault: p.fault, faultAt: p.faultAt, sent: e.Sent})
	x.last[cursorKey(e.Client, e.Channel)] = i
	x.open[e.Client] = append(x.open[e.Client], i)
}

// latest is the latest ask that e is about, if it has not ended.
func (x *retention) latest(e *history.Event) *ask {
	i, ok := x.last[cursorKey(e.Client, e.Channel)]
	if !ok || x.asks[i].life != e.Life || x.asks[i].ended > 0 {
		return nil
	}
	return &x.asks[i]
}

// end ends an ask. What came on its connection proves what can't come any more.
func (x *retention) end(j *Judge, a *ask, at time.Duration) {
	if a.ended > 0 {
		return
	}
	a.ended = at
	a.heard, _ = j.cameLast(a)
	a.cut = j.people[a.client].gapIn == a.life
}

// cameLast is when the latest of what has come on the connection of an ask was due,
// which was sent then or later, and when it came.
func (j *Judge) cameLast(a *ask) (due, seen time.Duration) {
	for i := j.people[a.client].first; i >= 0; i = j.ledger.all[i].next {
		if c := &j.ledger.all[i]; c.life == a.life {
			if seen = max(seen, c.lastSeen); c.since != c.answered {
				due = max(due, c.since)
			}
		}
	}
	return due, seen
}

// handedOut takes a retained message.
func (j *Judge) handedOut(p *person, e *history.Event) {
	if why, _, _ := j.excuse(e); why != excused {
		j.stray(e)
	}
	if e.Has(history.FlagCorrupt) {
		i := incident{anomaly: PhantomMessage, epoch: withoutOffsets, n: 1, client: e.Client, channel: e.Channel, life: e.Life, seen: e.Seen, setting: j.setting(e, nil)}
		i.setting.phase = "live"
		i.setting.witness = j.witness(i.anomaly, &i.setting, e.Client, e.Channel)
		j.incidents.add(i)
	}
	x := &j.retention
	switch {
	case !x.on:
	case len(x.given) >= mostHandouts:
		x.beyond++
	default:
		x.given = append(x.given, handout{client: e.Client, channel: e.Channel, life: e.Life, resumed: p.resumedIn == e.Life, corrupt: e.Has(history.FlagCorrupt), seen: e.Seen, id: identOf(e)})
	}
}

// retained judges whether whoever subscribed was given what the channel keeps.
func (s *settlement) retained(w *want, v *Verdict) {
	var n keptCount
	for i := range s.handed {
		if k := &s.handed[i]; w.filter.client(&s.parts[k.part].people[k.client]) && w.filter.channel(k.channel) {
			n.owed += k.owed
			n.given += k.given
			n.unseen += k.unseen
			n.undecided += k.undecided
		}
	}
	v.add(true, "subscribes owed a retained message", n.owed)
	v.add(true, "retained messages judged", n.given)
	v.add(true, "unseen", n.unseen)
	v.add(false, "undecided", n.undecided)
	beyond := int64(0)
	for _, p := range s.parts {
		beyond += p.retention.beyond
	}
	v.add(false, "further retained messages without detail", beyond)
	orphan := s.sift(w, v, func(*found) bool { return true }, invents)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case beyond > 0:
		v.Reason = "more retained messages came than are kept: fewer subscribes would settle it"
	case n.owed == 0:
		v.Reason = "not exercised: nobody subscribed after a message with `retain: true` had been acknowledged; let clients come later or return, and publish with `ack: true`"
	case 100*(n.unseen+n.undecided) > n.owed:
		v.Reason = fmt.Sprintf("of %d subscribes that were owed a retained message %d ended too soon to prove anything, and %d retained messages can't be dated: let clients stay connected longer", n.owed, n.unseen, n.undecided)
	default:
		v.State = Pass
	}
	v.orphaned(orphan)
}
