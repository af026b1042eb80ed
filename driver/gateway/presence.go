package gateway

// Who is there: the users who are subscribed to a channel by its name. Who subscribes
// with presence watches: behind the answer he is told who is there, and from then on
// who comes and who goes, in the order of the channel's events. A user with several
// connections comes with the first and goes with the last. Nothing is counted on a
// channel that nobody watches.

// enters counts somebody who has subscribed, and tells the watchers if that is new.
// Under the stream's lock.
func (s *stream) enters(sub *subscription) {
	user := sub.conn.user
	if s.watchers == 0 || user == "" {
		return
	}
	if s.there[user]++; s.there[user] == 1 {
		s.batcher.flush()
		s.tell(sayMember("join", s.name, user))
	}
}

// leaves is the opposite, of whoever does not watch any more, too. Under the stream's
// lock.
func (s *stream) leaves(sub *subscription) {
	sub.unwatch()
	user := sub.conn.user
	if s.watchers == 0 || user == "" {
		return
	}
	if s.there[user]--; s.there[user] == 0 {
		delete(s.there, user)
		s.batcher.flush()
		s.tell(sayMember("leave", s.name, user))
	}
}

func (s *stream) tell(frame []byte) {
	for _, sub := range s.subs {
		if sub.watches {
			sub.conn.send(item{frame: frame})
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
			if o.exact && o.conn.user != "" {
				s.there[o.conn.user]++
			}
		}
	}
	sub.watches = true
	s.batcher.flush()
	sub.conn.send(item{frame: sayPresence(s.name, s.there)})
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
