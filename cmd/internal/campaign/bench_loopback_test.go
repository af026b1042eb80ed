//go:build linux

package campaign

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"squall/assert"
	"squall/assert/history"
	"squall/driver"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/scenario"
)

// What is received over loopback: 2,000 clients in 20 rooms, 500 publications a
// second, so 50,000 deliveries a second, one in each read, for every client one
// in 40 ms. The publisher's part is a hundredth of a message.
const (
	loopRooms     = 20
	loopReaders   = 100 // in each room
	loopRate      = 500 // publications per second
	loopActive    = 4 * time.Second
	loopPayload   = 128 // bytes, stamp included
	loopRounds    = 3   // at least, of each variant in turn
	loopMostRatio = 1.5 // judged against the engine alone
)

const loopScenario = `
squall: 1
name: loopback
duration: %s
drain: {timeout: 10s}
target: {url: "ws://%s/"}
clients:
  readers: {count: %d, arrive: {over: 500ms}, subscribe: [{channel: "room.{i %% %d}", recover: true}]}
  speaker: {count: 1, publish: [{channel: "room.{seq %% %d}", rate: %d/s, payload: {type: vote.cast, option: yes}, size: %dB}]}
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
  - latency: {of: delivery, p99: 1m}
  - errors: 0
`

func loopPlan(b *testing.B, address string) *scenario.Plan {
	src := fmt.Appendf(nil, loopScenario, loopActive, address, loopRooms*loopReaders, loopRooms, loopRooms, loopRate, loopPayload)
	return compile(b, "loopback.yaml", src, 1)
}

// BenchmarkLoopback is the CPU time, user and system, that this process takes
// for a message received over loopback TCP from a gateway in a process of its
// own: with every rule on (judged), with the events thrown away (rules-off), and
// by an engine whose handler only counts (engine-only). The variants run in turn,
// and each figure is the median of its rounds; -benchtime 9x gives nine. It fails if
// judging costs over half of what the engine does, or if not every delivery was
// judged. It wants the machine for itself: on a busy one messages pile up between
// wake-ups, the system calls get cheaper by the message, and the ratio grows.
func BenchmarkLoopback(b *testing.B) {
	var address string
	pinned(1, func() { address = gatewayProcess(b, plain) })
	variants := []struct {
		name string
		run  func(*testing.B, string) float64
		took []float64
	}{{"judged", judgedCost, nil}, {"rules-off", rulesOffCost, nil}, {"engine-only", engineOnlyCost, nil}}
	for range max(b.N, loopRounds) {
		for i := range variants {
			runtime.GC() // what the variant before has left is not this one's
			v := &variants[i]
			v.took = append(v.took, v.run(b, address))
		}
	}
	for _, v := range variants {
		b.Logf("%-11s CPU ns per message, by round: %.0f", v.name, v.took)
		b.ReportMetric(median(v.took), v.name+"-cpu-ns/msg")
	}
	judged := variants[0].took
	b.ReportMetric(ratio(judged, variants[1].took), "judged/rules-off")
	most := ratio(judged, variants[2].took)
	b.ReportMetric(most, "judged/engine-only")
	b.ReportMetric(0, "ns/op")
	if most > loopMostRatio {
		b.Errorf("a judged message costs %.2f × what the engine alone does; the limit is %.1f", most, loopMostRatio)
	}
}

// ratio is the median of the rounds' own ratios: neighbours in time share the
// machine's mood.
func ratio(a, b []float64) float64 {
	list := make([]float64, len(a))
	for i := range a {
		list[i] = a[i] / b[i]
	}
	return median(list)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// window is the time between the first and the last look at the active part.
type window struct{ from, to reading }

type reading struct {
	cpu       time.Duration
	delivered int64
}

func (w *window) look(delivered int64) {
	cpu, _ := usage()
	w.to = reading{cpu, delivered}
	if w.from.delivered == 0 {
		w.from = w.to
	}
}

// cost is the CPU time of one message, ns.
func (w *window) cost(b *testing.B) float64 {
	n := w.to.delivered - w.from.delivered
	if n == 0 {
		b.Fatal("nothing was delivered between two looks")
	}
	return float64(w.to.cpu-w.from.cpu) / float64(n)
}

func loopLoop(b *testing.B) engine.Loop {
	loop, err := engine.NewEpoll(engine.Options{Epoch: time.Now()})
	if err != nil {
		b.Skip("no epoll here: ", err)
	}
	return onCore{loop, 0}
}

// onCore runs a loop on one core. The gateway has another: where the scheduler
// puts the two decides how many messages wait at each wake-up, and with that the
// cost of a message, by far more than any rule.
type onCore struct {
	engine.Loop
	core int
}

func (c onCore) Run(h engine.Handler) (err error) {
	pinned(c.core, func() { err = c.Loop.Run(h) })
	return err
}

// pinned runs f, and the processes that it starts, on the n-th core that this
// process may use, where it may use so many.
func pinned(n int, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if unix.SchedGetaffinity(0, &all) == nil && n < all.Count() {
		core := 0
		for ; !all.IsSet(core) || n > 0; core++ {
			if all.IsSet(core) {
				n--
			}
		}
		one.Set(core)
		if unix.SchedSetaffinity(0, &one) == nil {
			defer unix.SchedSetaffinity(0, &all)
		}
	}
	f()
}

func judgedCost(b *testing.B, address string) float64 {
	p := loopPlan(b, address)
	d, _ := dialect.Find("events")
	t, err := remote(p, d.About(), p.Target.URLs[0])
	if err != nil {
		b.Fatal(err)
	}
	var w window
	o := Options{Run: 7, Progress: func(q Progress) {
		if q.Phase == history.PhaseActive && q.Delivered > 0 {
			w.look(q.Delivered)
		}
	}}
	r, err := judged(context.Background(), p, d, NewBrief(p, d.About(), t.name, engine.Epoll, time.Now(), o), t, []engine.Loop{loopLoop(b)}, o)
	if err != nil {
		b.Fatal(err)
	}
	for _, v := range r.Verdicts {
		if v.State == assert.Fail {
			b.Fatalf("%s failed on a correct gateway: %s", v.Name, v.Reason)
		}
	}
	// Each room is closed by one fence.
	if got, want := judgedDeliveries(r), (r.Traffic.Published+loopRooms)*loopReaders; got != want || r.Traffic.Published == 0 {
		b.Fatalf("judged %d deliveries, want published × subscribers = %d", got, want)
	}
	return w.cost(b)
}

// thrown throws events away, all but their number.
type thrown struct{ published, delivered int64 }

func (s *thrown) Add(e history.Event) {
	switch e.Kind {
	case history.Publish:
		s.published++
	case history.Deliver:
		s.delivered++
	}
}

func rulesOffCost(b *testing.B, address string) float64 {
	p := loopPlan(b, address)
	d, _ := dialect.Find("events")
	t, err := remote(p, d.About(), p.Target.URLs[0])
	if err != nil {
		b.Fatal(err)
	}
	var w window
	var sink thrown
	_, err = driver.Run(context.Background(), p, driver.Config{
		Loops: []engine.Loop{loopLoop(b)}, Sinks: []driver.Sink{&sink}, Names: history.NewNames(p.Channels),
		Dialect: d, Dial: t.dial, Run: 7,
		Progress: func(q driver.Progress) {
			if q.Phase == history.PhaseActive && q.Delivered > 0 {
				w.look(q.Delivered)
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	if sink.delivered != sink.published*loopReaders {
		b.Fatalf("%d deliveries of %d publications", sink.delivered, sink.published)
	}
	return w.cost(b)
}

// bare is the least that makes the same traffic: it answers the handshake with
// frames made beforehand, publishes on time and counts what comes.
type bare struct {
	loop   engine.Loop
	dial   engine.Dial
	hello  []byte
	rooms  [loopRooms]struct{ subscribe, publish []byte }
	conns  []engine.Conn
	steps  []bareStep
	ready  int
	begun  time.Duration
	sent   int64
	got    int64
	counts atomic.Int64 // got, for other goroutines
	done   chan struct{}
}

type bareStep uint8

const (
	bareNew bareStep = iota // connect is sent, or will be
	bareAsked
	bareReader
	bareSpeaker
)

func newBare(b *testing.B, address string) *bare {
	d := dialect.Events{}
	command := func(c dialect.Command) []byte {
		frame, err := d.Append(nil, &c)
		if err != nil {
			b.Fatal(err)
		}
		return frame
	}
	h := &bare{loop: loopLoop(b), hello: command(dialect.Command{Verb: dialect.Connect, ID: 1}), done: make(chan struct{})}
	for i := range h.rooms {
		name := fmt.Sprint("room.", i)
		stamp := dialect.Stamp{Run: 7, Publisher: 1, Incarnation: 1, Seq: 100, Due: time.Second, Channel: history.Hash([]byte(name))}
		payload := dialect.AppendStamped(nil, []byte(`{"type":"vote.cast","option":"yes"}`), stamp, loopPayload)
		h.rooms[i].subscribe = command(dialect.Command{Verb: dialect.Subscribe, ID: 2, Channel: name})
		h.rooms[i].publish = command(dialect.Command{Verb: dialect.Publish, ID: 3, Channel: name, Payload: payload})
	}
	request, accept := engine.UpgradeRequest(address, d.About().Path, nil, "", [16]byte{})
	h.dial = engine.Dial{Address: address, Request: request, Accept: accept}
	return h
}

func (h *bare) Wake(now time.Duration) time.Duration {
	if h.conns == nil {
		h.conns = make([]engine.Conn, loopRooms*loopReaders+1) // the last is the speaker
		h.steps = make([]bareStep, len(h.conns))
		for i := range h.conns {
			h.conns[i] = h.loop.Dial(engine.Token(i), &h.dial)
		}
	}
	h.counts.Store(h.got)
	if h.ready < len(h.conns) {
		return engine.Never
	}
	if h.begun == 0 {
		h.begun = now
	}
	for {
		due := h.begun + time.Duration(h.sent)*time.Second/loopRate
		switch {
		case due-h.begun >= loopActive:
			if h.got == h.sent*loopReaders {
				close(h.done)
				h.sent = -1 // told once
			}
			return engine.Never
		case due > now:
			return due
		}
		h.conns[loopRooms*loopReaders].Send(1, h.rooms[h.sent%loopRooms].publish)
		h.sent++
	}
}

func (h *bare) Open(t engine.Token, _ engine.Stamp) { h.conns[t].Send(1, h.hello) }

func (h *bare) Message(t engine.Token, _ byte, _ []byte, _ engine.Stamp) {
	switch h.steps[t] {
	case bareReader:
		h.got++
	case bareNew:
		if t == loopRooms*loopReaders {
			h.steps[t] = bareSpeaker
			h.ready++
			return
		}
		h.steps[t] = bareAsked
		h.conns[t].Send(1, h.rooms[t%loopRooms].subscribe)
	case bareAsked:
		h.steps[t] = bareReader
		h.ready++
	}
}

func (h *bare) Closed(t engine.Token, end engine.End) {
	panic(fmt.Sprintf("connection %d ended: %+v", t, end))
}

func engineOnlyCost(b *testing.B, address string) float64 {
	h := newBare(b, address)
	ended := make(chan error, 1)
	go func() { ended <- h.loop.Run(h) }()
	var w window
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		select {
		case <-tick.C:
			if n := h.counts.Load(); n > 0 {
				w.look(n)
			}
			continue
		case <-h.done:
		case <-late:
			b.Fatal("not everything that was published was delivered")
		case err := <-ended:
			b.Fatal("the loop ended: ", err)
		}
		break
	}
	h.loop.Stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	return w.cost(b)
}
