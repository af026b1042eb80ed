package assert

import (
	"time"

	"squall/assert/history"
)

// What is missing or repeated gets a name that speaks of nodes where the facts
// allow it. That something is wrong is certain already; a name only tells where
// to look, and the plainer one stays when in doubt.

// nodeOf is the node to which a client is connected, as far as is known.
func (j *Judge) nodeOf(c history.ClientID) int16 {
	if c < 0 || int(c) >= len(j.people) {
		return 0
	}
	return int16(j.people[c].node)
}

// leastRemote is how many messages must be missing on other nodes only.
const leastRemote = 3

// nameRemote renames lost messages if all of them, of the whole run, are missing
// on other nodes than the one to which they were published, and for some of them
// a subscriber on that node provably received it meanwhile.
func (s *settlement) nameRemote(lost []loss) {
	total, seen := 0, false
	for i := range lost {
		if lost[i].anomaly != LostMessage {
			continue
		}
		n, received := s.remote(&lost[i])
		if n < 0 {
			return
		}
		total += n
		seen = seen || received
	}
	if total < leastRemote || !seen {
		return
	}
	for i := range lost {
		l := &lost[i]
		if l.anomaly == LostMessage {
			l.anomaly = InterestLostRemote
		} else if l.anomaly == SubscribeHistoryGap { // the first live message, if it stayed elsewhere
			if n, _ := s.remote(l); n > 0 {
				l.anomaly = InterestLostRemote
			}
		}
	}
}

// remote counts the messages of a loss that were published to another node than
// the loser's; −1 if one was not. received tells whether somebody on that node
// has one of them.
func (s *settlement) remote(l *loss) (n int, received bool) {
	ch := s.channels[s.parts[l.part].ledger.all[l.cursor].channel]
	for o := l.from; o <= l.to && o-l.from < mostSpans; o++ {
		e, ok := ch.entry(l.epoch, o)
		if !ok {
			continue // nobody received it: it tells nothing
		}
		m := s.publication(ch.id, e.ident())
		if m == nil || int32(m.node) == l.node {
			return -1, false
		}
		n++
		received = received || s.receivedAt(ch.id, l.epoch, o, m)
	}
	return n, received
}

// receivedAt reports whether a subscriber on the node of a publication received
// it live: it was there before, is there still, and lacks nothing.
func (s *settlement) receivedAt(channel history.ChannelID, epoch history.EpochID, o uint64, m *publication) bool {
	for _, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if c.channel == channel && c.epoch == epoch && c.positioned && c.state == live && p.people[c.client].node == int32(m.node) &&
				c.answered < m.sent && c.top < o && o <= c.last && p.got(int32(at), c, epoch, o) {
				return true
			}
		}
	}
	return false
}

// crashes are the outages by which a node loses what it holds in memory.
func (j *Judge) crashes() (all []outage) {
	for _, o := range j.outages {
		if (o.verb == "kill" || o.verb == "restart") && !o.loses {
			all = append(all, o)
		}
	}
	return all
}

// nameCrash renames what is missing in replays if it was acknowledged, and
// received by somebody, before a crash, was asked for after it, and came in no
// replay that was asked for after it.
func (s *settlement) nameCrash(lost []loss) {
	crashes := s.j.crashes()
	type key struct {
		missKey
		crash int
	}
	kept := make(map[key]bool) // offsets that some replay after the crash held
	for i := range lost {
		l := &lost[i]
		if l.anomaly != RecoveredFlagLie && l.anomaly != LostInSocket && l.anomaly != DrainLoss {
			continue
		}
		ch := s.channels[s.parts[l.part].ledger.all[l.cursor].channel]
		for x := range crashes {
			crash, all := &crashes[x], true
			for o := l.from; all && o <= l.to; o++ {
				n, ok := ch.entry(l.epoch, o)
				m := s.publication(ch.id, n.ident())
				all = o-l.from < mostSpans && ok && m != nil && m.known() && m.settled <= crash.from && n.seen <= crash.from && l.seen >= crash.from
				if !all {
					break
				}
				k := key{missKey{ch.id, l.epoch, o}, x}
				have, asked := kept[k]
				if !asked {
					have = s.replayed(ch.id, l.epoch, o, crash)
					kept[k] = have
				}
				all = !have
			}
			if all {
				l.anomaly = AckedLostOnCrash
				break
			}
		}
	}
}

// replayed reports whether a replay that was asked for after a crash held o.
func (s *settlement) replayed(channel history.ChannelID, epoch history.EpochID, o uint64, crash *outage) bool {
	for _, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if c.channel == channel && c.epoch == epoch && c.recovered && c.askedAt > crash.from && c.base < o && o <= c.top &&
				c.last >= o && p.got(int32(at), c, epoch, o) {
				return true
			}
		}
	}
	return false
}

// aroundRestart is how long after a node is up again repeats count as its doing.
const aroundRestart = 3 * time.Second

// nameRestarts renames repeats if all of them, of the whole run, came around the
// restart of a node.
func (s *settlement) nameRestarts() {
	around := func(at time.Duration) bool {
		for _, o := range s.j.outages {
			restarts := o.verb == "kill" || o.verb == "restart" || o.verb == "drain" || o.verb == "maintenance"
			if restarts && at >= o.from && (!o.over || at <= o.to+aroundRestart) {
				return true
			}
		}
		return false
	}
	some := false
	for i := range s.found {
		if f := &s.found[i]; f.anomaly == DuplicateDelivery {
			if f.inLog || !around(f.seen) {
				return
			}
			some = true
		}
	}
	if !some {
		return
	}
	for i := range s.found {
		if f := &s.found[i]; f.anomaly == DuplicateDelivery || f.anomaly == ReplayLiveOverlap && around(f.seen) {
			f.anomaly = RestartDup
		}
	}
}
