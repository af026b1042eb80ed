package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

// Start lets the client arrive: it dials at once. due is when the plan wanted it.
func (s *Session) Start(due, now time.Duration, out *Out) {
	if s.state != New {
		return
	}
	s.want = due
	s.wait = due
	s.dial(now, out)
}

func (s *Session) dial(now time.Duration, out *Out) {
	s.dialDue = s.wait
	s.dialSent = now
	s.state = Dialing
	s.life++
	if s.cfg.LastID == 0 {
		s.nextID = 0 // a session that goes on may remember short ids
	}
	e := s.event(history.Dial, now)
	e.Due, e.Sent, e.Offset = s.dialDue, now, uint64(s.Transport())
	if s.hinted {
		e.Flags |= history.FlagServer
	}
	if s.cfg.Refused || s.outcast {
		e.Flags |= history.FlagForbidden
	}
	s.hinted = false
	out.emit(e)
	out.do(Do{Kind: Dial})
}

// Opened: the upgrade of the current life was accepted.
func (s *Session) Opened(now time.Duration, out *Out) {
	if s.state != Dialing {
		return
	}
	s.state = Connecting
	s.heard, s.spared = now, false
	s.beatSent, s.beatAt, s.silence = 0, 0, 0
	s.quiet()
	s.bearer = 0
	e := s.event(history.Open, now)
	e.Due, e.Offset = s.dialSent, uint64(s.Transport())
	out.emit(e)
	s.answerBy = now + s.answerTimeout()
	out.send(Command{Verb: dialect.Connect, ID: s.id(), Named: s.named, Keep: s.keeps, Fresh: s.fresh, Received: s.received, Began: s.began})
}

func (s *Session) connected(in *Incoming, out *Out) {
	if s.state != Connecting {
		return
	}
	if s.cfg.Refused || s.outcast && !s.spared {
		s.letIn(in, out)
		return
	}
	s.state = Subscribing
	s.wantPong = in.Message.WantsPong
	if every := in.Message.HeartbeatEvery; every > 0 {
		// Official clients of ping-driven protocols give the server its interval
		// and ten seconds of grace before they call a connection dead.
		s.silence = every + 10*time.Second
	}
	s.beatEvery = s.cfg.Heartbeat
	if k := in.Message.KeepAlive; k > 0 && (s.beatEvery == 0 || k < s.beatEvery) {
		s.beatEvery = k // the server's word counts
	}
	if s.beatEvery > 0 {
		s.beatAt = in.Now + s.beatEvery
	}
	if in.Message.Quality < s.cfg.Quality {
		s.problem(in.Now, 0, "connect refused: the server has no QoS "+digit(s.cfg.Quality)+", which the promised delivery needs", out)
		s.complete(out)
		s.drop("no such QoS", out)
		return
	}
	s.allow(int32(in.Message.Window))
	e := s.event(history.Connected, in.Now)
	e.Due, e.Arrived = s.dialDue, in.Arrived
	e.Offset = Digest(in.Message.Client)
	s.began = in.Message.Began
	s.resume(in.Message.Resumed, &e)
	out.emit(e)
	s.takeUp(in.Message.Resumed, in.Now, out)
	s.subscribeAll(in.Now, out)
	s.settle(in.Now, out)
}

// settle moves to Live when nothing planned is unanswered.
func (s *Session) settle(now time.Duration, out *Out) {
	if s.state != Subscribing || s.open > 0 {
		return
	}
	s.state = Live
	s.answerBy = 0
	s.tries, s.lastWait = 0, 0
	s.complete(out)
	if s.refused == 0 && !s.in {
		e := s.event(history.Ready, now)
		e.Due = s.want
		out.emit(e)
	}
	s.in, s.ever = true, true
	s.resynced(now, out)
}

func (s *Session) complete(out *Out) {
	if !s.settled {
		s.settled = true
		out.do(Do{Kind: Completed})
	}
}

// resynced tells, once per return, that everything up to the positions of the
// answers has arrived.
func (s *Session) resynced(now time.Duration, out *Out) {
	if !s.returned || s.state != Live || s.behind > 0 {
		return
	}
	s.returned = false
	e := s.event(history.Resynced, now)
	e.Due = s.want
	out.emit(e)
}

// Loss tells how a connection, or an attempt at one, ended.
type Loss struct {
	Who     history.Who
	Refused bool  // there was no connection yet
	Code    int32 // close code, or HTTP status if Refused
	Note    string
	Excused bool // a fault or a drain of the plan explains it
	Overdue bool // time ran out

	NoUpgrade bool // Refused: by an HTTP answer
	Blocked   bool // Refused: by the plan itself, which asked nobody

	Away   time.Duration // a fault's wait before the first attempt; -1: the backoff decides
	Chance float64       // drawn from [0, 1) for the backoff
}

// Closed: the connection of the current life is over.
func (s *Session) Closed(l Loss, now time.Duration, out *Out) {
	if s.state < Dialing || s.state == Gone {
		return
	}
	kind := history.Closed
	if l.Refused {
		kind = history.Refused
	}
	s.forsake(now, out)
	if !s.turnedAway(&l, now, out) {
		e := s.event(kind, now)
		e.Who, e.Code, e.Note = l.Who, l.Code, l.Note
		if l.Excused {
			e.Flags |= history.FlagExcused
		}
		if l.Overdue {
			e.Flags |= history.FlagOverdue
		}
		out.emit(e)
	}

	s.rest()
	if s.in || l.Away >= 0 {
		s.failed = 0
	} else if !l.Blocked {
		s.failed++
	}
	if l.Away >= 0 || s.in {
		s.want = now + max(l.Away, 0)
	}
	s.in = false
	s.returned = s.ever
	b := &s.cfg.Backoff
	if s.stopped || s.barred || (b.Never && s.life >= 1 && !l.Refused) || (b.Attempts > 0 && int(s.tries) >= b.Attempts) {
		s.state = Gone
		s.complete(out)
		return
	}
	s.state = Waiting
	if s.detours(&l) {
		s.wait = now
		s.spare(&l)
		return
	}
	if l.Away >= 0 {
		s.wait, s.tries, s.lastWait, s.retry = now+l.Away, 0, 0, 0
		return
	}
	if s.retry > 0 && !l.Refused {
		s.wait, s.retry, s.hinted = now+s.retry, 0, true
		s.tries, s.lastWait = 0, 0
		return
	}
	s.lastWait = b.Wait(int(s.tries), s.lastWait, l.Chance)
	s.tries++
	s.wait = now + s.lastWait
	s.spare(&l)
}

// rest forgets what belongs to the connection that ended.
func (s *Session) rest() {
	s.answerBy, s.beatAt, s.beatSent, s.silence, s.probeSent = 0, 0, 0, 0, 0
	s.frozen, s.leaving = false, false
	s.withdraw()
	s.open, s.behind = 0, 0
	for i := range s.subs {
		s.subs[i].state, s.subs[i].behind, s.subs[i].unsub = idle, false, 0
	}
}

// announced: the server will end the connection, and may ask for a time to return.
func (s *Session) announced(in *Incoming, out *Out) {
	s.retry = in.Message.RetryAfter
	e := s.event(history.Announced, in.Now)
	e.Code = int32(min(s.retry.Milliseconds(), 1<<31-1))
	out.emit(e)
}

// Forget makes the next subscribe start afresh, without positions.
func (s *Session) Forget() { s.fresh = true }

// Leave says that a close frame is being sent: what is due from now on is missed,
// not written into a connection that takes nothing more.
func (s *Session) Leave() { s.leaving = true }

// Slow says that a fault keeps the client from reading at its own pace until
// then: a missing answer is not the server's fault.
func (s *Session) Slow(until time.Duration) { s.slowed = until }

// Freeze stops the session's own clocks; nothing arrives until Thaw.
func (s *Session) Freeze() { s.frozen = true }

// Thaw ends Freeze.
func (s *Session) Thaw(now time.Duration) {
	s.frozen = false
	s.heard = now
	if s.beatSent > 0 {
		s.beatSent = now
	}
	if s.answerBy > 0 {
		s.answerBy = now + s.answerTimeout()
	}
}

// Renew lets a client whose session has ended arrive anew, as somebody who knows
// nothing: without positions, and with a session that begins.
func (s *Session) Renew() {
	if s.state != Gone {
		return
	}
	s.state, s.stopped, s.fresh = New, false, true
	s.in, s.returned, s.hinted = false, false, false
	s.frozen, s.leaving = false, false
	s.tries, s.failed, s.lastWait, s.retry = 0, 0, 0, 0
}

// Finish ends the session for good: a connection is closed, no attempt follows.
func (s *Session) Finish(out *Out) {
	s.stopped = true
	switch s.state {
	case New, Waiting:
		s.state = Gone
	case Gone:
	default:
		if s.cfg.Leaves && s.Connected() {
			out.send(Command{Verb: dialect.Leave})
		}
		out.do(Do{Kind: Close, Code: 1000})
	}
}

func (s *Session) answerTimeout() time.Duration {
	if s.cfg.AnswerTimeout > 0 {
		return s.cfg.AnswerTimeout
	}
	return 10 * time.Second
}

func (s *Session) unanswered() string {
	if s.state == Connecting {
		return "no answer to connect within " + s.answerTimeout().String()
	}
	return "no answer to subscribe within " + s.answerTimeout().String()
}

// Digest is 64-bit FNV-1a of a connection's id; 0 if there is none.
func Digest(id []byte) uint64 {
	if len(id) == 0 {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return max(h, 1)
}
