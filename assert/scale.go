package assert

import "squall/assert/history"

// leave takes the word that the plan sends a client home. From then on it is owed
// nothing: its subscriptions end as if it had given them back, though no answer
// tells when the target has taken notice. What it had missed until then, in an
// absence or on the way, is not owed either; holes between what it has received
// are losses as ever.
func (j *Judge) leave(p *person, e *history.Event) {
	p.gone = true
	if p.away { // and it no longer wants back
		j.returns.forgo(e.Client)
		p.away = false
	}
	p.awaiting, p.ready, p.announced = false, false, false
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		c := &j.ledger.all[at]
		switch c.state {
		case live, asked:
			j.plain.close(j, c, e.Sent, true)
			c.state, c.released = left, 0
		case ended:
			c.state, c.released = left, 0
		}
	}
	for at := p.claim; at >= 0; at = j.claims.all[at].next {
		k := &j.claims.all[at]
		switch k.state {
		case live, asked:
			k.end(e.Sent, true)
			k.state, k.released = left, 0
		case ended:
			k.state, k.released = left, 0
		}
	}
}

// forgo takes back the latest loss of a client.
func (r *returns) forgo(c history.ClientID) {
	for i := len(r.lostOf) - 1; i >= 0; i-- {
		if r.lostOf[i] == c {
			r.lostOf = append(r.lostOf[:i], r.lostOf[i+1:]...)
			return
		}
	}
}
