package driver

import (
	"strings"
	"time"

	"squall/assert/history"
)

// renew is the token of a client's connection, and tells when it expires. Whatever
// the target tells of it later, it is not to be shown.
func (s *shard) renew(c *client) string {
	token, ends := s.fleet.cfg.Bearer(int(c.id))
	now := s.loop.Now()
	until := now + time.Until(ends)
	if s.tokens == nil {
		s.tokens = make(map[int32]string)
	}
	s.tokens[c.id] = token
	c.Bears(until)
	s.tell(c, &history.Event{Kind: history.Expires, Client: history.ClientID(c.id), Life: c.Life(), Channel: -1, Due: now, Sent: until, Seen: now, Arrived: now})
	return token
}

// hide masks the token of a client in what the target says.
func (s *shard) hide(c *client, text string) string {
	if token := s.tokens[c.id]; token != "" {
		return strings.ReplaceAll(text, token, "***")
	}
	return text
}
