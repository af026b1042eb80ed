package assert

import (
	"fmt"
	"math/rand/v2"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// A world is a small model of clients, publishers and a server, with queues
// between them. Run without a defect it writes a history that a correct server
// could have produced, however unlucky; with a defect it writes one that only
// a broken server could have. It shares nothing with the rules but the events.
type world struct {
	r       *rand.Rand
	now     time.Duration
	events  []history.Event
	names   *history.Names
	chans   []*modelChannel
	clients []*modelClient
	size    int // of each channel's history
	epochs  int
	replayBeforeAnswer,
	gapNotices, restarts bool
	defect string
	hits   int // how often the defect did something observable
	plain  bool

	strangers bool // others publish too, and the server does not send everything of theirs to everybody
}

type modelMessage struct {
	publisher   int32
	incarnation uint32
	seq         uint64
	fence       bool
	foreign     bool // somebody else's
	due         time.Duration
}

type modelChannel struct {
	id    history.ChannelID
	epoch history.EpochID
	log   []modelMessage // offset o is log[o−1]
}

type modelClient struct {
	id        history.ClientID
	life      int32
	open      bool
	gone      bool // never comes back
	slow      bool
	lostAt    time.Duration
	subs      []*modelSub
	queue     []modelFrame // server → client
	requests  []modelRequest
	publishes bool
	inc       uint32
	seqs      map[history.ChannelID]uint64
	flying    []*modelMessageOut
	lastInc   map[history.ChannelID]uint32
	wasReady  bool
	awaiting  bool
}

type modelSub struct {
	ch       *modelChannel
	position uint64
	epoch    history.EpochID
	known    bool // has a position
	recover  bool
	hub      bool // the server pushes to it
	answered bool
	wanted   bool
	target   uint64
	written  uint64 // the server's written cursor
	liveSeen int
	skip     int // defect: registers so many publications late
	askedAt  time.Duration
}

type modelFrame struct {
	e       history.Event
	sub     *modelSub
	ack     *modelMessageOut
	swapped bool
}

type modelRequest struct {
	sub     *modelSub
	recover bool
	from    uint64
	epoch   history.EpochID
	out     *modelMessageOut
}

type modelMessageOut struct {
	m    modelMessage
	ch   *modelChannel
	sent time.Duration
	life int32
	c    *modelClient
}

type shape struct {
	clients, publishers, channels, steps, size int
	restarts, gapNotices, replayFirst          bool
	defect                                     string
	plain, strangers                           bool
}

func newWorld(seed uint64, s shape) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), size: s.size, replayBeforeAnswer: s.replayFirst, gapNotices: s.gapNotices, restarts: s.restarts, defect: s.defect, plain: s.plain, strangers: s.strangers}
	var known []string
	for i := range s.channels {
		known = append(known, fmt.Sprintf("room.%d", i))
	}
	w.names = history.NewNames(known)
	for i := range s.channels {
		c := &modelChannel{id: history.ChannelID(i)}
		w.renew(c)
		w.chans = append(w.chans, c)
	}
	for i := range s.clients + s.publishers {
		c := &modelClient{id: history.ClientID(i), seqs: make(map[history.ChannelID]uint64), lastInc: make(map[history.ChannelID]uint32)}
		if i < s.clients {
			for k, ch := range w.chans {
				if k == i%len(w.chans) || w.n(3) == 0 {
					c.subs = append(c.subs, &modelSub{ch: ch, recover: !s.plain && w.n(6) > 0, wanted: true})
				}
			}
		} else {
			c.publishes = true
		}
		w.clients = append(w.clients, c)
	}
	return w
}

func (w *world) n(k int) int { return w.r.IntN(k) }

func (w *world) tick() { w.now += time.Duration(1+w.n(20)) * time.Millisecond }

func (w *world) emit(e history.Event) {
	if e.Seen == 0 {
		e.Seen = w.now
	}
	if e.Arrived == 0 {
		e.Arrived = e.Seen
	}
	w.events = append(w.events, e)
}

func (w *world) phase(name string) {
	w.tick()
	w.emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: name})
}

// renew gives a channel a new epoch and an empty log.
func (w *world) renew(c *modelChannel) {
	w.epochs++
	c.epoch = history.EpochID(w.names.ID(fmt.Sprintf("e%d", w.epochs)))
	c.log = nil
}

func (w *world) brief() *Brief {
	subs, pubs := 0, 0
	for _, c := range w.clients {
		if c.publishes {
			pubs++
		} else {
			subs++
		}
	}
	b := &Brief{
		Groups:   []BriefGroup{{Name: "voters", First: 0, Count: subs, Subs: subs * len(w.chans)}, {Name: "tellers", First: subs, Count: pubs}},
		Promises: scenario.Promises{Delivery: "exactly-once", Order: "per-channel", Recovery: true, History: scenario.History{Size: w.size, TTL: time.Hour}},
		Offsets:  true, Ack: true,
		Expect: []scenario.Expectation{
			{Rule: "delivery", Name: "delivery", Want: "exactly-once", Waived: scenario.Limit{Op: ">=", A: 0}},
			{Rule: "order", Name: "order", Want: "per-channel"},
			{Rule: "recovery", Name: "recovery", Want: "honest"},
			{Rule: "errors", Name: "errors", Errors: scenario.Limit{Op: "<=", A: 0}},
			{Rule: "reconnect", Name: "reconnect"},
		},
	}
	if w.plain {
		b.Offsets, b.Promises.Recovery, b.Promises.History = false, false, scenario.History{}
	}
	if w.strangers {
		b.Promises.Foreign = &w.strangers
	}
	for i := range pubs {
		b.Publishers = append(b.Publishers, BriefPublisher{Client: subs + i, Name: "votes"})
	}
	return b
}

// connect opens the next life of a client and asks for its subscriptions.
func (w *world) connect(c *modelClient) {
	w.tick()
	c.life++
	c.open = true
	due := w.now
	w.emit(history.Event{Kind: history.Dial, Client: c.id, Life: c.life, Channel: -1, Due: due, Sent: w.now})
	w.emit(history.Event{Kind: history.Open, Client: c.id, Life: c.life, Channel: -1, Due: due})
	w.emit(history.Event{Kind: history.Connected, Client: c.id, Life: c.life, Channel: -1, Due: due})
	for _, s := range c.subs {
		s.answered, s.hub = false, false
		if s.wanted {
			w.ask(c, s, false)
		}
	}
	c.awaiting = c.wasReady
}

func (w *world) ask(c *modelClient, s *modelSub, fresh bool) {
	w.tick()
	q := modelRequest{sub: s}
	e := history.Event{Kind: history.Subscribe, Client: c.id, Life: c.life, Channel: s.ch.id, Sent: w.now}
	if s.recover && s.known && !fresh {
		q.recover, q.from, q.epoch = true, s.position, s.epoch
		e.Flags, e.Offset, e.Epoch = history.FlagRecover, s.position, s.epoch
	}
	s.answered, s.askedAt, s.liveSeen, s.skip = false, w.now, 0, 0
	w.emit(e)
	c.requests = append(c.requests, q)
}

// lose ends a connection; what is in its queues is gone.
func (w *world) lose(c *modelClient, who history.Who) {
	if !c.open {
		return
	}
	w.settleInversion(c)
	w.tick()
	if who == history.Fault {
		w.emit(history.Event{Kind: history.FaultBegin, Client: c.id, Life: c.life, Channel: -1, Note: "disconnect reset"})
	}
	w.emit(history.Event{Kind: history.Closed, Client: c.id, Life: c.life, Channel: -1, Who: who})
	c.open, c.slow, c.queue, c.lostAt = false, false, nil, w.now
	for _, s := range c.subs {
		s.hub, s.answered = false, false
	}
	requests := c.requests
	c.requests = nil
	for _, q := range requests { // what is on the way may still be read by the server
		if q.out != nil && w.n(2) == 0 {
			w.publishAt(q.out, false)
		}
	}
	if len(c.flying) > 0 {
		for _, o := range c.flying {
			w.emit(history.Event{Kind: history.Outcome, Result: history.Unknown, Client: c.id, Life: o.life, Channel: o.ch.id,
				Publisher: o.m.publisher, Incarnation: o.m.incarnation, Seq: o.m.seq, Due: o.m.due, Sent: o.sent})
		}
		c.flying = nil
		c.inc++
		c.seqs = make(map[history.ChannelID]uint64)
	}
}

// settleInversion lets a client read what is on its way: a connection that dies
// in the midst of an inversion loses messages as well, which is another name.
func (w *world) settleInversion(c *modelClient) {
	switch w.defect {
	case "fifo-violation", "order-divergence", "live-before-replay":
		for c.open && len(c.queue) > 0 {
			w.receive(c)
		}
	}
}

// publish writes one message.
func (w *world) publish(c *modelClient, ch *modelChannel) {
	w.tick()
	c.seqs[ch.id]++
	c.lastInc[ch.id] = c.inc
	m := modelMessage{publisher: w.publisherOf(c), incarnation: c.inc, seq: c.seqs[ch.id], due: w.now}
	w.write(c, ch, m)
}

func (w *world) publisherOf(c *modelClient) int32 {
	n := int32(0)
	for _, o := range w.clients {
		if o == c {
			return n
		}
		if o.publishes {
			n++
		}
	}
	return -1
}

func (w *world) write(c *modelClient, ch *modelChannel, m modelMessage) {
	out := &modelMessageOut{m: m, ch: ch, sent: w.now, life: c.life, c: c}
	w.emit(w.about(history.Publish, c.id, out))
	c.flying = append(c.flying, out)
	c.requests = append(c.requests, modelRequest{out: out})
}

func (w *world) about(k history.Kind, id history.ClientID, o *modelMessageOut) history.Event {
	e := history.Event{Kind: k, Client: id, Life: o.life, Channel: o.ch.id, Publisher: o.m.publisher, Incarnation: o.m.incarnation, Seq: o.m.seq, Due: o.m.due, Sent: o.sent}
	if o.m.fence {
		e.Flags = history.FlagFence
	}
	return e
}

// deliverEvent is message m at offset o on its way to a client.
func (w *world) deliverEvent(c *modelClient, s *modelSub, m modelMessage, o uint64, replay bool) history.Event {
	e := history.Event{Kind: history.Deliver, Client: c.id, Life: c.life, Channel: s.ch.id, Epoch: s.ch.epoch, Offset: o,
		Publisher: m.publisher, Incarnation: m.incarnation, Seq: m.seq, Due: m.due, Flags: history.FlagStamped | history.FlagPositioned, Bytes: 80}
	if replay {
		e.Flags |= history.FlagReplay
	}
	if m.fence {
		e.Flags |= history.FlagFence
	}
	if m.foreign {
		e.Flags &^= history.FlagStamped
		e.Publisher, e.Incarnation, e.Seq, e.Due = -1, 0, 0, 0
	}
	if w.plain {
		e.Flags &^= history.FlagPositioned
		e.Epoch, e.Offset = 0, 0
	}
	return e
}

// stranger lets somebody else publish.
func (w *world) stranger(ch *modelChannel) {
	w.tick()
	ch.log = append(ch.log, modelMessage{publisher: -1, foreign: true})
	w.fanOut(ch)
}

// publishAt is the server taking a message: log, fan-out, answer.
func (w *world) publishAt(o *modelMessageOut, answer bool) {
	ch := o.ch
	if w.defect == "ack-then-drop" && answer && !o.m.fence && w.n(6) == 0 && w.coveredNow(ch, o) {
		w.hits++
	} else if w.defect == "ack-then-drop-offset" && answer && !o.m.fence && w.n(6) == 0 && w.coveredNow(ch, o) && w.liveEverywhere(ch) {
		w.hits++
		ch.log = append(ch.log, modelMessage{})
	} else {
		ch.log = append(ch.log, o.m)
		if w.defect == "retry-double-publish" && !o.m.fence && w.n(5) == 0 && w.coveredNow(ch, o) {
			w.fanOut(ch)
			ch.log = append(ch.log, o.m)
			w.hits++
		}
		if w.defect == "fifo-log" && !o.m.fence && len(ch.log) > 1 && answer {
			b := ch.log[len(ch.log)-2]
			if b.publisher == o.m.publisher && b.incarnation == o.m.incarnation && !b.fence && b.seq+1 == o.m.seq && w.nobodyHas(ch) {
				k := len(ch.log)
				ch.log[k-1], ch.log[k-2] = ch.log[k-2], ch.log[k-1]
				w.hits++
			}
		}
		w.fanOut(ch)
	}
	if answer {
		o.c.queue = append(o.c.queue, modelFrame{ack: o})
	}
}

// nobodyHas reports that no subscriber is there, so that the log is all there is.
func (w *world) nobodyHas(ch *modelChannel) bool {
	for _, c := range w.clients {
		for _, s := range c.subs {
			if s.ch == ch && (s.hub || s.position >= uint64(len(ch.log)-1) && s.epoch == ch.epoch) {
				return false
			}
		}
	}
	return true
}

// coveredNow reports whether some connected subscriber saw its answer before
// the message was sent. Whether its chain holds to the end is not known yet, so
// worlds with these defects lose nobody.
func (w *world) coveredNow(ch *modelChannel, o *modelMessageOut) bool {
	for _, c := range w.clients {
		for _, s := range c.subs {
			if s.ch == ch && s.hub && s.answered && c.open && s.askedAt < o.sent && s.liveSeen > 0 {
				return true
			}
		}
	}
	return false
}

func (w *world) liveEverywhere(ch *modelChannel) bool {
	for _, c := range w.clients {
		for _, s := range c.subs {
			if s.ch == ch && !(s.hub && s.answered && s.liveSeen > 0) {
				return false
			}
		}
	}
	return true
}

// fanOut pushes the newest message of a channel to its subscribers.
func (w *world) fanOut(ch *modelChannel) {
	o := uint64(len(ch.log))
	m := ch.log[o-1]
	for _, c := range w.clients {
		for _, s := range c.subs {
			if s.ch != ch || !s.hub {
				continue
			}
			if s.skip > 0 && !m.fence {
				s.skip--
				w.hits++
				continue
			}
			s.written = o
			if m.foreign && w.n(4) == 0 {
				continue // filtered, or not for everybody
			}
			w.push(c, s, m, o)
		}
	}
}

// push queues one live delivery, with whatever the defect makes of it.
func (w *world) push(c *modelClient, s *modelSub, m modelMessage, o uint64) {
	f := modelFrame{e: w.deliverEvent(c, s, m, o, false), sub: s}
	switch {
	case m.fence || s.liveSeen == 0 || !s.answered:
	case w.defect == "lost-message" && !c.slow && w.n(8) == 0:
		w.hits++
		return
	case w.defect == "slow-consumer-silent-drop" && c.slow && w.n(2) == 0:
		w.hits++
		return
	case w.defect == "duplicate-delivery" && w.n(8) == 0:
		w.hits++
		c.queue = append(c.queue, f)
	case w.defect == "phantom-message" && w.n(8) == 0:
		w.hits++
		if w.n(2) == 0 || w.plain {
			f.e.Flags |= history.FlagCorrupt
			f.e.Flags &^= history.FlagStamped
		} else {
			f.e.Flags |= history.FlagCorrupt
		}
	case (w.defect == "fifo-violation" || w.defect == "order-divergence") && len(c.queue) > 0 && w.n(2) == 0:
		k := len(c.queue) - 1
		last := &c.queue[k]
		same := last.e.Kind == history.Deliver && last.e.Publisher == m.publisher && last.e.Incarnation == m.incarnation
		if last.sub == s && !last.swapped && last.e.Kind == history.Deliver && last.e.Flags&(history.FlagReplay|history.FlagFence) == 0 &&
			(w.plain || last.e.Offset+1 == o) && same == (w.defect == "fifo-violation") && (!same || last.e.Seq < m.seq) {
			w.hits++
			before := *last
			*last = f
			f = before
			last.swapped, f.swapped = true, true
			if w.n(2) == 0 && w.others(s) > 0 { // the offsets are dealt out on the way out
				last.e.Offset, f.e.Offset = f.e.Offset, last.e.Offset
			}
		}
	case w.defect == "offset-divergence" && w.n(8) == 0 && w.others(s) > 0:
		w.hits++
		f.e.Seq += 1 << 20 // a message of its own, see brief
	}
	c.queue = append(c.queue, f)
}

func (w *world) others(s *modelSub) (n int) {
	for _, c := range w.clients {
		for _, o := range c.subs {
			if o != s && o.ch == s.ch && o.hub {
				n++
			}
		}
	}
	return n
}

// serve is the server reading the next request of a client.
func (w *world) serve(c *modelClient) {
	if len(c.requests) == 0 {
		return
	}
	w.tick()
	q := c.requests[0]
	c.requests = c.requests[1:]
	if q.out != nil {
		w.publishAt(q.out, true)
		return
	}
	s, ch := q.sub, q.sub.ch
	top := uint64(len(ch.log))
	a := history.Event{Kind: history.Subscribed, Client: c.id, Life: c.life, Channel: ch.id, Epoch: ch.epoch, Offset: top, Due: s.askedAt, Flags: history.FlagPositioned}
	if w.plain {
		a.Epoch, a.Offset, a.Flags = 0, 0, 0
	}
	var replay []modelFrame
	s.hub = true
	if q.recover {
		a.Flags |= history.FlagRecovering
		lowest := uint64(1)
		if len(ch.log) > w.size {
			lowest = uint64(len(ch.log)-w.size) + 1
		}
		granted := q.epoch == ch.epoch && q.from+1 >= lowest
		from := q.from
		if w.defect == "stale-epoch-accepted" && q.epoch != ch.epoch {
			granted = true
			w.hits++
			from = min(from, top)
		}
		if w.defect == "silent-history-truncation" && q.epoch == ch.epoch && !granted {
			granted, from = true, lowest-1
			w.hits++
		}
		if w.defect == "false-unrecovered" && granted && w.n(2) == 0 && int(top-q.from)+w.flying() < w.size {
			granted = false
			w.hits++
		}
		if w.defect == "lost-in-socket" && granted && s.written > from && s.written <= top {
			from = s.written
			w.hits++
		}
		if w.defect == "double-replay" && granted && from > 1 && q.from == from && w.had(s, from) {
			from--
			w.hits++
		}
		if granted {
			a.Flags |= history.FlagRecovered
			for o := from + 1; o <= top; o++ {
				if ch.log[o-1].foreign && w.n(4) == 0 {
					continue
				}
				replay = append(replay, modelFrame{e: w.deliverEvent(c, s, ch.log[o-1], o, true), sub: s})
			}
			switch {
			case w.defect == "recovered-flag-lie" && len(replay) > 1:
				replay = append(replay[:1], replay[2:]...)
				w.hits++
			case w.defect == "live-before-replay" && len(replay) > 1:
				k := len(replay) - 1
				last := replay[k]
				last.e.Flags &^= history.FlagReplay
				replay = append([]modelFrame{last}, replay[:k]...)
				w.hits++
			case w.defect == "offset-regress" && q.epoch == ch.epoch && q.from > 0 && top == q.from:
				a.Offset = q.from - 1
				w.hits++
			}
		}
	}
	if w.defect == "confirmed-not-subscribed" && w.n(3) == 0 {
		s.hub, replay = false, nil
		w.hits++
	}
	if w.defect == "subscribe-history-gap" && w.n(2) == 0 {
		s.skip = 1
	}
	s.written = top
	answer := modelFrame{e: a, sub: s}
	if w.replayBeforeAnswer {
		c.queue = append(append(c.queue, replay...), answer)
	} else {
		c.queue = append(append(c.queue, answer), replay...)
	}
	if w.defect == "replay-live-overlap" && len(replay) > 0 {
		last := replay[len(replay)-1]
		last.e.Flags &^= history.FlagReplay
		c.queue = append(c.queue, last)
		w.hits++
	}
}

// had reports whether the client really received offset o before.
func (w *world) had(s *modelSub, o uint64) bool {
	for _, e := range w.events {
		if e.Kind == history.Deliver && e.Channel == s.ch.id && e.Epoch == s.ch.epoch && e.Offset == o && w.clients[e.Client].subsHold(s) {
			return true
		}
	}
	return false
}

func (c *modelClient) subsHold(s *modelSub) bool {
	for _, x := range c.subs {
		if x == s {
			return true
		}
	}
	return false
}

func (w *world) flying() (n int) {
	for _, c := range w.clients {
		n += len(c.flying) + int(c.inc)*8
	}
	return n
}

// receive is a client reading the next frame.
func (w *world) receive(c *modelClient) {
	if len(c.queue) == 0 || !c.open {
		return
	}
	w.tick()
	f := c.queue[0]
	c.queue = c.queue[1:]
	if f.ack != nil {
		o := f.ack
		e := w.about(history.Outcome, c.id, o)
		e.Result = history.OK
		w.emit(e)
		for i, x := range c.flying {
			if x == o {
				c.flying = append(c.flying[:i], c.flying[i+1:]...)
				break
			}
		}
		return
	}
	s := f.sub
	if !s.wanted {
		return
	}
	f.e.Seen, f.e.Arrived = w.now, w.now
	switch f.e.Kind {
	case history.Deliver:
		if f.e.Flags&history.FlagReplay == 0 {
			s.liveSeen++
		}
		s.position, s.known = max(s.position, f.e.Offset), true
	case history.Subscribed:
		s.answered = true
		if f.e.Flags&history.FlagPositioned != 0 {
			s.target = f.e.Offset
			if f.e.Flags&history.FlagRecovered == 0 || s.epoch != f.e.Epoch {
				s.position = f.e.Offset
			}
			s.epoch, s.known = f.e.Epoch, true
		}
	case history.Gap:
		s.position = max(s.position, f.e.Offset)
	}
	w.events = append(w.events, f.e)
	if f.e.Kind == history.Subscribed {
		ready := true
		for _, x := range c.subs {
			ready = ready && (x.answered || !x.wanted)
		}
		if ready {
			w.emit(history.Event{Kind: history.Ready, Client: c.id, Life: c.life, Channel: -1, Due: c.lostAt})
			if c.awaiting {
				w.emit(history.Event{Kind: history.Resynced, Client: c.id, Life: c.life, Channel: -1, Due: c.lostAt})
			}
			c.wasReady, c.awaiting = true, false
		}
	}
}

// announce drops the oldest queued delivery of a slow client, honestly.
func (w *world) announce(c *modelClient) {
	for i := range c.queue {
		f := &c.queue[i]
		if f.ack != nil || f.e.Kind != history.Deliver || f.e.Flags&history.FlagReplay != 0 || f.e.Flags&history.FlagFence != 0 || !f.sub.answered {
			continue
		}
		f.e.Kind, f.e.Flags = history.Gap, history.FlagPositioned
		return
	}
}
