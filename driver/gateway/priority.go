package gateway

// level is the priority of an event. What is higher overtakes, in the queue of each
// connection, what is lower, but for what must keep its place:
//
//   - events and gaps of the same channel: inside one channel order wins;
//   - answers which tell where a subscription begins and ends;
//   - what a session remembers: its client counts what comes.
//
// Nothing starves: what is low and has been overtaken mostOvertaken times becomes
// normal, and one in mostHurried that are urgent lets by what is first in the queue.
type level int8

const (
	low    level = -1
	normal level = 0
	urgent level = 1
)

const (
	mostOvertaken = 256
	mostHurried   = 64
)

// levelOf reads a priority.
func levelOf(word []byte) (l level, ok bool) {
	switch string(word) {
	case "", "normal":
		return normal, true
	case "urgent":
		return urgent, true
	case "low":
		return low, true
	}
	return normal, false
}

// level is the priority of a publication.
func (g *Gateway) level(m *command) level {
	if !g.cfg.Priority {
		return normal
	}
	l, _ := levelOf(m.urgency)
	return g.wrong.level(l)
}

// advance lets the last item overtake what waits. The caller holds mu.
func (q *queue) advance() {
	at := len(q.items) - 1
	it := q.items[at]
	if it.sub == nil || it.number != 0 || it.frame == nil && it.replay == nil {
		return
	}
	for ; at > q.next && it.overtakes(&q.items[at-1]); at-- {
		q.items[at] = q.items[at-1]
		q.items[at].passed++
	}
	if it.level > normal && at < len(q.items)-1 {
		if q.hurried++; q.hurried == mostHurried {
			q.items[at] = q.items[at+1]
			q.hurried, at = 0, at+1
		}
	}
	if at > q.next { // one that must wait for a lesser one of its channel is no more than that
		if o := &q.items[at-1]; o.sub != nil && o.sub.stream == it.sub.stream {
			it.level = min(it.level, o.rank())
		}
	}
	q.items[at] = it
}

// overtakes reports whether an event may go before what waits in front of it.
func (it *item) overtakes(o *item) bool {
	switch {
	case o.free:
		return it.level > normal
	case o.sub == nil, o.number != 0, o.sub.stream == it.sub.stream:
		return false
	}
	return it.level > o.rank()
}

// rank is the level to which an item has risen.
func (it *item) rank() level {
	if it.level < normal && it.passed >= mostOvertaken {
		return normal
	}
	return it.level
}
