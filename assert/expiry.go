package assert

import (
	"time"

	"squall/assert/history"
)

// Expiry: who somebody is ends with their token. Where the target promises `expiry`,
// nothing that is published later than that after the token of a client's connection
// has expired may come on this connection. Judged is only what was certainly sent
// later, by its publisher's own word: whatever the clocks say, the target had it after
// the end, and gave it out after that. That a connection stays open proves nothing,
// and neither does what was sent before and comes late. The promise has to cover how
// far the target's clock is from that of this machine.
type expiry struct {
	on    bool        // some token expires, and something is promised
	late  []lateStray // released: when nothing more was to be sent
	ended int64       // connections that the target ended at the end of their token, or later

	revoked []revocation
}

// expires takes the end of the token with which a client is about to connect.
func (j *Judge) expires(p *person, e *history.Event) {
	if within := j.brief.Promises.Expiry; within > 0 && j.want.isolation {
		j.expiry.on = true
		p.outlived = e.Sent + within
	}
}

// outlived looks at a delivery: the first on a connection that was due when nothing
// was to be sent to it any more is kept. Whether it was is known at the end.
func (j *Judge) outlived(e *history.Event) {
	p := j.person(e.Client)
	if p.outlived == 0 || e.Due <= p.outlived || e.Life != p.life || e.Flags&(history.FlagStamped|history.FlagFence|history.FlagCorrupt) != history.FlagStamped {
		return
	}
	i := incident{
		anomaly: p.overstays(), client: e.Client, channel: e.Channel, epoch: e.Epoch, life: e.Life, from: e.Offset, to: e.Offset, n: 1,
		seen: e.Seen, id: identOf(e), came: true,
	}
	if e.Flags&history.FlagPositioned == 0 {
		i.epoch, i.from, i.to = withoutOffsets, e.Seq, e.Seq
	}
	i.setting = j.setting(e, nil)
	i.setting.phase = "live"
	i.setting.witness = j.witness(i.anomaly, &i.setting, e.Client, e.Channel)
	j.expiry.late = append(j.expiry.late, lateStray{i, p.outlived})
	p.outlived = 0
}

// closed takes the end of a connection.
func (x *expiry) closed(j *Judge, p *person, e *history.Event) {
	if p.outlived > 0 && !p.outcast && e.Who == history.Server && e.Seen >= p.outlived-j.brief.Promises.Expiry-time.Second {
		x.ended++
	}
	p.outlived = 0
}

// judgeExpired decides about what came after a token's end.
func (s *settlement) judgeExpired() {
	for i, p := range s.parts {
		for _, x := range p.expiry.late {
			if m := s.publication(x.channel, x.id); m == nil {
				s.undecided++
			} else if m.sent > x.released {
				s.found = append(s.found, found{x.incident, i})
			}
		}
	}
}

// expired counts the connections that ended with their token; it reports whether
// there was none, although clients have such tokens.
func (s *settlement) expired(w *want, v *Verdict) (none bool) {
	if s.j.brief.Promises.Expiry == 0 {
		return false
	}
	renew := false
	for i := range s.j.brief.Groups {
		renew = renew || s.j.brief.Groups[i].Renew
	}
	if !renew {
		return false
	}
	n := int64(0)
	for _, p := range s.parts {
		n += p.expiry.ended
	}
	v.add(true, "ended with their token", n)
	return n == 0
}

// expiryLines tell when the token of a connection had expired.
func (s *settlement) expiryLines(f *found) (out []Line) {
	if f.anomaly != ExpiredTokenAlive && f.anomaly != PostRevocationDelivery {
		return nil
	}
	for _, x := range s.parts[f.part].expiry.late {
		switch {
		case x.client != f.client || x.life != f.life:
		case x.anomaly == PostRevocationDelivery:
			out = append(out, Line{At: x.released, Actor: s.actor(f.client, f.life), What: "rights", Text: "are taken away, the target has confirmed"})
		default:
			out = append(out, Line{At: x.released - s.j.brief.Promises.Expiry, Actor: s.actor(f.client, f.life), What: "token", Text: "has expired"})
		}
	}
	return out
}
