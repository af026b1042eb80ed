package driver

import (
	"time"

	"squall/driver/dialect"
)

// What only some dialects have: messages that span those of the WebSocket,
// qualities, and a window of unanswered publications.

// joined is what to decode when a payload has come: behind what its connection
// left over, if there is anything.
func (s *shard) joined(i int32, payload []byte) []byte {
	if s.stream == nil || len(s.rests[i]) == 0 {
		return payload
	}
	s.rests[i] = append(s.rests[i], payload...)
	return s.rests[i]
}

// keep holds what the decoder left, which may lie in the client's rest itself,
// until the connection brings more.
func (s *shard) keep(i int32) {
	if s.stream == nil {
		return
	}
	rest := s.stream.Rest()
	switch {
	case len(rest) > 0 && len(rest) == len(s.rests[i]): // nothing of it was used
	case len(rest) > 0:
		s.rests[i] = append(s.rests[i][:0], rest...)
	case cap(s.rests[i]) > 0:
		s.rests[i] = nil
	}
}

// parted forgets what a connection left over: the next begins anew.
func (s *shard) parted(i int32) {
	if s.stream != nil {
		s.rests[i] = nil
	}
}

// windowWait is how long what finds a server's window full waits before it is
// tried again. It keeps its due time.
const windowWait = 2 * time.Millisecond

// held reports whether a publication of c must wait for the server's answers.
func (c *client) held(ack bool) bool { return ack && c.Full() && c.Connected() }

// quality is the quality of a promised delivery.
func quality(delivery string) dialect.Quality {
	switch delivery {
	case "at-least-once":
		return dialect.AtLeastOnce
	case "exactly-once":
		return dialect.ExactlyOnce
	}
	return dialect.AtMostOnce
}

// highest is the highest quality that is promised anywhere: what a pattern, which
// may match any channel, is subscribed to with.
func (f *fleet) highest() dialect.Quality {
	if !f.about.Can.Quality {
		return dialect.AtMostOnce
	}
	q := quality(f.plan.Promises.Delivery)
	for _, c := range f.plan.Promises.Channels {
		q = max(q, quality(c.Delivery))
	}
	return q
}

// grade is the quality that is promised of a channel.
func (f *fleet) grade(channel string) dialect.Quality {
	switch {
	case !f.about.Can.Quality:
		return dialect.AtMostOnce
	case len(f.plan.Promises.Channels) == 0:
		return quality(f.plan.Promises.Delivery)
	}
	return quality(f.plan.Promises.Of(channel).Delivery)
}

// published is the quality of a publication: what is acknowledged is at least
// once with the server.
func (f *fleet) published(channel string, ack bool) dialect.Quality {
	if !ack || !f.about.Can.Quality {
		return dialect.AtMostOnce
	}
	return max(f.grade(channel), dialect.AtLeastOnce)
}
