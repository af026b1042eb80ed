package driver

import (
	"context"
	"sync"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/session"
)

// mostMember bounds the names of members that a target is believed, bytes.
const mostMember = 200

// readMembers resolves the names in s.msg, which says who is there, comes or goes. A
// connection of nobody that is known is nobody's.
func (s *shard) readMembers() {
	in, apart := &s.in, s.fleet.about.Can.Connections
	s.members, s.digests = s.members[:0], s.digests[:0]
	if s.msg.Kind != dialect.Present {
		in.Member = s.memberOf(s.msg.Member)
		s.digests = append(s.digests, session.Digest(s.msg.Client))
		in.Connections = s.digests
		return
	}
	dialect.EachMember(&s.roster, s.msg.Payload, func(connection, user []byte) {
		if apart && len(user) == 0 {
			return
		}
		s.members = append(s.members, s.memberOf(user))
		if apart {
			s.digests = append(s.digests, session.Digest(connection))
		}
	})
	in.Members, in.Connections = s.members, s.digests
}

func (s *shard) memberOf(name []byte) history.MemberID {
	if len(name) > mostMember {
		name = name[:mostMember]
	}
	if len(s.fleet.plan.Secrets) > 0 {
		name = []byte(s.fleet.masked(string(name)))
	}
	return history.MemberID(s.names.ID(name))
}

// changed notes when somebody last came to a channel or left one, where it is judged who
// is there.
func (s *shard) changed(e *history.Event) {
	switch e.Kind {
	case history.Subscribed, history.Unsubscribe, history.Unsubscribed, history.Closed, history.Joined, history.Left:
		s.came = max(s.came, e.Seen)
	}
}

// settledDown reports whether nobody has come or left for so long that the target must
// have told everybody of it. What is told later than it may be is waited for as well: it is
// late, and then not wrong, too.
func (f *fleet) settledDown() bool {
	if f.settles == 0 {
		return true
	}
	last := time.Duration(0)
	var mu sync.Mutex
	f.each(func(s *shard) {
		mu.Lock()
		defer mu.Unlock()
		last = max(last, s.came)
	})
	return f.now()-last >= 2*f.settles+lastLook
}

// askWho asks everybody who watches, once, who is there, and waits for the answers: there
// is a last list by which to judge who is there, and what was told of it.
func (f *fleet) askWho(ctx context.Context) error {
	if f.settles == 0 || !f.about.Can.Presence {
		return nil
	}
	f.each(func(s *shard) {
		for i := range s.clients {
			c := &s.clients[i]
			if c.AskWho(s.loop.Now(), &s.out) > 0 {
				s.flush(c, int32(i))
			}
		}
	})
	begun := f.now() // the probes follow behind that, and prove what held when the lists were made
	return f.until(ctx, 5*time.Millisecond, 3*time.Second, false, func() bool {
		return f.out.Lost != "" || f.now() > begun && f.asking() == 0
	})
}

// asking counts the questions without an answer.
func (f *fleet) asking() (n int) {
	var mu sync.Mutex
	f.each(func(s *shard) {
		mine := 0
		for i := range s.clients {
			mine += s.clients[i].Asking()
		}
		mu.Lock()
		n += mine
		mu.Unlock()
	})
	return n
}
