package assert

import (
	"time"

	"squall/assert/history"
)

// causal judges Lamport's happened-before across publishers: whoever is owed
// both a message and what its publisher had received before saying it gets the
// cause first (Birman and Joseph, "Reliable Communication in the Presence of
// Failures", 1987). Every publication names the last message that its client had
// received; a live receipt whose cause is missing at that moment is a doubt. The
// end decides: it was an inversion if the cause was sent after the subscription
// was answered, and came after all. One that never came is lost, and owned by
// the rules of loss.
type causal struct {
	doubts   []doubt
	overflow int64
}

// doubt is a receipt whose cause was not there.
type doubt struct {
	cursor   int32 // of the cause's channel
	epoch    history.EpochID
	offset   uint64 // of the cause; 0 where there are none
	cause    ident
	answered time.Duration // of the subscription of the cause's channel
	incident incident
}

// mostDoubts bounds what is kept of a target that knows no order.
const mostDoubts = 10_000

// caused looks whether the cause of the latest receipt of a client is there.
func (j *Judge) caused(e *history.Event) {
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 { // a pattern may owe it, although nothing of the channel has come
		if at = j.claims.admit(j, e); at < 0 {
			return
		}
	}
	c := &j.ledger.all[at]
	if c.state != live || c.life != e.Life {
		return
	}
	effect := j.evidence.latest(e.Client)
	if effect != nil && effect.channel == e.Channel && effect.publisher == e.Publisher {
		return // its own word before: the order of one publisher is judged by itself
	}
	id := ident{seq: e.Seq, publisher: e.Publisher, incarnation: e.Incarnation}
	d := doubt{cursor: at, epoch: withoutOffsets, cause: id, answered: c.answered}
	here := false
	switch {
	case !c.positioned:
		f := j.plain.find(at, e.Publisher, e.Incarnation)
		here = f != nil && f.holds(e.Seq)
	case e.Offset == 0 || e.Offset <= max(c.base, c.top):
		return // from before the answer: a replay owes it, at its own time
	default:
		d.epoch, d.offset = c.epoch, e.Offset
		here = e.Offset <= c.last && j.got(at, c, c.epoch, e.Offset)
	}
	if here {
		c.causes++
		return
	}
	if len(j.causal.doubts) == mostDoubts {
		j.causal.overflow++
		return
	}
	place := d.offset
	if place == 0 {
		place = e.Seq
	}
	d.incident = incident{
		anomaly: CausalInversion, client: e.Client, channel: e.Channel, epoch: d.epoch, life: e.Life,
		from: place, to: place, n: 1, seen: e.Seen, id: id, setting: j.setting(e, c),
	}
	i := &d.incident
	i.setting.witness = j.witness(CausalInversion, &i.setting, e.Client, e.Channel)
	if effect != nil {
		i.other, i.otherChannel = effect.ident(), effect.channel
		if w := i.setting.witness; w >= 0 {
			j.incidents.witness[w] = append(j.incidents.witness[w], *effect)
		}
	}
	j.causal.doubts = append(j.causal.doubts, d)
}

// judgeCausal decides the doubts. A cause that came late within its own channel is
// named by that already.
func (s *settlement) judgeCausal() {
	type receipt struct {
		client  history.ClientID
		channel history.ChannelID
		id      ident
	}
	late := make(map[receipt]bool)
	for i := range s.found {
		if f := &s.found[i]; f.anomaly.Define().Owner == "order" {
			late[receipt{f.client, f.channel, f.id}] = true
		}
	}
	for i, p := range s.parts {
		for _, d := range p.causal.doubts {
			c := &p.ledger.all[d.cursor]
			ch := s.channels[c.channel]
			m := s.publication(c.channel, d.cause)
			switch {
			case late[receipt{d.incident.client, c.channel, d.cause}]:
				continue
			case m == nil || m.sent <= d.answered:
				continue // it was on its way when the subscription began
			case c.past().waived > 0 || c.overflow:
				continue // an announced gap may have taken it
			case d.offset == 0:
				if f := p.plain.find(d.cursor, d.cause.publisher, d.cause.incarnation); f == nil || !f.holds(d.cause.seq) {
					continue // it never came: a loss
				}
			default:
				n, ok := ch.entry(d.epoch, d.offset)
				if !ok || n.ident() != d.cause || c.epoch != d.epoch || c.last < d.offset || !p.got(d.cursor, c, d.epoch, d.offset) {
					continue
				}
			}
			s.found = append(s.found, found{d.incident, i})
		}
	}
}
