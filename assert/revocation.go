package assert

import (
	"time"

	"squall/assert/history"
)

// Revocation: the target is asked to take all rights of a client away, and says when
// it has done so. From the question on the client is owed nothing. What is published
// after the confirmation must not come to it: by its publisher's own word it was sent
// when the target had said that it knows. Coming back in is a matter of rights (see
// rights.go). A connection that stays open and is sent nothing proves nothing.

// revocation is one that the target has confirmed.
type revocation struct {
	client history.ClientID
	at     time.Duration
}

func (j *Judge) revoked(p *person, e *history.Event) {
	p.outcast = true
	if !j.want.isolation {
		return
	}
	j.expiry.revoked = append(j.expiry.revoked, revocation{e.Client, e.Seen})
	if p.open && p.life == e.Life {
		j.expiry.on, p.outlived = true, e.Seen
	}
}

// overstays names a message that came after nothing was to come any more.
func (p *person) overstays() Anomaly {
	if p.outcast {
		return PostRevocationDelivery
	}
	return ExpiredTokenAlive
}

// revocations counts those that were confirmed, and what had to be withheld since;
// it reports whether there were such and nothing had to be.
func (s *settlement) revocations(w *want, v *Verdict) (idle bool) {
	var n, withheld int64
	for _, p := range s.parts {
		for _, x := range p.expiry.revoked {
			if who := &p.people[x.client]; w.filter.client(who) {
				n++
				withheld += s.sentSince(p, who, x.at, w)
			}
		}
	}
	if n == 0 {
		return false
	}
	v.add(true, "revoked", n)
	v.add(true, "withheld from them", withheld)
	return withheld == 0
}

// sentSince counts what was published to a client's channels after a time.
func (s *settlement) sentSince(j *Judge, p *person, at time.Duration, w *want) (n int64) {
	count := func(ch history.ChannelID) {
		if !w.filter.channel(ch) {
			return
		}
		for _, b := range s.channel(ch).outboxes {
			n += max(0, int64(b.after(j.clock.drain)-b.after(at)))
		}
	}
	for c := p.first; c >= 0; c = j.ledger.all[c].next {
		count(j.ledger.all[c].channel)
	}
	return n
}
