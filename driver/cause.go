package driver

import (
	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/session"
)

// cause resolves what a stamp names as its cause. A channel that nobody here has
// heard of names nothing.
func (s *shard) cause(c *dialect.Cause) session.Cause {
	id, ok := s.byHash[c.Channel]
	if !ok {
		s.byHash = make(map[uint32]history.ChannelID)
		for i, name := range s.fleet.cfg.Names.All() {
			s.byHash[history.Hash([]byte(name))] = history.ChannelID(i)
		}
		if id, ok = s.byHash[c.Channel]; !ok {
			return session.Cause{}
		}
	}
	return session.Cause{Channel: id, Publisher: c.Publisher, Incarnation: c.Incarnation, Seq: c.Seq, Offset: c.Offset}
}

// causeOf is the way back, for a stamp.
func (s *shard) causeOf(c session.Cause) dialect.Cause {
	if c.Seq == 0 {
		return dialect.Cause{}
	}
	return dialect.Cause{Channel: s.hash(c.Channel), Publisher: c.Publisher, Incarnation: c.Incarnation, Seq: c.Seq, Offset: c.Offset}
}
