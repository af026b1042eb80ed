package scenario

import (
	"math/rand/v2"
	"time"
)

func churn(s *SessionSpec) Session {
	if s == nil {
		return Session{}
	}
	return Session{Stay: s.Stay, Away: s.Away}
}

// Turn draws how long a client stays in its turn of the given number, from 0,
// and how long it is away after that. ok is false if its group has no churn.
// The first turn is a part of a whole one, so that clients that arrived together
// don't leave together.
func (p *Plan) Turn(client, turn int) (stay, away time.Duration, ok bool) {
	s := p.Groups[p.Clients[client].Group].Session
	if s.Stay.Hi == 0 {
		return 0, 0, false
	}
	r := Rand(p.Seed, "session", client, turn)
	stay, away = s.Stay.draw(r), s.Away.draw(r)
	if turn == 0 {
		stay = time.Duration(r.Float64() * float64(stay))
	}
	return stay, away, true
}

func (d Draw) draw(r *rand.Rand) time.Duration {
	return d.Lo + time.Duration(r.Float64()*float64(d.Hi-d.Lo))
}

// session refuses churn that can't be.
func (v *validator) session(path string, g *GroupSpec) {
	s := g.Session
	if s == nil {
		return
	}
	if s.Stay.Given && s.Stay.Hi == 0 {
		v.fail(join(path, "session.stay"), "found 0s, expected more")
	}
	if g.Reconnect != nil && g.Reconnect.Word == "never" {
		v.fail(join(path, "session"), "found a session for clients that never reconnect, expected one or the other")
	}
	if d := v.s.Duration; d.Given && s.Stay.Given && s.Stay.Lo+s.Away.Lo >= d.Duration {
		v.fail(join(path, "session"), "found a turn of at least %v, expected less than the duration of %v: nobody would leave and return", s.Stay.Lo+s.Away.Lo, d)
	}
}

// text is the churn for people; "" if there is none.
func (s Session) text() string {
	if s.Stay.Hi == 0 {
		return ""
	}
	return "stay " + s.Stay.Text + ", away " + or(s.Away.Text, "0s")
}
