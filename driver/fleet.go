package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/session"
	"squall/scenario"
)

// together is how long publishers wait for the initial arrivals to be subscribed.
const together = 30 * time.Second

// fleet is one run.
type fleet struct {
	ctx     context.Context // of the run
	errands errands         // requests over HTTP under way

	plan     *scenario.Plan
	cfg      Config
	about    dialect.About
	sessions []session.Config
	keepFor  time.Duration // how long sessions are wanted; 0: for ever
	settles  time.Duration // how long the target may take to tell who is there; 0: it is not judged
	shards   []*shard
	runID    string
	tracing  bool
	mask     *strings.Replacer // of secrets; nil if there are none

	upstream []upstream // by publisher; nil: nobody publishes over a link of its own
	storm    storm
	notes    notes
	draining atomic.Bool
	sprung   []atomic.Bool // by moment: whether one of those who see for others has seen it
	sayings  []saying      // written before the active part by shard 0, read by the fleet

	ended  <-chan struct{} // all loops have returned
	failed func() error    // the first loop's error
	phase  string
	zero   time.Duration
	out    Outcome
	told   time.Time     // when Progress was last called
	empty  time.Duration // since when no connection is open though some are wanted; 0: not so
}

type saying struct {
	at   time.Duration
	text string
}

// errStopped: the context was cancelled.
var errStopped = errors.New("stopped")

// Run drives plan. It returns when the last connection is closed and the loops
// have stopped. Cancelling ctx stops at once; what happened until then has been
// told to the sinks.
func Run(ctx context.Context, plan *scenario.Plan, cfg Config) (*Outcome, error) {
	f := &fleet{plan: plan, cfg: cfg, about: cfg.Dialect.About(), tracing: cfg.Trace != nil, sprung: make([]atomic.Bool, len(plan.Moments))}
	f.runID = fmt.Sprintf("%08x", cfg.Run)
	f.out.Loops = len(cfg.Loops)
	f.mask = masker(cfg.Secrets)
	f.keepFor, f.settles = plan.Promises.KeepFor(), plan.Settles()
	f.upstream = upstreams(plan)
	for _, g := range plan.Groups {
		r := g.Reconnect
		f.sessions = append(f.sessions, session.Config{
			Backoff: session.Backoff{
				Never: r.Never, First: r.First, Max: r.Max, Factor: r.Factor, Jitter: r.Jitter, Attempts: r.Attempts,
			},
			Heartbeat: g.Heartbeat.Every, HeartbeatLimit: g.Heartbeat.Timeout,
			AckTimeout: plan.Drain.AckTimeout, DialectPing: f.about.Can.ClientPing, Ack: f.about.Can.Ack, Causal: plan.Causal(),
			LastID: f.about.LastID, Quality: f.highest(), ProbeByPing: f.about.Can.Quality, Leaves: f.about.Can.Leave,
			Connections: f.about.Can.Connections,
			Refused:     g.Refused, Fallback: transports(g.Fallback),
		})
	}
	for i := range cfg.Loops {
		f.shards = append(f.shards, newShard(f, i, len(cfg.Loops)))
	}
	var forsake context.CancelFunc
	f.ctx, forsake = context.WithCancel(ctx)
	stop := f.start()
	err := f.walk(ctx)
	forsake()
	f.errands.end()
	if f.phase != history.PhaseEnd {
		f.enter(history.PhaseEnd)
	}
	stop()
	if lerr := f.failed(); lerr != nil {
		return &f.out, fmt.Errorf("serving connections: %w", lerr)
	}
	if errors.Is(err, errStopped) {
		f.out.Interrupted = true
		err = nil
	}
	return &f.out, err
}

// start runs the loops; the returned function stops and joins them.
func (f *fleet) start() (stop func()) {
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	ended := make(chan struct{})
	for _, s := range f.shards {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := s.loop.Run(s); err != nil {
				once.Do(func() { first = err })
			}
		}()
	}
	go func() { wg.Wait(); close(ended) }()
	f.ended = ended
	f.failed = func() error { <-ended; return first }
	return func() {
		for _, s := range f.shards {
			st := s.loop.Stats()
			f.out.BytesIn += st.BytesIn + s.roads.In.Load()
			f.out.BytesOut += st.BytesOut + s.roads.Out.Load()
			f.out.Packed += st.Packed
			f.out.Unpacked += st.Unpacked
			f.out.ReadLag = max(f.out.ReadLag, st.ReadLag)
			s.loop.Stop()
		}
		if f.cfg.Dial.Deflate && f.out.Packed == 0 {
			f.out.Notes = append(f.out.Notes, "permessage-deflate was offered, and no message came compressed")
		}
		<-ended
	}
}

func (f *fleet) now() time.Duration { return f.shards[0].loop.Now() }

// each runs do on every loop and waits for all; it returns early when the loops
// have ended.
func (f *fleet) each(do func(s *shard)) {
	done := make(chan struct{}, len(f.shards))
	for _, s := range f.shards {
		s.loop.Post(func() {
			do(s)
			done <- struct{}{}
		})
	}
	for range f.shards {
		select {
		case <-done:
		case <-f.ended:
			return
		}
	}
}

// enter tells every shard that a phase begins.
func (f *fleet) enter(phase string) {
	f.phase = phase
	f.each(func(s *shard) {
		now := s.loop.Now()
		s.sink.Add(history.Event{Kind: history.Phase, Client: -1, Due: f.zero, Seen: now, Arrived: now, Note: phase})
	})
}

func (f *fleet) count(fences []int) census {
	var mu sync.Mutex
	var n census
	f.each(func(s *shard) {
		c := s.census(fences)
		mu.Lock()
		n.add(c)
		mu.Unlock()
	})
	f.out.Connections = max(f.out.Connections, n.connected)
	f.out.Skipped = n.skipped
	f.tell(&n)
	f.watch(&n)
	f.limit(&n)
	return n
}

func (f *fleet) tell(n *census) {
	if f.cfg.Progress == nil || time.Since(f.told) < time.Second {
		return
	}
	f.told = time.Now()
	at := f.now() - f.zero
	if f.zero == 0 {
		at = f.now() - f.plan.Arrivals
	}
	f.cfg.Progress(Progress{
		Phase: f.phase, At: at, Clients: n.clients, Connected: n.connected, Ready: n.ready,
		Published: n.published, Delivered: n.delivered, Errors: n.errors, Lag: time.Duration(n.lag),
	})
}

// watch notices when the target is gone for a while. At the end everybody leaves,
// which proves nothing.
func (f *fleet) watch(n *census) {
	if f.phase == history.PhaseEnd {
		return
	}
	now := f.now()
	if n.connected > 0 {
		f.empty = now
	}
	f.out.Lost = ""
	if n.gone() && now-f.empty >= lostAfter {
		f.out.Lost = n.last.String()
	}
}

// lostAfter is how long nobody may get in before the target counts as lost.
const lostAfter = 10 * time.Second

// patience is how long a target may be hopeless at first: it may be starting.
const patience = 3 * time.Second

// hopeless reports whether waiting for the arrivals makes no sense any more:
// nothing accepts a connection, or everybody has tried in vain.
func (f *fleet) hopeless(n *census) bool {
	if f.now() < patience || n.ever > 0 || n.failing == 0 {
		return false
	}
	return n.opens == 0 || n.failing == n.clients
}

// walk goes through the phases.
func (f *fleet) walk(ctx context.Context) error {
	f.enter(history.PhaseArrivals)
	switch err := f.arrive(ctx); {
	case err == errNobody: // there is nothing to drain
		f.enter(history.PhaseEnd)
		return f.finish(ctx)
	case err != nil:
		return err
	}
	if err := f.act(ctx); err != nil {
		return err
	}
	if err := f.drain(ctx); err != nil {
		return err
	}
	return nil
}

// until calls done every step until it answers true (nil), limit has passed
// since the call (errLate), the run is interrupted (errInterrupted, if heeded)
// or ctx is cancelled (errStopped).
func (f *fleet) until(ctx context.Context, step, limit time.Duration, heed bool, done func() bool) error {
	interrupt := f.cfg.Interrupt
	if !heed {
		interrupt = nil
	}
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		if done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return errStopped
		case <-f.ended:
			return errStopped
		case <-interrupt:
			f.out.Interrupted = true
			return errInterrupted
		case <-end.C:
			return errLate
		case <-tick.C:
		}
	}
}

var (
	errLate        = errors.New("too late")
	errInterrupted = errors.New("interrupted")
	errNobody      = errors.New("interrupted before anybody got through")
)

// arrive waits until everybody who arrives at first has arrived and has got the
// answers, together at most. If nobody gets in at all the target is unusable.
func (f *fleet) arrive(ctx context.Context) error {
	var n census
	err := f.until(ctx, 10*time.Millisecond, f.plan.Arrivals+together, true, func() bool {
		n = f.count(nil)
		return n.settled == n.clients || f.hopeless(&n) || f.out.Stopped != ""
	})
	if err == errStopped {
		return err
	}
	n = f.count(nil)
	if n.ever > 0 {
		return nil
	}
	if err == errInterrupted {
		return errNobody
	}
	return f.unusable(&n)
}

// unusable says why nobody got through.
func (f *fleet) unusable(n *census) *TargetError {
	e := &TargetError{Attempts: int(n.dials), Why: "no answer yet", Step: "is the target overloaded?"}
	if b, ok := n.setbacks.most(); ok {
		e.Why, e.Step = b.String(), b.step(f.about.Name, f.cfg.Dial.TLS != nil)
	}
	return e
}

// act is the active part: it ends with the duration, an interrupt, or the loss
// of the target.
func (f *fleet) act(ctx context.Context) error {
	f.zero = f.now()
	early := f.out.Interrupted || f.out.Stopped != ""
	if !early {
		f.each(func(s *shard) { s.activate(f.zero) })
	}
	f.enter(history.PhaseActive)
	busy := f.busy()
	limit := f.plan.Duration
	if early {
		limit = 0
	}
	ended := f.operate(ctx)
	next := 0
	err := f.until(ctx, 50*time.Millisecond, limit, true, func() bool {
		now := f.now()
		for next < len(f.sayings) && f.sayings[next].at <= now {
			f.say(f.sayings[next])
			next++
		}
		f.count(nil)
		return f.out.Lost != "" || f.out.Stopped != ""
	})
	ended()
	f.out.Active = f.now() - f.zero
	if f.out.Active > 0 {
		for i, b := range f.busy() {
			f.out.Busy = max(f.out.Busy, float64(b-busy[i])/float64(f.out.Active))
		}
	}
	if err == errStopped {
		return err
	}
	return nil
}

func (f *fleet) say(x saying) {
	f.shards[0].loop.Post(func() {
		now := f.now()
		f.shards[0].sink.Add(history.Event{Kind: history.Say, Client: -1, Due: x.at, Seen: now, Arrived: now, Note: x.text})
	})
}

func (f *fleet) busy() []time.Duration {
	b := make([]time.Duration, len(f.shards))
	for i, s := range f.shards {
		b[i] = s.loop.Stats().Busy
	}
	return b
}

// activate starts the timeline and the publishers that start together.
func (s *shard) activate(zero time.Duration) {
	s.active, s.zero = true, zero
	s.plant(zero)
	for i := range s.clients {
		if c := &s.clients[i]; c.Ever() && c.Connected() {
			s.turn(c, zero)
		}
	}
	for i := range s.pubs {
		switch p := &s.pubs[i]; {
		case p.plan.Together:
			if s.plan(&s.clients[p.client]).Arrive >= 0 {
				s.begin(p, zero)
			}
		case p.begun:
			p.origin = zero
		}
	}
}
