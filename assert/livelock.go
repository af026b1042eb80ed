package assert

import "squall/assert/history"

// mostFutile is how many connections in a row may get a client nowhere.
const mostFutile = 8

// futile takes the end of a connection and counts those that got their client
// nowhere: the server accepted it, the client asked to resume, and before the
// subscriptions were answered, and without one more message, the server ended
// it. What an outage, or a fault of the client's own, may explain doesn't count.
// Nor does a client that never was ready: its rights may be missing.
func (j *Judge) futile(p *person, e *history.Event) {
	got := int64(0)
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		got += j.ledger.all[at].received
	}
	progress := got > p.gotten
	p.gotten = got
	if e.Who != history.Server || !p.resumes || !p.away || progress || p.slowing != 0 || p.linkLife == e.Life || p.faultIn == e.Life || j.outage(p, e.Seen) != nil {
		if p.resumes || progress {
			p.futile = 0
		}
		return
	}
	if p.futile++; p.futile == mostFutile {
		x := *e
		x.Channel = -1
		j.report(incident{anomaly: ResumeLivelock, n: mostFutile, from: uint64(e.Code)}, &x, nil)
	}
}

// livelocks lists the clients within w that got nowhere to the end, provided that
// others got through meanwhile: the server was healthy.
func (s *settlement) livelocks(w *want) (mine []*found) {
	last := s.j.lastReady
	for _, p := range s.parts {
		last = max(last, p.lastReady)
	}
	for i := range s.found {
		if f := &s.found[i]; f.anomaly == ResumeLivelock && s.in(w, f) && last > f.seen && s.parts[f.part].people[f.client].futile >= mostFutile {
			mine = append(mine, f)
		}
	}
	return mine
}
