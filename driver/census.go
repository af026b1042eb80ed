package driver

import (
	"maps"

	"squall/assert/history"
	"squall/driver/session"
)

// census is what a shard says of its clients when the fleet asks.
type census struct {
	clients   int // that have arrived, or will without a scale
	settled   int
	wanted    int // have arrived and mean to be connected
	failing   int // have failed to get through since they last did, or arrived; also those that gave up
	gaveUp    int // of those: will not try again
	trying    int // have not failed yet: their attempt is under way
	ever      int // got through at least once
	connected int
	ready     int // live
	complete  int // live, and nothing of the last return outstanding
	pending   int // publications without an outcome
	open      int // connections
	probing   int

	fencesWanted int
	fencesSeen   int
	fenceOK      int
	fenceBad     []history.ChannelID

	published, delivered, errors, skipped, dials, opens int64
	unexcused                                           int64 // of errors: those that no fault of the driver explains
	lag                                                 int64
	setbacks                                            setbacks
	last                                                setback
}

// census counts; fences[c] is how many fences channel c got (nil: don't count).
func (s *shard) census(fences []int) census {
	n := census{
		settled:   s.settled,
		published: s.published, delivered: s.delivered, errors: s.errors, skipped: s.skipped, unexcused: s.unexcused,
		dials: s.dials, opens: s.opens, lag: int64(s.lag), last: s.last,
		fenceOK: s.fenceOK, fenceBad: s.fenceBad, open: s.loop.Stats().Conns,
	}
	s.lag, s.fenceBad = 0, nil
	n.setbacks = maps.Clone(s.setbacks)
	n.pending = len(s.offences)
	for i := range s.pubs {
		if s.pubs[i].flying {
			n.pending++
		}
	}
	for i := range s.clients {
		c := &s.clients[i]
		if c.State() != session.New || s.plan(c).Arrive >= 0 {
			n.clients++
		}
		if c.Wanted() {
			n.wanted++
		}
		switch state := c.State(); {
		case c.Failures() > 0:
			n.failing++
			if state == session.Gone {
				n.gaveUp++
			}
		case state == session.Dialing || state == session.Connecting:
			n.trying++
		}
		if c.Ever() {
			n.ever++
		}
		n.pending += c.Pending()
		if s.waits(c, int32(i)) && c.CanPublish() {
			n.pending++
		}
		if c.Probing() {
			n.probing++
		}
		switch c.State() {
		case session.Live:
			n.connected++
			n.ready++
			if c.Complete() {
				n.complete++
			}
		case session.Subscribing:
			n.connected++
		}
		if fences != nil && c.Connected() {
			c.Subscriptions(func(ch history.ChannelID, seen int) {
				if int(ch) < len(fences) {
					n.fencesWanted += fences[ch]
					n.fencesSeen += min(seen, fences[ch])
				}
			})
			s.patternFences(c, fences, &n)
		}
	}
	return n
}

// gone reports whether nobody is connected though everybody who wants in tries,
// some in vain already. Who is away because a fault says so proves nothing.
func (n *census) gone() bool {
	return n.connected == 0 && n.failing > 0 && n.failing+n.trying >= n.wanted+n.gaveUp
}

func (n *census) add(o census) {
	n.clients += o.clients
	n.settled += o.settled
	n.wanted += o.wanted
	n.failing += o.failing
	n.trying += o.trying
	n.gaveUp += o.gaveUp
	n.ever += o.ever
	n.connected += o.connected
	n.ready += o.ready
	n.complete += o.complete
	n.pending += o.pending
	n.open += o.open
	n.probing += o.probing
	n.fencesWanted += o.fencesWanted
	n.fencesSeen += o.fencesSeen
	n.fenceOK += o.fenceOK
	n.fenceBad = append(n.fenceBad, o.fenceBad...)
	n.published += o.published
	n.delivered += o.delivered
	n.errors += o.errors
	n.unexcused += o.unexcused
	n.skipped += o.skipped
	n.dials += o.dials
	n.opens += o.opens
	n.lag = max(n.lag, o.lag)
	if o.last != (setback{}) {
		n.last = o.last
	}
	if n.setbacks == nil {
		n.setbacks = make(setbacks)
	}
	for b, v := range o.setbacks {
		n.setbacks[b] += v
	}
}
