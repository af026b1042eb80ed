package assert

import "squall/assert/history"

// Rights: who is who, and may what. The plan says what the target must refuse: a
// subscription, or a client's connection as a whole; everything else that it asks
// for is the client's by right. Judged is
//
//   - what must be refused and is granted, or delivered before the answer
//     (right-not-enforced);
//   - what is refused, or was to be, and is delivered all the same
//     (delivered-despite-refusal): on a topic that was never the client's,
//     whatever comes; on one that was, what was sent after the refusal was seen;
//   - what is the client's and is refused for want of a right (wrongly-refused).
//     Other errors, which may be for the moment only, are no word about rights.
//
// A refusal that never came, because its connection ended before or the target
// said something else, is unanswered: it proves nothing.

// rights is what one shard knows of them.
type rights struct {
	all   []right
	of    map[history.ClientID]int32   // the latest of a client
	given map[uint64]bool              // (client, channel) that the server has subscribed to by itself
	doors map[history.ClientID]doorman // of clients that must not be let in, from the first or since their rights were taken away
}

// right is one topic that a client asks for in vain.
type right struct {
	client  history.ClientID
	topic   history.ChannelID
	next    int32 // of the same client, or −1
	life    int32
	state   answer
	refused int64 // answers that refused it
	granted int64
}

// answer is the target's latest word.
type answer uint8

const (
	unanswered answer = iota
	refusedIt
	grantedIt
)

// doorman is what became of a client that must not be let in.
type doorman struct{ dialled, refused, letIn int64 }

// add takes what is about rights, and reports whether it is about nothing else.
func (x *rights) add(j *Judge, p *person, e *history.Event) bool {
	forbidden := e.Has(history.FlagForbidden)
	switch {
	case e.Kind == history.Subscribed && e.Has(history.FlagServer):
		if x.given == nil {
			x.given = make(map[uint64]bool)
		}
		x.given[cursorKey(e.Client, e.Channel)] = true
		return true
	case e.Kind == history.Dial && (forbidden || p.group >= 0 && j.want.groups[p.group].Refused):
		x.door(e.Client, func(d *doorman) { d.dialled++ })
		return false
	case forbidden && e.Kind == history.Connected:
		x.door(e.Client, func(d *doorman) { d.letIn++ })
		x.tell(j, RightNotEnforced, e, "was let in")
		return true
	case forbidden && e.Kind == history.Denied && e.Channel < 0:
		x.door(e.Client, func(d *doorman) { d.refused++ })
		return true
	case e.Kind == history.Denied && e.Channel < 0:
		x.tell(j, WronglyRefused, e, "was not let in: "+e.Note)
		return true
	case !forbidden && e.Kind == history.Denied:
		x.tell(j, WronglyRefused, e, "was refused: "+e.Note)
		x.withdraw(j, p, e)
		return true
	case !forbidden:
		j.remember(e)
		return false
	}
	r := x.topic(e)
	switch e.Kind {
	case history.Subscribe:
		r.life, r.state = e.Life, unanswered
	case history.Subscribed:
		r.state = grantedIt
		r.granted++
		x.tell(j, RightNotEnforced, e, "was granted")
	case history.Denied:
		r.state = refusedIt
		r.refused++
	}
	return true
}

// remember keeps what the client's own subscription to a channel has come to, also
// when a pattern brings the channel later.
func (j *Judge) remember(e *history.Event) {
	switch e.Kind {
	case history.Subscribe, history.Subscribed, history.Unsubscribe, history.Unsubscribed:
	default:
		return
	}
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 {
		return
	}
	c := &j.ledger.all[at]
	switch {
	case e.Kind == history.Subscribe:
		c.denied, c.givenUp = false, false
	case e.Kind == history.Subscribed:
		c.granted = true
	case e.Kind == history.Unsubscribe:
		c.givenUp = c.givenUp || c.state == live || c.state == asked
	case !e.Has(history.FlagServer) && c.patterned && c.life == e.Life: // the answer comes after a pattern has begun to bring it
		c.released = e.Seen
	}
}

func (x *rights) door(c history.ClientID, change func(*doorman)) {
	if x.doors == nil {
		x.doors = make(map[history.ClientID]doorman)
	}
	d := x.doors[c]
	change(&d)
	x.doors[c] = d
}

// topic finds the entry of a topic that the client of e must not have.
func (x *rights) topic(e *history.Event) *right {
	at, ok := x.of[e.Client]
	if !ok {
		at = -1
	}
	for i := at; i >= 0; i = x.all[i].next {
		if x.all[i].topic == e.Channel {
			return &x.all[i]
		}
	}
	if x.of == nil {
		x.of = make(map[history.ClientID]int32)
	}
	x.all = append(x.all, right{client: e.Client, topic: e.Channel, next: at})
	x.of[e.Client] = int32(len(x.all) - 1)
	return &x.all[len(x.all)-1]
}

// tell reports an answer that should have been another.
func (x *rights) tell(j *Judge, a Anomaly, e *history.Event, said string) {
	i := incident{anomaly: a, n: 1, came: true, said: said, client: e.Client, channel: e.Channel, life: e.Life, seen: e.Seen}
	i.setting = j.setting(e, nil)
	if e.Channel >= 0 {
		i.setting.phase = "subscribing"
	}
	i.setting.witness = j.witness(a, &i.setting, e.Client, e.Channel)
	j.incidents.add(i)
}

// weigh says what a delivery is that no subscription explains, if the client has
// asked for its channel in vain. ok is false if it has not.
func (x *rights) weigh(j *Judge, e *history.Event) (a Anomaly, ok bool) {
	at, ok := x.of[e.Client]
	if !ok {
		return NoAnomaly, false
	}
	for i := at; i >= 0; i = x.all[i].next {
		r := &x.all[i]
		switch {
		case r.topic != e.Channel && !(j.claims.pattern(j, r.topic) && j.claims.matches(j, r.topic, e.Channel)):
		case r.life == e.Life && r.state == grantedIt: // told with the answer
			return NoAnomaly, true
		case r.life == e.Life && r.state == unanswered:
			a = RightNotEnforced
		case a == NoAnomaly:
			a = DeliveredDespiteRefusal
		}
	}
	return a, a != NoAnomaly
}

// withdraw ends a subscription of the plan that the target has refused. What was
// delivered before the answer was the client's by no right either.
func (x *rights) withdraw(j *Judge, p *person, e *history.Event) {
	if j.claims.pattern(j, e.Channel) {
		for at := p.claim; at >= 0; at = j.claims.all[at].next {
			if k := &j.claims.all[at]; k.pattern == e.Channel && k.state == asked {
				k.state, k.released, k.denied, k.quick = left, max(e.Seen, 1), true, false
				j.claims.release(j, p, k, e.Life, e.Seen, left)
			}
		}
		return
	}
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 || j.ledger.all[at].state != asked {
		return
	}
	c := &j.ledger.all[at]
	early := c.liveLow != 0 && !c.granted && !c.asksKept && !j.claimed(p, e.Channel)
	c.state, c.released, c.denied, c.quick = left, max(e.Seen, 1), true, false
	j.plain.close(j, c, e.Seen, true)
	if early {
		j.report(incident{anomaly: DeliveredDespiteRefusal, n: 1, came: true, said: "before the refusal", epoch: c.epoch, from: c.liveLow, to: c.extra}, e, c)
	}
	j.claims.goOn(j, c, e)
}

// claimed reports whether a client has ever asked for a pattern of a channel.
func (j *Judge) claimed(p *person, ch history.ChannelID) bool {
	for at := p.claim; at >= 0; at = j.claims.all[at].next {
		if j.claims.matches(j, j.claims.all[at].pattern, ch) {
			return true
		}
	}
	return false
}

// refusals counts what had to be refused, and was; open is what the target never
// answered for.
func (s *settlement) refusals(w *want, v *Verdict) (open int64) {
	demanded, refused := int64(0), int64(0)
	for _, p := range s.parts {
		for i := range p.rights.all {
			r := &p.rights.all[i]
			if !w.filter.channel(r.topic) || !w.filter.client(&p.people[r.client]) {
				continue
			}
			demanded++
			refused += r.refused
			if r.refused+r.granted == 0 {
				open++
			}
		}
		for c, d := range p.rights.doors {
			if w.Channel != "" || !w.filter.client(&p.people[c]) {
				continue
			}
			demanded++
			refused += d.refused
			if d.refused+d.letIn == 0 {
				open++
			}
		}
	}
	if demanded > 0 {
		v.add(true, "to be refused", demanded)
		v.add(true, "refusals", refused)
	}
	return open
}
