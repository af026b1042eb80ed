package driver

import (
	"sync/atomic"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// sight is something that a client can see, as a bit.
type sight uint8

const (
	sawConnected sight = 1 << iota
	sawSubscribed
	sawReplay
	sawMessage
	sawAcked
	sawPing
	sawClosed
)

func sightOf(word string) sight {
	return map[string]sight{
		"connected": sawConnected, "subscribed": sawSubscribed, "replay": sawReplay, "message": sawMessage,
		"acked": sawAcked, "ping": sawPing, "closed": sawClosed,
	}[word]
}

// saw is what an event shows its client; 0 for what no trigger looks at.
func saw(e *history.Event) sight {
	switch e.Kind {
	case history.Deliver:
		if e.Flags&history.FlagReplay != 0 {
			return sawReplay
		}
		return sawMessage
	case history.Outcome:
		if e.Result == history.OK && e.Flags&history.FlagFence == 0 {
			return sawAcked
		}
	case history.Connected:
		return sawConnected
	case history.Subscribed:
		if e.Flags&(history.FlagServer|history.FlagForbidden) == 0 {
			return sawSubscribed
		}
	case history.Pinged:
		return sawPing
	case history.Closed:
		return sawClosed
	}
	return 0
}

// trigger is a moment that waits for what its victims see, or others for them; one a
// shard.
type trigger struct {
	moment       *scenario.Moment
	sprung       *atomic.Bool // of moments with seers: the first has seen it, wherever
	sees, before sight
	known        []int8 // by channel number: 0 not yet asked, 1 looked at, −1 not
}

// on reports whether t looks at a channel.
func (t *trigger) on(s *shard, ch history.ChannelID) bool {
	if t.moment.When.Channel == "" {
		return true
	}
	for int(ch) >= len(t.known) {
		t.known = append(t.known, 0)
	}
	if t.known[ch] == 0 {
		t.known[ch] = -1
		if t.moment.When.On(s.fleet.cfg.Names.Name(int32(ch))) {
			t.known[ch] = 1
		}
	}
	return t.known[ch] > 0
}

// watch is what one client waits for. It is gone when all has come.
type watch struct {
	heeds sight // what some trigger still looks at
	life  int32 // of which …
	seen  sight // … this was seen
	armed []armed
}

type armed struct {
	trigger *trigger
	victim  *scenario.Victim // nil: it sees for others
	left    int              // events still to come, this one included
}

// heed recomputes what matters; false if nothing is left to wait for.
func (w *watch) heed() bool {
	w.heeds = 0
	for i := range w.armed {
		w.heeds |= w.armed[i].trigger.sees | w.armed[i].trigger.before
	}
	return len(w.armed) > 0
}

// lookOut arms the triggers of the plan, before anybody arrives.
func (s *shard) lookOut() {
	for k := range s.fleet.plan.Moments {
		m := &s.fleet.plan.Moments[k]
		if m.When == nil {
			continue
		}
		t := &trigger{moment: m, sprung: &s.fleet.sprung[k], sees: sightOf(m.When.Sees), before: sightOf(m.When.Before)}
		for _, id := range m.Seers {
			s.watches(id, armed{t, nil, m.When.Nth})
		}
		for v := range m.Victims {
			if m.Seers == nil {
				s.watches(m.Victims[v].Client, armed{t, &m.Victims[v], m.When.Nth})
			}
		}
	}
}

// watches arms a trigger for a client, if it is of this shard.
func (s *shard) watches(id int, a armed) {
	shards := len(s.fleet.cfg.Loops)
	if id%shards != s.index {
		return
	}
	c := &s.clients[id/shards]
	if c.watch == nil {
		c.watch = new(watch)
	}
	c.watch.armed = append(c.watch.armed, a)
	c.watch.heed()
}

// watched counts what c has just seen. What is due happens when the step that
// brought it is done: see spring.
func (s *shard) watched(c *client, e *history.Event) {
	w, now := c.watch, saw(e)
	if now&w.heeds == 0 || s.fleet.draining.Load() {
		return
	}
	if w.life != e.Life {
		w.life, w.seen = e.Life, 0
	}
	fired := false
	for i := range w.armed {
		a := &w.armed[i]
		t := a.trigger
		if t.sees&now == 0 || !t.on(s, e.Channel) || t.before&w.seen != 0 {
			continue
		}
		if a.left--; a.left > 0 {
			continue
		}
		fired = true
		if a.victim == nil {
			s.signal(t, e.Seen)
			continue
		}
		s.sprung = append(s.sprung, step{
			at: e.Seen, kind: stepMoment, client: s.indexOf(c), moment: t.moment, victim: a.victim,
		})
	}
	w.seen |= now
	if !fired {
		return
	}
	kept := w.armed[:0]
	for _, a := range w.armed {
		if a.left > 0 {
			kept = append(kept, a)
		}
	}
	if w.armed = kept; !w.heed() {
		c.watch = nil
	}
}

// signal has all victims of a moment struck, here and on the other loops, if nobody has
// seen it before.
func (s *shard) signal(t *trigger, at time.Duration) {
	if t.sprung.Swap(true) {
		return
	}
	for _, o := range s.fleet.shards {
		if o == s { // behind the step that is being done
			o.strike(t.moment, at)
		} else {
			o.loop.Post(func() { o.strike(t.moment, at) })
		}
	}
}

func (s *shard) indexOf(c *client) int32 { return c.id / int32(len(s.fleet.cfg.Loops)) }

// spring does what has become due in the step that is just done.
func (s *shard) spring(now time.Duration) {
	due := s.sprung
	s.sprung = nil
	for _, x := range due {
		if x.victim.Delay > 0 {
			x.at += x.victim.Delay
			s.steps.add(x)
			continue
		}
		s.do(x, now)
	}
}
