package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

type subState uint8

const (
	idle    subState = iota
	asked            // sent, unanswered
	active           // answered
	denied           // refused by the server
	leaving          // unsubscribe sent, or answered
)

// subscription is one planned subscription with its position.
type subscription struct {
	// What each message looks at comes first, and so into one cache line.
	channel   history.ChannelID
	epoch     history.EpochID
	offset    uint64 // highest received, or the top of an answer that started afresh
	top       uint64 // of the last answer: the replay is complete when offset reaches it
	state     subState
	filter    uint8 // number of its filter; 0: none
	fences    uint16
	quality   dialect.Quality
	pattern   bool
	forbidden bool // the server must refuse it
	wanted    bool // the plan has not taken it away
	recover   bool
	kept      bool // its session is to keep its backlog
	held      bool // the session has it: a server that resumes the session goes on with it
	placed    bool // epoch and offset are known
	behind    bool // offset < top after a recovered answer
	rows      bool // the rows of the channel are wanted
	baseless  bool // and have not all come, or not of what follows

	sent  time.Duration
	id    uint64 // of the subscribe; 0: a session brought it along
	unsub uint64 // id of an unsubscribe that is unanswered
	watch *watch // the server is to say who is there; nil: it is not
}

func (s *Session) subscribeAll(now time.Duration, out *Out) {
	s.open, s.behind, s.refused = 0, 0, 0
	for i := range s.subs {
		switch sub := &s.subs[i]; {
		case !sub.wanted:
		case sub.held:
			sub.state, sub.id = active, 0
		default:
			s.subscribe(sub, now, out)
		}
	}
	s.fresh = false
}

func (s *Session) subscribe(sub *subscription, now time.Duration, out *Out) {
	sub.id, sub.sent, sub.state = s.id(), now, asked
	sub.behind = false
	if s.fresh {
		sub.placed = false
	}
	s.open++
	s.answerBy = now + s.answerTimeout()
	c := Command{Verb: dialect.Subscribe, ID: sub.id, Channel: sub.channel, Pattern: sub.pattern, Quality: sub.quality, Filter: sub.filter, Watch: sub.watch != nil, Rows: sub.rows}
	e := s.event(history.Subscribe, now)
	e.Channel, e.Sent, e.Publisher = sub.channel, now, int32(sub.filter)
	if sub.rows {
		e.Flags |= history.FlagRows
	}
	// Who has lost a part of the rows has nothing to which what was missed can be added.
	if sub.recover && sub.placed && !sub.baseless {
		c.Recover, c.Epoch, c.Offset = true, sub.epoch, sub.offset
		e.Flags |= history.FlagRecover
		e.Epoch, e.Offset = sub.epoch, sub.offset
	}
	if sub.kept {
		e.Flags |= history.FlagKept
	}
	if sub.forbidden {
		e.Flags |= history.FlagForbidden
	}
	if sub.watch != nil {
		e.Flags |= history.FlagPresence
		sub.watch.begin(s.cfg.Connections)
	}
	out.emit(e)
	out.send(c)
}

// find returns the subscription of a channel. Clients have few; a scan over
// neighbouring memory beats a map up to some dozens.
func (s *Session) find(c history.ChannelID) *subscription {
	for i := range s.subs {
		if s.subs[i].channel == c {
			return &s.subs[i]
		}
	}
	return nil
}

// ChannelOf returns the channel that the subscribe command id asked for on the
// current connection: some protocols don't repeat it in their answers.
func (s *Session) ChannelOf(id uint64) (c history.ChannelID, ok bool) {
	for i := range s.subs {
		if s.subs[i].id == id && s.subs[i].state != idle {
			return s.subs[i].channel, true
		}
	}
	return 0, false
}

func (s *Session) asked(id uint64) *subscription {
	for i := range s.subs {
		if s.subs[i].id == id && s.subs[i].state == asked {
			return &s.subs[i]
		}
	}
	return nil
}

func (s *Session) subscribed(in *Incoming, out *Out) {
	m := in.Message
	sub := s.asked(m.ID)
	if sub == nil {
		return
	}
	if sub.forbidden {
		s.letThrough(sub, in, out)
		return
	}
	if m.Quality < sub.quality {
		s.deny(sub, in.Now, 0, "QoS "+digit(m.Quality)+" was granted, and the promised delivery needs "+digit(sub.quality), out)
		return
	}
	sub.state = active
	sub.held = s.named && s.keeps && !sub.pattern
	s.open--
	e := s.event(history.Subscribed, in.Now)
	e.Channel, e.Due, e.Sent, e.Arrived = sub.channel, sub.sent, sub.sent, in.Arrived
	if m.Positioned && !sub.pattern {
		e.Flags |= history.FlagPositioned
		e.Epoch, e.Offset = in.Epoch, m.Offset
		sub.top = m.Offset
		if m.Recovered {
			if sub.epoch != in.Epoch || !sub.placed {
				sub.offset = m.Offset
			}
			if sub.offset < sub.top {
				sub.behind = true
				s.behind++
			}
		} else {
			sub.offset = m.Offset
		}
		sub.epoch, sub.placed = in.Epoch, true
	}
	sub.baseless = sub.rows && (sub.baseless || !m.Recovered)
	if m.Recovering {
		e.Flags |= history.FlagRecovering
	}
	if m.Recovered {
		e.Flags |= history.FlagRecovered
	}
	out.emit(e)
	if sub.watch != nil && sub.watch.roll != nil {
		s.ask(sub, in.Now, out)
	}
	s.settle(in.Now, out)
}

func (s *Session) delivered(in *Incoming, out *Out) {
	m := in.Message
	e := history.Event{
		Kind: history.Deliver, Client: s.client, Life: s.life, Flags: in.Flags,
		Channel: in.Channel, Offset: m.Offset,
		Publisher: in.Publisher, Incarnation: in.Incarnation, Seq: in.Seq,
		Due: in.Due, Arrived: in.Arrived, Seen: in.Now, Bytes: in.Bytes,
	}
	if m.Replay {
		e.Flags |= history.FlagReplay
	}
	sub := s.find(in.Channel)
	if m.Positioned {
		e.Flags |= history.FlagPositioned
		if len(m.Epoch) > 0 {
			e.Epoch = in.Epoch
		} else if sub != nil {
			e.Epoch = sub.epoch
		}
		if sub != nil && sub.filter > 0 {
			e.Flags |= history.FlagUnordered
		}
		if sub != nil && sub.state == active {
			s.advance(sub, m.Offset)
		}
	}
	if e.Flags&history.FlagFence != 0 {
		s.fenced(in.Channel, sub)
	}
	out.emit(e)
	if in.Altered != "" {
		in.tellAltered(e, out)
	}
	if in.Told != 0 {
		in.tellSum(&e, out)
	}
	if s.cfg.Causal {
		s.noteCause(in, m.Replay, out)
	}
	if s.returned {
		s.resynced(in.Now, out)
	}
}

// given: the channel has kept a message, and the server gives it out because of a
// subscribe. It is no delivery, whatever else comes: no position follows from it, and
// no session counts it.
func (s *Session) given(in *Incoming, out *Out) {
	e := history.Event{
		Kind: history.Retained, Client: s.client, Life: s.life, Flags: in.Flags, Channel: in.Channel,
		Publisher: in.Publisher, Incarnation: in.Incarnation, Seq: in.Seq,
		Due: in.Due, Arrived: in.Arrived, Seen: in.Now, Bytes: in.Bytes,
	}
	out.emit(e)
	if in.Altered != "" {
		in.tellAltered(e, out)
	}
}

// tellSum tells which sum the message that e tells of holds.
func (in *Incoming) tellSum(e *history.Event, out *Out) {
	x := history.Event{
		Kind: history.Told, Client: e.Client, Life: e.Life, Channel: e.Channel, Seen: e.Seen, Arrived: e.Arrived,
		Code: in.Told, Epoch: in.Key, Offset: uint64(in.Amount), Result: history.OK,
	}
	if in.Unread != "" {
		x.Result, x.Note = history.Failed, in.Unread
	}
	out.emit(x)
}

// tellAltered tells what is wrong with the payload of the message that e tells of.
func (in *Incoming) tellAltered(e history.Event, out *Out) {
	e.Kind, e.Note, e.Result = history.Altered, in.Altered, history.Failed
	if in.Raw {
		e.Result = history.OK
	}
	out.emit(e)
}

func (s *Session) advance(sub *subscription, offset uint64) {
	if offset > sub.offset {
		sub.offset = offset
	}
	if sub.behind && sub.offset >= sub.top {
		sub.behind = false
		s.behind--
	}
}

// passed: nothing is owed any more up to a position, though what was delivered
// ends before it.
func (s *Session) passed(in *Incoming, out *Out) {
	sub := s.find(in.Channel)
	if sub == nil || sub.state != active || !sub.placed || len(in.Message.Epoch) > 0 && in.Epoch != sub.epoch {
		return
	}
	e := s.event(history.Passed, in.Now)
	e.Channel, e.Offset, e.Epoch, e.Flags = in.Channel, in.Message.Offset, sub.epoch, history.FlagPositioned
	s.advance(sub, in.Message.Offset)
	out.emit(e)
	s.resynced(in.Now, out)
}

func (s *Session) gapped(in *Incoming, out *Out) {
	e := s.event(history.Gap, in.Now)
	e.Channel, e.Offset, e.Epoch, e.Flags = in.Channel, in.Message.Offset, in.Epoch, history.FlagPositioned
	sub := s.find(in.Channel)
	if sub == nil { // of a channel that a pattern brings
		out.emit(e)
		return
	}
	if len(in.Message.Epoch) == 0 {
		e.Epoch = sub.epoch
	}
	if e.Epoch != sub.epoch {
		sub.epoch, sub.offset = e.Epoch, in.Message.Offset
	}
	s.advance(sub, in.Message.Offset)
	if sub.behind && sub.epoch != e.Epoch {
		sub.behind = false
		s.behind--
	}
	out.emit(e)
	s.resynced(in.Now, out)
}

// unsubscribed: the server took a subscription away; it is asked for again from
// the position, as the official clients do.
func (s *Session) unsubscribed(in *Incoming, out *Out) {
	if in.Message.ID != 0 {
		s.released(in, out)
		return
	}
	sub := s.find(in.Channel)
	if sub == nil || sub.state != active {
		return
	}
	e := s.event(history.Unsubscribed, in.Now)
	e.Channel, e.Flags, e.Code, e.Note = in.Channel, history.FlagServer, int32(in.Message.Code), string(in.Message.Reason)
	out.emit(e)
	if sub.behind {
		sub.behind = false
		s.behind--
	}
	s.state = Subscribing
	s.subscribe(sub, in.Now, out)
}

// Fences returns how many fences the subscription of a channel has seen, and
// whether the client has such a subscription, answered.
func (s *Session) Fences(c history.ChannelID) (n int, ok bool) {
	sub := s.find(c)
	if sub == nil || sub.state != active {
		return 0, false
	}
	return int(sub.fences), true
}

// Asked returns the first channel for which the client has asked on its present
// connection, and got it. What a session brought along it may ask for anew.
func (s *Session) Asked() (c history.ChannelID, ok bool) {
	for i := range s.subs {
		if sub := &s.subs[i]; sub.state == active && !sub.pattern && sub.id != 0 {
			return sub.channel, true
		}
	}
	return 0, false
}

// Subscriptions calls f for every answered subscription that lets fences through.
func (s *Session) Subscriptions(f func(c history.ChannelID, fences int)) {
	for i := range s.subs {
		if s.subs[i].state == active && !s.subs[i].pattern && s.subs[i].filter == 0 {
			f(s.subs[i].channel, int(s.subs[i].fences))
		}
	}
}
