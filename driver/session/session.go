// Package session is one logical client as a pure state machine. A Session
// holds no socket, starts no timer and draws no number: its methods take what
// happened together with the time at which it happened, change the state, and
// leave in an Out what is to be done and what is to be told. The driver's shard
// does it and tells it.
//
//	                 ┌────────── Closed ◀───────────┐
//	                 ▼                              │
//	new ─Start▶ waiting ─Tick▶ dialing ─Opened▶ connecting ─Connected▶ subscribing ─all answered▶ live
//	                 ▲                                                                             │
//	                 └──────────────────────── Closed (backoff, or away) ◀─────────────────────────┘
//
// A position (epoch and highest offset received) belongs to the subscription,
// not to the connection: it survives losses and is what the next Subscribe asks
// from. Publications without an answer become unknown when their connection
// ends or their time runs out, and the publisher goes on as a new incarnation,
// because the old attempt may still take effect.
package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

// State is where a client stands.
type State uint8

// The states.
const (
	New         State = iota // not yet arrived
	Waiting                  // will dial at a known time
	Dialing                  // TCP, TLS and upgrade under way
	Connecting               // upgraded; the dialect's handshake is unanswered
	Subscribing              // connected; some planned subscription is unanswered
	Live                     // connected, everything answered
	Gone                     // will not come back
)

func (s State) String() string {
	return [...]string{"new", "waiting", "dialing", "connecting", "subscribing", "live", "gone"}[s]
}

// Config is what the clients of one group share.
type Config struct {
	Backoff        Backoff
	Heartbeat      time.Duration   // the client's own pings; 0: none
	HeartbeatLimit time.Duration   // how long an answer may take; 0: 10 s
	AnswerTimeout  time.Duration   // for connect and subscribe; 0: 10 s
	AckTimeout     time.Duration   // for publications
	DialectPing    bool            // the dialect has a client ping of its own
	ProbeByPing    bool            // and its answer comes after all that the server said before; a WebSocket pong may not
	Ack            bool            // the dialect acknowledges publications
	LastID         uint64          // of commands, after which they begin again; 0: without end
	Quality        dialect.Quality // highest that the server must have, where the dialect has them
	Leaves         bool            // the dialect has a word for going
	Causal         bool            // publications name what their client received before
	Refused        bool            // the server must not let the clients in
	Connections    bool            // who is there is told of connections, and listed only when asked for

	Fallback []history.Transport // tried in turn where the upgrade is refused
}

// Sub is one planned subscription.
type Sub struct {
	Channel history.ChannelID // of a channel, or of a pattern
	Pattern bool
	Recover bool
	Kept    bool // the client's session is to keep its backlog
	Quality dialect.Quality
	Refused bool  // the server must refuse it
	Watch   bool  // the server is to say who is there
	Filter  uint8 // number of its filter; 0: none
	Rows    bool  // with the rows of the channel
}

// DoKind names a thing that the shard must do for the session.
type DoKind uint8

// The things to do.
const (
	Dial      DoKind = iota + 1 // open a new connection for the current life
	Send                        // say Command
	WirePing                    // send a WebSocket ping; its pong comes back as Pong
	Close                       // close the connection with Code and Reason
	Completed                   // Ready was reached for the first time, or given up: the arrivals need not wait for this client
)

// Do is one thing to do.
type Do struct {
	Kind    DoKind
	Command Command
	Code    uint16
	Reason  string
}

// Command is a dialect.Command with names as numbers.
type Command struct {
	Verb    dialect.Verb
	ID      uint64
	Channel history.ChannelID
	Pattern bool  // Channel is one
	Filter  uint8 // Subscribe: as in Sub
	Watch   bool  // likewise
	Rows    bool  // Subscribe: likewise
	Recover bool
	Epoch   history.EpochID
	Offset  uint64

	Named    bool // Connect: name the session
	Keep     bool // and have it kept
	Fresh    bool // but begin it anew
	Received uint64
	Began    uint64 // of the session, as the server called it
	Quality  dialect.Quality
}

// Out collects what follows from a step. The shard owns one and resets it
// between steps.
type Out struct {
	Do     []Do
	Events []history.Event
}

// Reset empties o and keeps its memory.
func (o *Out) Reset() { o.Do, o.Events = o.Do[:0], o.Events[:0] }

func (o *Out) do(d Do)              { o.Do = append(o.Do, d) }
func (o *Out) emit(e history.Event) { o.Events = append(o.Events, e) }
func (o *Out) send(c Command)       { o.Do = append(o.Do, Do{Kind: Send, Command: c}) }

// Session is one client. The zero value is not usable; see Init.
type Session struct {
	cfg    *Config
	client history.ClientID
	state  State
	life   int32 // connection attempts so far
	tries  int32 // attempts since the last Live, for the backoff
	failed int32 // attempts since the last Live, or fault, that did not become Live

	settled  bool // Completed was said
	fresh    bool // forget the positions at the next subscribe
	frozen   bool
	leaving  bool // our close frame is out: nothing more may be written
	in       bool // this life has been live
	ever     bool // some life has been live
	returned bool // back after a loss, Resynced not yet told
	stopped  bool // no further attempt is wanted
	wantPong bool
	barred   bool // it was not let in, as the plan wants
	revoked  bool // the target was asked to take its rights away: a refusal is right
	outcast  bool // and has done so: being let in is wrong
	spared   bool // unless the connect of this connection may have been there before
	hinted   bool // the server's announcement, not the backoff, sets the time of the next attempt

	named    bool   // it names a session when it connects
	keeps    bool   // which is to be kept while it is away
	received uint64 // deliveries and gaps since the session began
	began    uint64 // which beginning that was; 0: the server has not said

	retry     time.Duration // what the server's announcement asks for; 0: nothing
	nextID    uint64
	wait      time.Duration // state Waiting: when to dial
	lastWait  time.Duration // the backoff's previous wait, for decorrelated jitter
	want      time.Duration // since when it wants in
	dialDue   time.Duration
	dialSent  time.Duration
	answerBy  time.Duration // connect or subscribe answers; 0: none awaited
	slowed    time.Duration // until when a fault of the plan kept, or keeps, it from reading; 0: never
	heard     time.Duration // last bytes from the server
	beatAt    time.Duration // next own ping; 0: none
	beatSent  time.Duration // an own ping without answer; 0: none
	silence   time.Duration // how long the server may be silent; 0: any time
	probeSent time.Duration
	beatEvery time.Duration // the client's own pings, on this connection

	subs    []subscription
	fences  map[history.ChannelID]uint16 // fences that came by a pattern
	open    int32                        // planned subscriptions without an answer
	behind  int32                        // subscriptions whose replay is not complete
	refused int32

	*voice         // nil: it doesn't publish
	rounds *rounds // exchanges that take several; nil: none yet

	mutes *mutes // nil: none

	bearer time.Duration // when the token of its connection expires; 0: never

	transport uint8 // of the current life: 0 WebSocket, else Fallback[transport−1]

	heardLast *Cause // where causal order is judged; nil: nothing yet
}

// voice is what a session has whose client publishes. Most only listen.
type voice struct {
	pubs    []publisher
	pending []pending
	window  int32 // publications that the server lets be unanswered; 0: any number
	flying  int32 // of them, those that are
}

// Init makes s the client numbered client. Publishers are named by their
// numbers in the run.
func (s *Session) Init(cfg *Config, client history.ClientID, subs []Sub, publishers []int32) {
	*s = Session{cfg: cfg, client: client}
	if len(subs) > 0 {
		s.subs = make([]subscription, len(subs))
		for i, p := range subs {
			s.subs[i] = subscription{channel: p.Channel, pattern: p.Pattern, recover: p.Recover, kept: p.Kept, quality: p.Quality, forbidden: p.Refused, filter: p.Filter, watch: watcher(p.Watch), rows: p.Rows, wanted: true}
			s.keeps = s.keeps || p.Kept
		}
	}
	if len(publishers) > 0 {
		s.voice = &voice{pubs: make([]publisher, len(publishers))}
		for i, n := range publishers {
			s.pubs[i] = publisher{number: n, incarnation: 1}
		}
	}
}

// State tells where the client stands.
func (s *Session) State() State { return s.state }

// Life is the number of the current connection attempt, from 1.
func (s *Session) Life() int32 { return s.life }

// Connected reports whether commands can be sent.
func (s *Session) Connected() bool {
	return (s.state == Subscribing || s.state == Live) && !s.leaving
}

// Complete reports whether the client is live and nothing that it is owed by
// its last return is outstanding.
func (s *Session) Complete() bool { return s.state == Live && s.behind == 0 }

// Wanted reports whether the client has arrived and means to be connected.
func (s *Session) Wanted() bool { return s.state != New && s.state != Gone }

// Failures counts the attempts that did not get through since the client last
// did, or since a fault took its connection.
func (s *Session) Failures() int { return int(s.failed) }

// Ever reports whether the client has been live.
func (s *Session) Ever() bool { return s.ever }

// Pending is the number of publications without an outcome.
func (s *Session) Pending() int {
	if s.voice == nil {
		return 0
	}
	return len(s.pending)
}

func (s *Session) event(k history.Kind, now time.Duration) history.Event {
	return history.Event{Kind: k, Client: s.client, Life: s.life, Seen: now, Arrived: now}
}

// Deadline is when Tick wants to be called; ok is false if nothing is awaited.
func (s *Session) Deadline() (at time.Duration, ok bool) {
	at = never
	first := func(t time.Duration) {
		if t < at {
			at = t
		}
	}
	switch s.state {
	case Waiting:
		return s.wait, true
	case New, Gone, Dialing:
		return 0, false
	}
	if s.answerBy > 0 {
		first(s.answerBy)
	}
	if s.Pending() > 0 {
		first(s.pending[0].sent + s.cfg.AckTimeout)
	}
	if !s.frozen && !s.leaving {
		if s.beatSent > 0 {
			first(s.beatSent + s.heartbeatLimit())
		} else if s.beatAt > 0 {
			first(s.beatAt)
		}
		if s.silence > 0 {
			first(s.heard + s.silence)
		}
	}
	return at, at != never
}

const never = time.Duration(1<<63 - 1)

// Tick does what is due at now. Calling it too early is harmless.
func (s *Session) Tick(now time.Duration, out *Out) {
	if s.state == Waiting {
		if now >= s.wait {
			s.dial(now, out)
		}
		return
	}
	if s.state < Connecting || s.state == Gone {
		return
	}
	s.expire(now, out)
	if s.frozen || s.leaving {
		return
	}
	if s.answerBy > 0 && now >= s.answerBy {
		s.answerBy = 0
		s.problem(now, 0, s.unanswered(), out)
		out.Events[len(out.Events)-1].Flags |= history.FlagOverdue
		if s.slowed > now-s.answerTimeout() { // the answer may be here, unread
			out.Events[len(out.Events)-1].Flags |= history.FlagExcused
		}
		s.drop(s.unanswered(), out)
		return
	}
	s.live(now, out)
}

func (s *Session) problem(now time.Duration, code int32, note string, out *Out) {
	e := s.event(history.Problem, now)
	e.Code, e.Note = code, note
	out.emit(e)
}

// drop gives the connection up from our side; Closed will follow.
func (s *Session) drop(reason string, out *Out) {
	s.leaving = true
	out.do(Do{Kind: Close, Code: 0, Reason: reason})
}
