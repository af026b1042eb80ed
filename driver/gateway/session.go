package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// CloseTakenOver is the close code of a connection whose session goes on over a
// newer one.
const CloseTakenOver ws.StatusCode = 4009

// sessions holds the sessions that clients have named.
type sessions struct {
	size int           // messages kept of each; 0: none is kept
	ttl  time.Duration // how long one is kept while its client is away

	mu    sync.Mutex
	all   map[sessionKey]*session
	began uint64 // the last of the sessions' beginnings
}

// sessionKey names a session: nobody comes into another user's, nor with one role
// into what another had subscribed to.
type sessionKey struct{ user, role, name string }

// session is what a client comes back to. One connection at most serves it. If
// it is kept its subscriptions go on while there is none; the last messages sent
// are remembered, and on its return the client says how many have arrived.
type session struct {
	key  sessionKey
	turn latch // held by the connection that takes it over
	gone bool  // under turn: forgotten; look it up again

	mu    sync.Mutex // after the streams' locks, before the queues'
	kept  bool
	began uint64 // tells this beginning of a kept session from all others
	conn  *conn
	also  *conn                    // a connection that should not be served: see wrong_session.go
	subs  map[string]*subscription // of a kept session
	past  []item                   // the last messages sent, oldest first
	sent  uint64                   // how many messages were sent since it began
	taken uint64                   // how many were given a number; never begins anew
	since time.Time                // when the last connection ended
	times int                      // it was resumed
}

// enter finds or begins a session and locks its turn.
func (all *sessions) enter(key sessionKey) *session {
	for {
		all.mu.Lock()
		s := all.all[key]
		if s == nil {
			s = &session{key: key}
			if all.all == nil {
				all.all = make(map[sessionKey]*session)
			}
			all.all[key] = s
		}
		all.mu.Unlock()
		s.turn.Lock()
		if !s.gone {
			return s
		}
		s.turn.Unlock()
	}
}

// begin numbers the beginning of a session. No other has the number, not even one of before
// the process was started.
func (all *sessions) begin() uint64 {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.began = max(all.began+1, uint64(time.Now().UnixNano()))
	return all.began
}

// forget drops a session that has no connection. The caller holds its turn.
func (all *sessions) forget(s *session) {
	s.gone = true
	all.mu.Lock()
	delete(all.all, s.key)
	all.mu.Unlock()
	s.clear()
}

// clear ends the subscriptions that outlived a connection.
func (s *session) clear() {
	for _, sub := range s.subs {
		if sub.stream != nil {
			sub.stream.remove(sub)
		}
	}
	s.mu.Lock()
	s.subs, s.past, s.sent, s.times, s.conn, s.also = nil, nil, 0, 0, nil, nil
	s.mu.Unlock()
}

// sweep forgets the sessions to which nobody came back in time.
func (all *sessions) sweep(now time.Time) {
	all.mu.Lock()
	var old []*session
	for _, s := range all.all {
		s.mu.Lock()
		if s.conn == nil && now.Sub(s.since) > all.ttl {
			old = append(old, s)
		}
		s.mu.Unlock()
	}
	all.mu.Unlock()
	for _, s := range old {
		s.turn.Lock()
		s.mu.Lock()
		still := !s.gone && s.conn == nil && now.Sub(s.since) > all.ttl
		s.mu.Unlock()
		if still {
			all.forget(s)
		}
		s.turn.Unlock()
	}
}

// enterSession answers a connect command that names a session. An older
// connection of it is closed, and gets nothing more, before the answer is sent.
func (c *conn) enterSession(m *command, answer func(kept, resumed bool, began uint64) []byte) {
	all := &c.gateway.hub.sessions
	w := c.gateway.wrong
	s := all.enter(w.ownerOf(all, c, sessionKey{c.user, c.role, string(m.session)}))
	defer s.turn.Unlock()
	s.mu.Lock()
	old := s.conn
	if old != nil {
		s.mend(old)
	}
	s.mu.Unlock()
	if old != nil && !w.leavesOld(s, old) {
		old.displace()
	}
	keep := m.keep && all.size > 0
	known := m.began == 0 || m.began == s.began // else it began anew, and the client has not heard of it
	resumed := keep && s.kept && !m.fresh && known && s.has(m.received, all) && !w.recoversOnlyOnce(s)
	if !resumed {
		s.clear()
		if keep {
			s.began = all.begin()
		}
	}
	if resumed {
		w.partial(s, m.received)
		s.move(c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.kept = c, keep
	c.session = s
	if keep {
		if s.subs == nil {
			s.subs = make(map[string]*subscription)
		}
		c.subs = s.subs
		for _, sub := range s.subs {
			sub.restored = true
		}
	}
	c.send(item{frame: answer(keep, resumed, s.began)})
	if resumed {
		s.times++
		from := w.flushFrom(s, len(s.past)-int(s.sent-m.received))
		for _, it := range s.past[from:] {
			c.send(it)
		}
	}
}

// move makes the subscriptions that go on those of the new connection. The caller
// holds the turn.
func (s *session) move(c *conn) {
	for _, sub := range s.subs {
		if sub.stream == nil {
			continue
		}
		sub.stream.mu.Lock()
		sub.stream.batcher.serve(sub) // it was published before the return
		sub.unwatch()                 // who returns asks anew
		sub.conn = c
		sub.stream.mu.Unlock()
	}
}

// has reports whether a client that has received so many messages can go on.
func (s *session) has(received uint64, all *sessions) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil && time.Since(s.since) > all.ttl {
		return false
	}
	return received <= s.sent && s.sent-received <= uint64(len(s.past))
}

// take sends messages to the session's connection, if there is one, and remembers
// them.
func (s *session) take(list []outgoing, all *sessions, w *wrong) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range list {
		o := &list[i]
		switch {
		case o.told:
		case s.conn == nil && w.offlineQueueDrop.fires():
			continue
		default:
			s.taken++
			o.number = s.taken
		}
		list[n] = *o
		n++
	}
	list = list[:n]
	if s.conn != nil {
		s.conn.sendAll(list)
	}
	if s.also != nil {
		s.also.sendAll(list)
	}
	for i := range list {
		if !list[i].told {
			s.remember(list[i].item, list[i].data, all)
		}
	}
	if s.conn != nil {
		s.mend(s.conn)
	}
}

// remember keeps a message for the session's return. Data is that of an event. Under mu.
func (s *session) remember(it item, data []byte, all *sessions) {
	s.sent++
	it.batch = 0
	if data != nil {
		it.frame, it.replay = nil, data
	}
	if len(s.past) >= all.size {
		s.past[0] = item{}
		s.past = s.past[1:]
	}
	s.past = append(s.past, it)
}

// mend makes what is remembered what the client is sent, where the backlog of its
// connection was cut: what was dropped counts no more, and a gap stands where the
// last of it was. So the client's count is ours, whether the gap reached it or not.
// Under mu.
func (s *session) mend(c *conn) {
	if !c.torn.Swap(false) {
		return
	}
	c.queue.mu.Lock()
	cuts := c.queue.cuts
	c.queue.cuts = nil
	c.queue.mu.Unlock()
	for _, gone := range cuts {
		if gone {
			s.sent--
		}
	}
	s.past = slices.DeleteFunc(s.past, func(it item) bool { return cuts[it.number] })
	for i := range s.past {
		if _, cut := cuts[s.past[i].number]; cut {
			s.past[i].empty()
		}
	}
}

// displace ends a connection whose session goes on elsewhere: the command at
// hand is the last that it obeys.
func (c *conn) displace() {
	c.obeying.Lock()
	c.displaced = true
	c.obeying.Unlock()
	c.dropPatterns()
	if !c.keeps() {
		c.unsubscribeAll()
	}
	c.close(CloseTakenOver, "session taken over")
}

// keeps reports whether the connection's subscriptions belong to a session that
// outlives it.
func (c *conn) keeps() bool {
	s := c.session
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

// leave detaches a connection that has ended from its session. It reports
// whether the subscriptions go on without it.
func (c *conn) leave() bool {
	s := c.session
	if s == nil {
		return false
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	if s.also == c {
		s.also = nil
	}
	if s.conn != c { // another has taken it over
		kept := s.kept
		s.mu.Unlock()
		return kept
	}
	kept := s.kept
	s.conn, s.since = nil, time.Now()
	s.mend(c)
	s.mu.Unlock()
	if !kept {
		c.unsubscribeAll()
		c.gateway.hub.sessions.forget(s)
	}
	return kept
}

// dropPatterns ends what no session keeps.
func (c *conn) dropPatterns() {
	for _, p := range c.patterns {
		c.gateway.hub.removePattern(p)
	}
}

func (c *conn) unsubscribeAll() {
	if c.gateway.wrong.bequeaths(c) {
		return
	}
	for _, sub := range c.subs {
		if sub.stream != nil {
			sub.stream.remove(sub)
		}
	}
}

// send hands something to whoever serves the subscription now. Data is that of
// an event, for when it has to be sent again. Under the stream's lock.
func (sub *subscription) send(it item, data []byte) {
	o := outgoing{item: it, data: data}
	if sub.stream.batcher.keep(sub, o) {
		return
	}
	one := [1]outgoing{o}
	sub.pass(one[:])
}

// pass is send of several, between which nothing else comes.
func (sub *subscription) pass(list []outgoing) {
	g := sub.conn.gateway
	if sub.session != nil {
		sub.session.take(list, &g.hub.sessions, g.wrong)
		return
	}
	sub.conn.sendAll(list)
}
