package driver

import (
	"squall/assert/history"
	"squall/driver/dialect"
)

// bequeath puts the client's will into its connect command. Each connection has one of
// its own, which its stamp tells apart by the incarnation. Nobody knows when it will be
// due, so it is due at 0.
func (s *shard) bequeath(c *client, cmd *dialect.Command) {
	w := s.plan(c).Will
	if w == nil {
		return
	}
	id, now := history.ChannelID(w.Channel), s.loop.Now()
	name := s.fleet.plan.Channels[w.Channel]
	cmd.Will = &dialect.Will{
		Channel: name, Quality: s.fleet.published(name, true),
		Payload: dialect.AppendStamped(nil, w.Payload, dialect.Stamp{
			Run: s.fleet.cfg.Run, Publisher: w.Publisher, Incarnation: uint32(c.Life()), Seq: 1, Channel: s.hash(id),
		}, 0),
	}
	e := history.Event{
		Kind: history.Will, Client: history.ClientID(c.id), Life: c.Life(), Channel: id, Publisher: w.Publisher, Incarnation: uint32(c.Life()), Seq: 1,
		Offset: s.passes(id, w.Payload), Sent: now, Seen: now, Arrived: now,
	}
	s.tell(c, &e)
	for _, x := range s.enter(e, w.Payload) {
		s.tell(c, &x)
	}
}
