package driver

import (
	"context"

	"squall/assert/history"
	"squall/scenario"
)

// revoke has the rights of clients taken away. Everybody hears that the target is
// asked before it is, and that it has done so after it has: what lies between
// belongs to neither side.
func (f *fleet) revoke(ctx context.Context, m *scenario.Moment) {
	f.each(func(s *shard) { s.revoke(m) })
	if f.cfg.Control == nil {
		f.notes.add("revoke was not done: this target can't be reached")
		return
	}
	for _, user := range m.Users {
		if err := f.cfg.Control.Revoke(ctx, user); err != nil {
			f.notes.add("revoke failed: " + f.masked(err.Error()))
			return
		}
	}
	f.each(func(s *shard) { s.revoked(m) })
}

// struckBy calls do for the victims of m that are this shard's.
func (s *shard) struckBy(m *scenario.Moment, do func(c *client, i int32)) {
	shards := len(s.fleet.cfg.Loops)
	for v := range m.Victims {
		if n := m.Victims[v].Client; n%shards == s.index {
			do(&s.clients[n/shards], int32(n/shards))
		}
	}
}

// revoke: the target is asked. The client says nothing more: it can't know what
// would come of it.
func (s *shard) revoke(m *scenario.Moment) {
	now := s.loop.Now()
	s.struckBy(m, func(c *client, i int32) {
		if c.gone || c.revoked {
			s.skipped++
			return
		}
		c.revoked = true
		s.hush(c)
		c.Revoke()
		s.fault(c, history.FaultBegin, "revoke", s.zero+m.At, now)
	})
}

// revoked: the target has done so.
func (s *shard) revoked(m *scenario.Moment) {
	now := s.loop.Now()
	s.struckBy(m, func(c *client, i int32) {
		if !c.revoked || c.outlaw {
			return
		}
		c.outlaw = true
		c.Revoked()
		s.tell(c, &history.Event{Kind: history.Revoked, Client: history.ClientID(c.id), Life: c.Life(), Channel: -1, Seen: now, Arrived: now})
	})
}
