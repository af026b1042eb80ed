package assert

import (
	"time"

	"squall/assert/history"
)

// departures are the nodes that went away, as far as their connections tell:
// sessions may be gone with them. A node says so itself, with 1001 or 1012; or it
// crashes, and then all its connections end without a word within a moment.
type departures struct {
	gone  []departure
	doubt map[int32]*departure // by node: connections end without a word; is it all of them?
}

// departure is the time in which a node ended connections.
type departure struct {
	node     int32
	silent   bool // without a word
	from, to time.Duration
}

// nodeBit stands for a node in a set of nodes.
func nodeBit(node int32) uint64 { return 1 << (uint32(node) % 64) }

// leaving takes the end of a connection.
func (d *departures) leaving(j *Judge, p *person, e *history.Event) {
	if e.Who != history.Server {
		return
	}
	switch e.Code {
	case 1001, 1012:
		if n := len(d.gone); n > 0 && d.gone[n-1].node == p.node && !d.gone[n-1].silent && e.Seen-d.gone[n-1].to <= slack {
			d.gone[n-1].to = e.Seen
			return
		}
		d.gone = append(d.gone, departure{p.node, false, e.Seen, e.Seen})
	case 0, 1006:
		x := d.doubt[p.node]
		if x != nil && e.Seen-x.to > slack {
			d.decide(j, x)
			x = nil
		}
		if x == nil {
			if d.doubt == nil {
				d.doubt = make(map[int32]*departure)
			}
			x = &departure{node: p.node, silent: true, from: e.Seen}
			d.doubt[p.node] = x
		}
		x.to = e.Seen
	}
}

// decide looks whether a connection to the node has survived.
func (d *departures) decide(j *Judge, x *departure) {
	if !j.survives(x) {
		d.gone = append(d.gone, *x)
	}
}

// survives reports whether a connection to a node goes on that was there before
// others ended.
func (j *Judge) survives(x *departure) bool {
	for i := range j.people {
		if p := &j.people[i]; (p.open || p.stayed) && p.node == x.node && p.dialled < x.from {
			return true
		}
	}
	return false
}

// away reports whether a node that the set holds went away between two times.
func (s *settlement) away(nodes uint64, from, to time.Duration) bool {
	for _, p := range s.parts {
		for i := range p.departures.gone {
			d := &p.departures.gone[i]
			if nodes&nodeBit(d.node) == 0 || d.to < from || d.from > to {
				continue
			}
			alive := false
			for _, o := range s.parts {
				alive = alive || d.silent && o.survives(d)
			}
			if !alive {
				return true
			}
		}
	}
	return false
}

// settle decides what is still in doubt, at the end of the run.
func (d *departures) settle(j *Judge) {
	for _, x := range byKey(d.doubt) {
		d.decide(j, x)
	}
	d.doubt = nil
}
