package gateway

import "time"

// Who is there: the users who are subscribed to a channel by its name. Who subscribes
// with presence watches: behind the answer he is told who is there, and from then on
// who comes and who goes, in the order of the channel's events. A user with several
// connections comes with the first and goes with the last. Nothing is counted on a
// channel that nobody watches.

// enters counts somebody who has subscribed, and tells the watchers if that is new.
// Under the stream's lock.
func (s *stream) enters(sub *subscription) {
	user, w := sub.conn.user, sub.conn.gateway.wrong
	if w.overlooks(s, sub); s.watchers == 0 || user == "" || sub.overlooked {
		return
	}
	if s.there[user]++; s.there[user] == 1 {
		s.tell("join", user, w)
	}
}

// leaves is the opposite, of whoever does not watch any more, too. Under the stream's
// lock.
func (s *stream) leaves(sub *subscription) {
	sub.unwatch()
	user, w := sub.conn.user, sub.conn.gateway.wrong
	if s.watchers == 0 || user == "" || sub.overlooked || w.ghostPresence.fires() {
		return
	}
	if s.there[user]--; s.there[user] == 0 {
		delete(s.there, user)
		s.tell("leave", user, w)
	} else if w.presenceFlap.fires() {
		s.tell("leave", user, w)
		s.tell("join", user, w)
	}
}

// tell tells everybody who watches that a user comes or goes: kind is join or leave.
// Under the stream's lock.
func (s *stream) tell(kind, user string, w *wrong) {
	s.batcher.flush()
	frame := sayMember(kind, s.name, user)
	if w.tellsLate(s, frame) {
		return
	}
	for range w.timesTold() {
		for _, sub := range s.subs {
			if sub.watches && !sub.missesOne() {
				sub.conn.send(item{frame: frame})
			}
		}
	}
}

// watch says who is there, and lets the subscription know of who comes and goes.
// Under the stream's lock.
func (sub *subscription) watch() {
	s := sub.stream
	if s.watchers++; s.watchers == 1 {
		s.there = make(map[string]int)
		for _, o := range s.subs {
			if o.exact && o.conn.user != "" && !o.overlooked {
				s.there[o.conn.user]++
			}
		}
	}
	sub.watches, sub.watching = true, time.Now()
	s.batcher.flush()
	sub.conn.gateway.wrong.beginsToWatch(sub)
	sub.sayWho(0)
}

// sayWho says who is there; id is that of the question, 0 if there was none. Under the
// stream's lock.
func (sub *subscription) sayWho(id uint64) {
	s := sub.stream
	sub.conn.send(item{frame: sayPresence(id, s.name, sub.conn.gateway.wrong.countsIn(s))})
}

// who answers the question who is there.
func (c *conn) who(m *command) *refusal {
	sub := c.subs[string(m.channel)]
	if sub == nil || sub.stream == nil {
		return refuse(404, "not-subscribed", "not subscribed to "+string(m.channel))
	}
	s := sub.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if !sub.watches {
		return refuse(404, "not-watching", "subscribed without presence to "+string(m.channel))
	}
	s.batcher.flush()
	sub.sayWho(m.id)
	return nil
}

// unwatch ends that. Under the stream's lock.
func (sub *subscription) unwatch() {
	if !sub.watches {
		return
	}
	sub.watches = false
	if sub.stream.watchers--; sub.stream.watchers == 0 {
		sub.stream.there = nil
	}
}
