package gateway

import (
	"time"
)

// The code of this file is wrong on purpose.

// cursor names what lost-in-socket remembers: a user on a channel.
type cursor struct{ user, channel string }

// late is how long subscribe-history-gap dawdles.
const late = 30 * time.Millisecond

// moderate is the backlog from which slow-consumer-silent-drop drops.
const moderate = 32 << 10

// patience is how long an event is held back to be swapped, at most.
const patience = 300 * time.Millisecond

// subscribeLate is subscribe-history-gap: first the history, then, later, the
// registration, and nothing buffered in between.
func (c *conn) subscribeLate(m *command, sub *subscription) {
	h := c.gateway.hub
	sub.stream = h.stream(string(m.channel))
	missed, complete := sub.readHistory(m)
	sub.stream.mu.Lock()
	top := sub.stream.top
	sub.stream.mu.Unlock()
	time.Sleep(late)
	sub.register(h, string(m.channel))
	sub.from = top
	sub.goLive(m, missed, complete)
}

// subscribeNever is confirmed-not-subscribed.
func (c *conn) subscribeNever(m *command, sub *subscription) {
	sub.register(c.gateway.hub, string(m.channel))
	missed, complete := sub.readHistory(m)
	sub.goLive(m, missed, complete)
	sub.stream.remove(sub)
}

// resume may change what a client resumes from. Under the stream's lock.
func (w *wrong) resume(sub *subscription, m *command) {
	s := sub.stream
	w.believePosition(s, m)
	if s.size == 0 || string(m.epoch) != s.top.epoch {
		return
	}
	if w.lostInSocket.fires() {
		w.mu.Lock()
		if at := w.written[cursor{sub.conn.user, s.name}]; at.epoch == s.top.epoch {
			m.offset = max(m.offset, at.offset)
		}
		w.mu.Unlock()
	}
	w.behindDrain(sub, m)
	w.switched(sub, m)
	w.rewind(m)
	if w.staleEpochAccepted.fires() {
		s.lose(sub.conn.gateway.word(8))
		m.epoch, m.offset = []byte(s.top.epoch), s.top.offset
	}
}

// swallows sees every frame that is about to be queued, and drops some. Under
// the queue's lock.
func (w *wrong) swallows(q *queue, it item) bool {
	if it.sub == nil {
		return false
	}
	if w.lostInSocket != nil {
		w.mu.Lock()
		if w.written == nil {
			w.written = make(map[cursor]position)
		}
		if user := it.sub.conn.user; user != "" {
			w.written[cursor{user, it.sub.stream.name}] = it.at
		}
		w.mu.Unlock()
	}
	return q.doomed && w.drops(it) || w.slowConsumerSilentDrop != nil && q.bytes > moderate && w.slowConsumerSilentDrop.fires()
}

// socketBuffer is the size of a socket's send buffer: small where the backlog
// shall be felt early.
func (w *wrong) socketBuffer(bytes int) int {
	if w.slowConsumerSilentDrop != nil {
		return 8 << 10
	}
	return bytes
}

// awaitLive gives live-before-replay something live to send too early.
func (w *wrong) awaitLive(sub *subscription, missed []event) {
	if w.liveBeforeReplay == nil || len(missed) == 0 {
		return
	}
	for range 20 {
		sub.stream.mu.Lock()
		n := len(sub.buffer)
		sub.stream.mu.Unlock()
		if n > 0 {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// merge changes what a resuming client gets, and in which order.
func (w *wrong) merge(missed, live []event) (first, replay, rest []event) {
	if len(missed) > 1 && w.recoveredFlagLie.fires() {
		lost := (len(missed) + 1) / 2
		missed = append(missed[:lost:lost], missed[lost+1:]...)
	}
	if len(missed) > 0 && w.replayLiveOverlap.fires() {
		live = append(missed[max(len(missed)-2, 0):len(missed):len(missed)], live...)
	}
	if len(missed) > 0 && len(live) > 0 && w.liveBeforeReplay.fires() {
		return live[:1], missed, live[1:]
	}
	return nil, missed, live
}

// held is an event that some subscribers have not been sent yet.
type held struct {
	event   event
	victims []*subscription
	same    bool // waits for an event of the same publisher; otherwise of another
	tries   int
}

// fanOut sends an event to everybody itself, if it holds one back to be
// swapped. Under the stream's lock.
func (w *wrong) fanOut(s *stream, e event) bool {
	if w.forgets(s, e) {
		return true
	}
	if w.causalInversion != nil {
		return w.lagBehind(s, e)
	}
	if w.largeOvertaken != nil {
		return w.overtakes(s, e)
	}
	if w.fifoViolation == nil && w.orderDivergence == nil {
		return false
	}
	h := s.held
	s.held = nil
	if h == nil {
		if h = w.hold(s); h == nil {
			return false
		}
		h.keep(s, e)
		return true
	}
	h.others(s, e)
	switch swapped := (h.event.from == e.from) == h.same; {
	case swapped:
		h.give(e)
		h.give(h.event)
	case h.tries > 0:
		h.give(h.event)
		h.tries--
		h.wait(s, e)
	default:
		h.give(h.event)
		h.give(e)
	}
	return true
}

// hold chooses who shall see a swap, if any is due.
func (w *wrong) hold(s *stream) *held {
	n := len(s.subs)
	switch {
	case n > 0 && w.fifoViolation.fires():
		return &held{victims: []*subscription{s.subs[int(s.top.offset)%n]}, same: true, tries: 8}
	case n > 1 && w.orderDivergence.fires():
		h := &held{tries: 8}
		for i := 1; i < n; i += 2 {
			h.victims = append(h.victims, s.subs[i])
		}
		return h
	}
	return nil
}

// keep sends e to all but the victims.
func (h *held) keep(s *stream, e event) {
	h.others(s, e)
	h.wait(s, e)
}

// wait holds e back, not for ever.
func (h *held) wait(s *stream, e event) {
	h.event = e
	s.held = h
	tries := h.tries
	time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held == h && h.tries == tries {
			s.held = nil
			h.give(h.event)
		}
	})
}

func (h *held) give(e event) {
	for _, sub := range h.victims {
		if sub.index >= 0 {
			sub.deliver(e)
		}
	}
}

func (h *held) others(s *stream, e event) {
	for _, sub := range s.subs {
		if !h.has(sub) {
			sub.deliver(e)
		}
	}
}

func (h *held) has(sub *subscription) bool {
	for _, v := range h.victims {
		if v == sub {
			return true
		}
	}
	return false
}
