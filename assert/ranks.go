package assert

import (
	"maps"
	"slices"

	"squall/assert/history"
)

// ranks judges the total order of a channel without offsets (soundness 18): one
// subscriber of the shard is the reference, its receipts number the messages,
// and every other subscriber must receive them in rising numbers. What the
// reference lacks has no number and is counted as unranked.
//
// A subscriber may be ahead of the reference, so each one's latest receipts wait
// in a small ring and are compared as they leave it, or at the end.
type ranks struct {
	reference int32 // cursor, or −1
	reign     int32 // grows with each new reference: ranks of two reigns are not compared
	of        map[ident]rank
	order     []ident // by rank, of all reigns
	waiting   map[int32]*queue
	unranked  int64
}

type rank struct {
	reign int32
	at    int32 // index into order
}

// mostRanks bounds how many messages of a channel are numbered.
const mostRanks = 1 << 18

// queue is what one subscriber received and was not yet compared.
type queue struct {
	ring [32]ident
	n    int
	last rank
	who  ident // the message that had the last rank
}

func newRanks() *ranks {
	return &ranks{reference: -1, of: make(map[ident]rank), waiting: make(map[int32]*queue)}
}

// receive takes a first copy, in the order of receipt.
func (r *ranks) receive(j *Judge, cursor int32, c *cursor, id ident) {
	if r.reference < 0 {
		r.leave(j, cursor, c)
		delete(r.waiting, cursor)
		r.reference = cursor
		r.reign++
	}
	if r.reference == cursor {
		if len(r.order) < mostRanks {
			r.of[id] = rank{r.reign, int32(len(r.order))}
			r.order = append(r.order, id)
		}
		return
	}
	q := r.waiting[cursor]
	if q == nil {
		q = &queue{}
		r.waiting[cursor] = q
	}
	k := q.n % len(q.ring)
	if q.n >= len(q.ring) {
		r.compare(j, c, q, q.ring[k])
	}
	q.ring[k] = id
	q.n++
}

// compare takes a receipt that has waited long enough.
func (r *ranks) compare(j *Judge, c *cursor, q *queue, id ident) {
	at, ok := r.of[id]
	switch {
	case !ok:
		r.unranked++
	case q.who.seq != 0 && at.reign == q.last.reign && at.at < q.last.at:
		e := history.Event{Client: c.client, Channel: c.channel, Life: c.life, Seen: c.lastSeen}
		j.report(incident{anomaly: OrderDivergence, epoch: withoutOffsets, from: id.seq, to: id.seq, n: 1, id: id, other: q.who}, &e, c)
	default:
		q.last, q.who = at, id
	}
}

// leave ends the order that a subscriber was in: what it receives in another
// life is compared anew. If it was the reference, its reign ends.
func (r *ranks) leave(j *Judge, cursor int32, c *cursor) {
	if q := r.waiting[cursor]; q != nil {
		for i := max(0, q.n-len(q.ring)); i < q.n; i++ {
			r.compare(j, c, q, q.ring[i%len(q.ring)])
		}
		*q = queue{}
	}
	if r.reference == cursor {
		r.reference = -1
	}
}

// rank feeds a receipt to the ranks of its channel.
func (p *plain) rank(j *Judge, cursor int32, c *cursor, id ident) {
	r := p.ranks[c.channel]
	if r == nil {
		r = newRanks()
		if p.ranks == nil {
			p.ranks = make(map[history.ChannelID]*ranks)
		}
		p.ranks[c.channel] = r
	}
	r.receive(j, cursor, c, id)
}

// unrank ends the order of a subscription.
func (p *plain) unrank(j *Judge, cursor int32, c *cursor) {
	if r := p.ranks[c.channel]; r != nil {
		r.leave(j, cursor, c)
	}
}

// judgeRanks compares what still waits, and the references of the shards.
func (j *Judge) judgeRanks() {
	for _, p := range j.parts {
		for _, r := range byKey(p.plain.ranks) {
			for _, cursor := range slices.Sorted(maps.Keys(r.waiting)) {
				r.leave(p, cursor, &p.ledger.all[cursor])
			}
		}
	}
	for i, p := range j.parts {
		for _, o := range j.parts[i+1:] {
			for _, ch := range slices.Sorted(maps.Keys(p.plain.ranks)) {
				a := p.plain.ranks[ch]
				if b := o.plain.ranks[ch]; b != nil {
					a.against(p, ch, b)
				}
			}
		}
	}
}

// against compares the order of two references.
func (r *ranks) against(j *Judge, ch history.ChannelID, o *ranks) {
	var last, mine rank
	var who ident
	for i, id := range r.order {
		at, ok := o.of[id]
		here := r.of[id]
		if !ok || int(here.at) != i { // a later reign has numbered it again
			continue
		}
		if who.seq != 0 && here.reign == mine.reign && at.reign == last.reign && at.at < last.at {
			j.incidents.add(incident{anomaly: OrderDivergence, client: -1, channel: ch, epoch: withoutOffsets, from: id.seq, to: id.seq, n: 1,
				id: id, other: who, inLog: true, setting: setting{phase: "live", witness: -1}})
			continue
		}
		last, mine, who = at, here, id
	}
}

// unranked counts the receipts within w that no reference had.
func (s *settlement) unranked(w *want) (n int64) {
	for _, p := range s.parts {
		for ch, r := range p.plain.ranks {
			if w.filter.channel(ch) {
				n += r.unranked
			}
		}
	}
	return n
}
