package gateway

import "time"

// subscribe answers a subscribe command. It registers first, so that live
// events are buffered while the history is read; then the answer, the history
// and the buffer are joined without a gap and without an overlap.
func (c *conn) subscribe(m *command) *refusal {
	name := string(m.channel)
	f, wrong := c.gateway.filterOf(m)
	unable := c.gateway.snapshotable(m)
	switch {
	case wrong != nil:
		return wrong
	case m.pattern != nil:
		return c.subscribePattern(m, f)
	case name == "":
		return refuse(400, "bad-request", "subscribe needs a channel or a pattern")
	case !c.gateway.wrong.permits(c, name):
		return c.gateway.wrong.forbid(c, m, name)
	case unable != nil:
		return unable
	case c.subs[name] != nil && c.subs[name].restored: // begun anew
		c.subs[name].stream.remove(c.subs[name])
	case c.subs[name] != nil && c.gateway.wrong.obeysTwice(c, m):
		return nil
	case c.subs[name] != nil:
		return refuse(409, "already-subscribed", "already subscribed to "+name)
	}
	sub := &subscription{conn: c, index: -1, exact: true, asks: m.snapshot, filter: c.gateway.wrong.stale(c, name, f)}
	if c.keeps() {
		sub.session = c.session
	}
	w := c.gateway.wrong
	c.ghosts.layOne(name)
	switch {
	case w.livelock(c, m):
		return nil
	case w.subscribeHistoryGap.fires():
		c.subscribeLate(m, sub)
	case w.note(c, name, false):
		c.subscribeUndone(m, sub)
	case w.confirmedNotSubscribed.fires():
		c.subscribeNever(m, sub)
	default:
		sub.register(c.gateway.hub, name)
		missed, complete := sub.readHistory(m)
		sub.goLive(m, missed, complete)
	}
	if c.subs == nil {
		c.subs = make(map[string]*subscription)
	}
	c.subs[name] = sub
	return nil
}

// register enters the subscription into its channel's stream, buffering.
func (sub *subscription) register(h *hub, name string) {
	for {
		s := h.stream(name)
		s.mu.Lock()
		if !s.gone {
			sub.stream, sub.buffering, sub.from = s, true, s.top
			sub.find()
			if !s.replace(sub) {
				s.add(sub)
			}
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// find notes what there is to be sent behind the answer, as of now. Under the stream's
// lock.
func (sub *subscription) find() {
	s := sub.stream
	sub.found = nil
	if s.kept == nil && !sub.asks {
		return
	}
	sub.found = &found{kept: s.kept}
	if sub.asks && s.table != nil {
		sub.found.rows = sub.conn.gateway.wrong.rows(s)
	}
}

// readHistory reads what a recovering client has missed up to now. It may also
// find what is in the buffer already.
func (sub *subscription) readHistory(m *command) (missed []event, complete bool) {
	if !m.recover {
		return nil, false
	}
	s := sub.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.conn.gateway.wrong.resume(sub, m)
	if s.size == 0 || string(m.epoch) != s.top.epoch {
		return nil, false
	}
	missed, complete = s.since(m.offset)
	missed, complete = sub.conn.gateway.wrong.sinceWrong(s, m.offset, missed, complete)
	missed = sub.conn.gateway.wrong.gathered(s, missed)
	return sub.conn.gateway.wrong.cut(sub, missed), complete
}

// goLive sends the answer with the position of the registration, the missed
// events up to it, then the buffer, which begins right after it.
func (sub *subscription) goLive(m *command, missed []event, complete bool) {
	s := sub.stream
	sub.conn.gateway.wrong.awaitLive(sub, missed)
	s.mu.Lock()
	defer s.mu.Unlock()
	complete = complete && string(m.epoch) == s.top.epoch // lost while it was read
	if !complete {
		missed = nil
	}
	top := sub.from
	sub.conn.send(item{frame: saySubscribed(m.id, s.name, sub.conn.gateway.wrong.answered(m, top, complete), m.recover, complete)})
	if !complete { // who has it all has the rows
		sub.sendRows()
	}
	if sub.found != nil {
		sub.conn.give(s, sub.found.kept, sub.filter)
		sub.found = nil
	}
	for n := len(missed); n > 0 && missed[n-1].offset > top.offset; n-- {
		missed = missed[:n-1] // in the buffer, too
	}
	first, replay, rest := sub.conn.gateway.wrong.merge(missed, sub.buffer)
	sub.buffer, sub.buffering = nil, false
	for _, e := range first {
		sub.deliver(e)
	}
	for _, e := range replay {
		sub.replay(e)
	}
	if len(replay) > 0 {
		sub.tellPosition(top.offset)
	}
	for _, e := range rest {
		sub.deliver(e)
	}
	if m.presence {
		sub.watch()
	}
}

// replay sends one event of the history. Under the stream's lock.
func (sub *subscription) replay(e event) {
	if !sub.wants(&e) && !sub.conn.gateway.wrong.unfilteredReplay.fires() {
		sub.kept++
		return
	}
	sub.kept = 0
	sub.conn.gateway.wrong.recounts(sub, &e)
	data := sub.conn.gateway.wrong.replayed(&e)
	sub.send(item{replay: data, level: e.level, sub: sub, at: position{sub.stream.top.epoch, e.offset}}, data)
}

// unsubscribe answers an unsubscribe command.
func (c *conn) unsubscribe(m *command) *refusal {
	if m.pattern != nil {
		return c.unsubscribePattern(m)
	}
	name := string(m.channel)
	sub := c.subs[name]
	if sub == nil {
		return refuse(404, "not-subscribed", "not subscribed to "+string(m.channel))
	}
	delete(c.subs, string(m.channel))
	if !c.gateway.wrong.keepsAfter(c, name, func() { sub.stream.release(sub) }) {
		sub.stream.release(sub)
	}
	c.send(item{frame: sayUnsubscribed(m.id, string(m.channel))})
	return nil
}

// publish answers a publish command, after the event is in its stream.
func (c *conn) publish(m *command) *refusal {
	if r := c.publishable(m); r != nil {
		return r
	}
	c.gateway.wrong.awaitSlowest(c.gateway, string(m.channel))
	if c.gateway.wrong.holdsFirst(c, m) {
		return nil
	}
	return c.publishNow(m)
}

func (c *conn) publishNow(m *command) *refusal {
	offset, r, ok := c.place(m)
	if r == nil && ok && m.id != 0 {
		c.send(item{frame: sayPublished(m.id, offset), free: true})
	}
	return r
}

// caughtUp waits until every event that this client may have been sent has been
// queued for all subscribers of its channel, so that what the client says next,
// on whatever channel, can't reach anybody before it.
func (c *conn) caughtUp() {
	for _, sub := range c.subs {
		if s := sub.stream; s != nil {
			s.wait()
		}
	}
}

// pace waits until the limit of deliveries has room for one event to everybody
// who listens; false if the gateway closes meanwhile.
func (g *Gateway) pace(s *stream) bool {
	rate := g.cfg.Limits.Deliveries
	if rate == 0 {
		return true
	}
	s.mu.Lock()
	n := len(s.subs)
	s.mu.Unlock()
	g.mu.Lock()
	now := time.Now()
	if g.paced.Before(now) {
		g.paced = now
	}
	wait := g.paced.Sub(now)
	g.paced = g.paced.Add(time.Duration(float64(n) / rate * float64(time.Second)))
	g.mu.Unlock()
	if wait == 0 {
		return true
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-g.done:
		return false
	}
}
