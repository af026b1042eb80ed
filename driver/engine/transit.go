package engine

import (
	"time"

	"squall/driver/fault"
)

// transit is the network that a connection has for itself: what is read, and what is
// written, comes out later. It lies between the wire and the link, so it is the
// same on every engine. The handshakes of TCP and TLS don't pass through it; the
// upgrade and everything after it do, also the end of the connection, which comes
// behind the bytes that were read before.
//
//	socket ─ receive ─▶ in ─ take ─▶ messages
//	socket ◀─ wire.push ─ out ◀─ push ─ frames
//
// The stamp of what comes out is the time at which it does: the kernel's tells of
// the target, and no longer of this client.
type transit struct {
	in, out fault.Pipe
	end     *End // of the wire, behind what is still under way
}

// next is when something comes out; Never if nothing is under way, or there is no
// such network.
func (n *transit) next() time.Duration {
	if n == nil {
		return Never
	}
	first := Never
	if due, ok := n.in.Next(); ok {
		first = due
	}
	if due, ok := n.out.Next(); ok {
		first = min(first, due)
	}
	return first
}

// degrade gives the link another line to travel on.
func (l *link) degrade(a fault.Action, now time.Duration) {
	m := l.extra()
	if m.transit == nil {
		if a.Line == (fault.Line{}) {
			l.arm()
			return
		}
		m.transit = new(transit)
	}
	in := a.Line
	in.Rate = 0
	m.transit.in.Set(in, a.Seed, now)
	m.transit.out.Set(a.Line, ^a.Seed, now)
	l.travel(now)
	l.arm()
}

// push writes b, through the line if there is one.
func (l *link) push(b []byte) {
	if l.more == nil || l.more.transit == nil {
		l.wire.push(b)
		return
	}
	l.more.transit.out.Put(b, l.shard.Now())
	l.arm()
}

// leaving is how many bytes are on their way to the socket.
func (l *link) leaving() int {
	if l.more == nil || l.more.transit == nil {
		return 0
	}
	return l.more.transit.out.Waiting()
}

// underway takes bytes off the wire that have to travel first.
func (l *link) underway(b []byte, now time.Duration) {
	l.more.transit.in.Put(b, now)
	l.arm()
}

// travel moves what has come to an end of the line, and drops a line that is no
// longer wanted. Who is told of a message may change the line: then what has come
// behind the message waits until all that came with it has been taken.
func (l *link) travel(now time.Duration) {
	if l.taking {
		return
	}
	n := l.more.transit
	for l.phase != ended {
		b, ok := n.out.Take(now)
		if !ok {
			break
		}
		l.wire.push(b)
	}
	for l.phase != ended {
		b, ok := n.in.Take(now)
		if !ok {
			break
		}
		l.take(b, l.shard.stamp())
	}
	if l.more == nil || l.more.transit != n || n.in.Waiting() > 0 { // what was taken may have changed all that
		return
	}
	if e := n.end; e != nil {
		n.end = nil
		l.lost(e.Cause, e.Text, l.shard.stamp())
		return
	}
	if n.in.Idle() && n.out.Idle() {
		l.more.transit = nil
	}
}

// overtakes reports whether the end of the wire would overtake bytes that are
// still under way; then it waits behind them.
func (l *link) overtakes(cause Cause, text string) bool {
	if l.phase == ended || l.more == nil || l.more.transit == nil || l.more.transit.in.Waiting() == 0 {
		return false
	}
	if l.more.transit.end == nil {
		l.more.transit.end = &End{Cause: cause, Text: text}
		l.wire.over()
	}
	return true
}

// hurry hands everything that is on its way out to the socket: the link is about
// to end, and what was said before shall be said.
func (l *link) hurry() {
	if l.more == nil || l.more.transit == nil {
		return
	}
	for {
		b, ok := l.more.transit.out.Take(Never)
		if !ok {
			return
		}
		l.wire.push(b)
	}
}

// patience is how long the answer to a close frame may take.
func (l *link) patience() time.Duration {
	if l.more == nil || l.more.transit == nil {
		return closeWait
	}
	return closeWait + 2*l.more.transit.out.Longest()
}
