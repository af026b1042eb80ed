package driver

import (
	"time"

	"squall/driver/dialect"
)

// What only some dialects have: messages that span those of the WebSocket,
// qualities, and a window of unanswered publications.

// joined is what to decode when a payload has come: behind what its connection
// left over, if there is anything.
func (s *shard) joined(c *client, payload []byte) []byte {
	if len(c.rest) == 0 {
		return payload
	}
	c.rest = append(c.rest, payload...)
	return c.rest
}

// keep holds what the decoder left, which may lie in c.rest itself, until the
// connection brings more.
func (s *shard) keep(c *client) {
	if s.stream == nil {
		return
	}
	rest := s.stream.Rest()
	switch {
	case len(rest) > 0 && len(rest) == len(c.rest): // nothing of it was used
	case len(rest) > 0:
		c.rest = append(c.rest[:0], rest...)
	case cap(c.rest) > 0:
		c.rest = nil
	}
}

// windowWait is how long what finds a server's window full waits before it is
// tried again. It keeps its due time.
const windowWait = 2 * time.Millisecond

// held reports whether a publication of c must wait for the server's answers.
func (c *client) held(ack bool) bool { return ack && c.Full() && c.Connected() }

// quality is what subscriptions and acknowledged publications ask for.
func (f *fleet) quality() dialect.Quality {
	if !f.about.Can.Quality {
		return dialect.AtMostOnce
	}
	switch f.plan.Promises.Delivery {
	case "at-least-once":
		return dialect.AtLeastOnce
	case "exactly-once":
		return dialect.ExactlyOnce
	}
	return dialect.AtMostOnce
}
