package assert

import (
	"time"

	"squall/assert/history"
)

// takeovers remembers what came on connections that their clients had left open
// and replaced: the evidence for a server that serves both.
type takeovers struct {
	all   []leftover
	ended int64
	seen  map[history.ClientID]int32 // life of the latest replaced connection that was heard of
	n     map[history.ClientID]int64 // replaced connections heard of
}

// leftover is a message that came on a replaced connection.
type leftover struct {
	client    history.ClientID
	life      int32 // of the new connection
	channel   history.ChannelID
	id        ident
	connected time.Duration // Seen of the new connection's answer
	seen      time.Duration
	setting   setting
}

// mostLeftovers bounds what is kept of them, and mostOfOne what is kept of one
// client's.
const mostLeftovers, mostOfOne = 1 << 14, 64

func (j *Judge) leftover(p *person, e *history.Event) {
	t := &j.takeovers
	if t.seen == nil {
		t.seen, t.n = make(map[history.ClientID]int32), make(map[history.ClientID]int64)
	}
	if t.seen[e.Client] != e.Life {
		t.seen[e.Client] = e.Life
		t.n[e.Client]++
	}
	if e.Kind == history.Displaced {
		t.ended++
		return
	}
	if e.Flags&history.FlagStamped == 0 || len(t.all) >= mostLeftovers || p.leftovers >= mostOfOne || p.connectedAt == 0 || e.Life >= p.life {
		return
	}
	// Most of it was under way before: what was due then was sent then, at the latest.
	if e.Due+sentLate < p.connectedAt && e.Flags&history.FlagFence == 0 {
		return
	}
	p.leftovers++
	x := leftover{e.Client, p.life, e.Channel, identOf(e), p.connectedAt, e.Seen, setting{phase: "live", fault: p.fault, ago: e.Seen - p.faultAt, witness: -1}}
	if e.Due > p.connectedAt && e.Flags&history.FlagFence == 0 {
		x.setting.witness = j.witness(DuplicateLiveSession, &x.setting, e.Client, e.Channel)
	}
	t.all = append(t.all, x)
}

// sentLate is how much later than it was due a message may have been sent, to be
// worth a look: whether it was, the publisher knows.
const sentLate = 10 * time.Second

// handover is how long after the answer to a newer connection the older one may
// still be served: the close may be on its way to another node.
const handover = 250 * time.Millisecond

// judgeTakeovers looks for messages that the target sent to an older connection
// of a session although they were published when the newer one's answer had been
// seen for a moment: by then the older one should have been closed (soundness 10).
// What was published within that moment proves nothing.
func (s *settlement) judgeTakeovers() {
	if s.j.brief.Promises.Takeover != "closes-old" {
		return
	}
	for i, p := range s.parts {
		for _, o := range p.takeovers.all {
			m := s.publication(o.channel, o.id)
			if m == nil || m.sent <= o.connected+handover {
				continue
			}
			s.found = append(s.found, found{incident{anomaly: DuplicateLiveSession, client: o.client, channel: o.channel, epoch: withoutOffsets,
				life: o.life, from: o.id.seq, to: o.id.seq, n: 1, seen: o.seen, id: o.id,
				setting: o.setting}, i})
		}
	}
}

// replaced counts the connections within w that were left open, replaced, and
// read on.
func (s *settlement) replaced(w *want) (n int64) {
	if s.j.brief.Promises.Takeover != "closes-old" {
		return 0
	}
	for _, p := range s.parts {
		for c, k := range p.takeovers.n {
			if w.filter.client(&p.people[c]) {
				n += k
			}
		}
	}
	return n
}
