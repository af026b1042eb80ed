package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

func (s *Session) heartbeatLimit() time.Duration {
	if s.cfg.HeartbeatLimit > 0 {
		return s.cfg.HeartbeatLimit
	}
	return 10 * time.Second
}

// live keeps the heartbeats of a connected client.
func (s *Session) live(now time.Duration, out *Out) {
	switch {
	case s.beatSent > 0 && now >= s.beatSent+s.heartbeatLimit():
		s.beatSent = 0
		s.drop("no answer to our ping within "+s.heartbeatLimit().String(), out)
	case s.silence > 0 && now >= s.heard+s.silence:
		s.silence = 0
		s.drop("the server was silent for longer than it promised", out)
	case s.beatAt > 0 && s.beatSent == 0 && now >= s.beatAt:
		s.beatAt = now + s.beatEvery
		if !s.pings() {
			return
		}
		s.beatSent = now
		e := s.event(history.Pinging, now)
		e.Sent = now
		out.emit(e)
		if s.cfg.DialectPing {
			out.send(Command{Verb: dialect.Ping, ID: s.id()})
		} else {
			out.do(Do{Kind: WirePing})
		}
		if s.cfg.Connections {
			s.lookAgain(now, out)
		}
	}
}

func (s *Session) beat(now time.Duration, out *Out) {
	if s.beatSent == 0 {
		return
	}
	e := s.event(history.Beat, now)
	e.Due = s.beatSent
	s.beatSent = 0
	out.emit(e)
}

// Probe asks for proof that everything the server has written so far is here:
// a WebSocket ping, answered by Pong on the same stream (RFC 6455 §5.5.3), or the
// dialect's own where that passes through more of the server.
func (s *Session) Probe(now time.Duration, out *Out) {
	if !s.Connected() || s.frozen {
		return
	}
	s.probeSent = now
	if s.probesByPing() {
		out.send(Command{Verb: dialect.Ping, ID: s.id()})
	} else {
		out.do(Do{Kind: WirePing})
	}
}

// probesByPing: where there is no WebSocket there is none of its pings.
func (s *Session) probesByPing() bool { return s.cfg.ProbeByPing || s.transport > 0 }

// ponged: the server answered a ping of the dialect. Where that is a probe as
// well, answers come in the order of the questions.
func (s *Session) ponged(now time.Duration, out *Out) {
	if s.probesByPing() && s.probeSent > 0 && (s.beatSent == 0 || s.probeSent < s.beatSent) {
		s.probed(now, out)
		return
	}
	s.beat(now, out)
}

func (s *Session) probed(now time.Duration, out *Out) {
	e := s.event(history.Probe, now)
	e.Due, e.Sent = s.probeSent, s.probeSent
	s.probeSent = 0
	out.emit(e)
}

// Probing reports whether a probe is unanswered.
func (s *Session) Probing() bool { return s.probeSent > 0 }

// Pong: a WebSocket pong arrived.
func (s *Session) Pong(now time.Duration, out *Out) {
	s.heard = now
	if s.probeSent > 0 && !s.probesByPing() {
		s.probed(now, out)
	}
	if !s.cfg.DialectPing {
		s.beat(now, out)
	}
}
