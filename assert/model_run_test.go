package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// run lets the world live for a while, then drains it as the driver does.
func (w *world) run(steps int) []history.Event {
	calm := w.defect == "ack-then-drop" || w.defect == "ack-then-drop-offset" || w.defect == "retry-double-publish"
	w.phase(history.PhaseArrivals)
	for _, c := range w.clients {
		w.connect(c)
		if w.n(2) == 0 {
			w.serve(c)
		}
	}
	w.phase(history.PhaseActive)
	for range steps {
		c := w.clients[w.n(len(w.clients))]
		if w.strangers && w.n(8) == 0 {
			w.stranger(w.chans[w.n(len(w.chans))])
		}
		switch x := w.n(100); {
		case x < 25 && c.publishes && c.open:
			w.publish(c, w.chans[w.n(len(w.chans))])
		case x < 50:
			w.serve(c)
		case x < 80:
			for range 1 + w.n(4) {
				if !c.slow {
					w.receive(c)
				}
			}
		case x < 84 && !calm:
			w.lose(c, []history.Who{history.Fault, history.Server, history.Fault}[w.n(3)])
		case x < 90 && !c.open && !c.gone:
			w.connect(c)
		case x < 91 && c.open && !c.publishes && !calm && w.defect != "lost-message" && w.defect != "subscribe-history-gap":
			c.slow = true
			w.emit(history.Event{Kind: history.FaultBegin, Client: c.id, Life: c.life, Channel: -1, Note: "slow"})
		case x < 92 && c.slow:
			c.slow = false
			w.emit(history.Event{Kind: history.FaultEnd, Client: c.id, Life: c.life, Channel: -1, Note: "slow"})
		case x < 93 && c.slow && w.gapNotices:
			w.announce(c)
		case x < 94 && c.open && len(c.subs) > 0 && !calm:
			w.resubscribe(c, c.subs[w.n(len(c.subs))])
		case x < 95 && w.restarts && w.n(4) == 0:
			w.restart()
		case x < 96 && !c.open && w.n(10) == 0 && w.defect == "":
			c.gone = true
		}
	}
	w.drain()
	return w.events
}

// resubscribe leaves a channel, or comes back to it with a fresh subscription.
func (w *world) resubscribe(c *modelClient, s *modelSub) {
	w.settleInversion(c)
	switch {
	case s.wanted && s.answered:
		w.tick()
		w.emit(history.Event{Kind: history.Unsubscribe, Client: c.id, Life: c.life, Channel: s.ch.id, Sent: w.now})
		s.wanted, s.hub, s.answered = false, false, false
		kept := c.queue[:0]
		for _, f := range c.queue { // what is on the way is dropped by the client
			if f.sub != s {
				kept = append(kept, f)
			}
		}
		c.queue = kept
	case !s.wanted:
		s.wanted = true
		w.ask(c, s, true)
	}
}

// restart is a server that forgets everything and says so by new epochs.
func (w *world) restart() {
	for _, c := range w.clients {
		w.lose(c, history.Server)
	}
	for _, ch := range w.chans {
		w.renew(ch)
	}
}

// quiesce serves and receives until nothing is left.
func (w *world) quiesce() {
	for again := true; again; {
		again = false
		for _, c := range w.clients {
			c.slow = false
			for len(c.requests) > 0 {
				w.serve(c)
				again = true
			}
			for c.open && len(c.queue) > 0 {
				w.receive(c)
				again = true
			}
		}
	}
}

// drain ends the run: everybody back, outcomes, fences, probes.
func (w *world) drain() {
	w.phase(history.PhaseDrain)
	for _, c := range w.clients {
		if !c.open && !c.gone {
			w.connect(c)
		}
	}
	w.quiesce()
	w.phase(history.PhaseFences)
	for _, ch := range w.chans {
		for _, c := range w.clients {
			if !c.publishes || !c.open {
				continue
			}
			inc, ok := c.lastInc[ch.id]
			if !ok {
				continue
			}
			seq := uint64(0)
			for _, e := range w.events {
				if e.Kind == history.Publish && e.Client == c.id && e.Channel == ch.id && e.Incarnation == inc {
					seq = max(seq, e.Seq)
				}
			}
			w.tick()
			w.write(c, ch, modelMessage{publisher: w.publisherOf(c), incarnation: inc, seq: seq, fence: true, due: w.now})
			if !w.plain {
				break
			}
		}
	}
	w.quiesce()
	w.now += 2 * time.Second
	w.phase(history.PhaseProbe)
	for _, c := range w.clients {
		if c.open {
			sent := w.now
			w.tick()
			w.emit(history.Event{Kind: history.Probe, Client: c.id, Life: c.life, Channel: -1, Due: sent, Sent: sent})
		}
	}
	w.phase(history.PhaseEnd)
	for _, c := range w.clients {
		if c.open {
			w.emit(history.Event{Kind: history.Closed, Client: c.id, Life: c.life, Channel: -1, Who: history.Client})
		}
	}
}

// judge lets the rules see the history, split over some shards.
func judgeEvents(b *Brief, names *history.Names, events []history.Event, shards int) (*Judge, []Verdict) {
	j := merged(b, names, events, shards)
	return j, j.Verdicts(End{})
}

// merged is the judge that has seen the history, split over some shards.
func merged(b *Brief, names *history.Names, events []history.Event, shards int) *Judge {
	js := make([]*Judge, shards)
	for i := range js {
		js[i] = NewJudge(b, names)
	}
	for _, e := range events {
		if e.Client < 0 {
			for _, j := range js {
				j.Add(e)
			}
			continue
		}
		js[int(e.Client)%shards].Add(e)
	}
	for _, j := range js[1:] {
		js[0].Merge(j)
	}
	return js[0]
}

// failsByName draws histories with a defect, which the shape names, and wants it
// found under its own name, or one that such a history may honestly bear as well.
func failsByName(t *testing.T, name, also string, change func(*shape)) {
	hits, caught := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		change(&s)
		w := newWorld(rapid.Uint64().Draw(t, "seed"), s)
		events := w.run(s.steps)
		_, vs := judgeEvents(w.brief(), w.names, events, rapid.IntRange(1, 3).Draw(t, "shards"))
		got := anomaliesIn(vs)
		for other, rule := range got {
			if other != name && other != also {
				t.Fatalf("%s (%s) for %s\n%s%s%s", other, rule, s.defect, dump(vs[0]), dump(vs[1]), dump(vs[2]))
			}
		}
		if w.hits > 0 {
			hits++
			if got[name] != "" {
				caught++
			}
		}
	})
	t.Logf("%d histories with the defect, %d caught", hits, caught)
	if !fewHistories() && (caught == 0 || caught*10 < hits) { // of a few histories too many may be those that prove nothing
		t.Errorf("caught only %d of %d", caught, hits)
	}
}

// anomaliesIn lists the names found, by the rule that owns them.
func anomaliesIn(vs []Verdict) map[string]string {
	got := make(map[string]string)
	for _, v := range vs {
		for _, f := range v.Findings {
			got[f.Anomaly] = v.Rule
		}
	}
	return got
}
