package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"squall/assert"
	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/fault"
	"squall/report"
)

// script is an engine without a network and with a clock of its own: it answers
// handshakes and subscriptions at once, keeps what is published, and hands the
// handler the deliveries that a benchmark asks for. It measures what one
// received message costs above the engine: decoding, session, rules.
type script struct {
	h     engine.Handler
	posts chan func()
	stop  chan struct{}
	now   atomic.Int64
	conns atomic.Int64
	said  []func() // answers, to be given when the handler has returned
	subs  map[string][]engine.Token

	over    bool // the benchmark is: time goes on by itself and the fences are delivered
	fenced  int64
	offsets map[string]uint64
	frame   []byte // the last publication, as its subscribers get it
	readers []engine.Token
}

func newScript() *script {
	return &script{
		posts: make(chan func(), 64), stop: make(chan struct{}),
		subs: make(map[string][]engine.Token), offsets: make(map[string]uint64),
	}
}

func (s *script) Now() time.Duration { return time.Duration(s.now.Load()) }
func (s *script) Post(f func())      { s.posts <- f }
func (s *script) Stop()              { close(s.stop) }
func (s *script) Stats() engine.Stats {
	return engine.Stats{Conns: int(s.conns.Load())}
}

func (s *script) Run(h engine.Handler) error {
	s.h = h
	for {
		s.h.Wake(s.Now())
		s.answer()
		select {
		case <-s.stop:
			return nil
		case f := <-s.posts:
			f()
			if s.over {
				s.now.Add(int64(10 * time.Millisecond))
			}
		}
	}
}

func (s *script) answer() {
	for len(s.said) > 0 {
		said := s.said
		s.said = nil
		for _, f := range said {
			f()
		}
	}
}

func (s *script) stamp() engine.Stamp {
	now := s.Now()
	return engine.Stamp{Arrived: now, Read: now, Kernel: true}
}

func (s *script) Dial(t engine.Token, _ *engine.Dial) engine.Conn {
	s.conns.Add(1)
	s.said = append(s.said, func() { s.h.Open(t, s.stamp()) })
	return &scriptConn{s, t}
}

type scriptConn struct {
	s *script
	t engine.Token
}

func (c *scriptConn) Fault(fault.Action) {}
func (c *scriptConn) Close(code uint16, _ string) {
	c.s.said = append(c.s.said, func() { c.s.h.Closed(c.t, engine.End{Cause: engine.Local, Code: code, At: c.s.stamp()}) })
}

func (c *scriptConn) Send(opcode byte, payload []byte) {
	if opcode == 9 {
		c.s.said = append(c.s.said, func() { c.s.h.Message(c.t, 10, nil, c.s.stamp()) })
		return
	}
	var m struct {
		ID      uint64
		Type    string
		Channel string
		Data    json.RawMessage
	}
	if json.Unmarshal(payload, &m) != nil {
		return
	}
	answer := ""
	switch m.Type {
	case "connect":
		answer = fmt.Sprintf(`{"id":%d,"type":"connected","client":"x"}`, m.ID)
	case "subscribe":
		c.s.subs[m.Channel] = append(c.s.subs[m.Channel], c.t)
		answer = fmt.Sprintf(`{"id":%d,"type":"subscribed","channel":%q,"epoch":"e","offset":0}`, m.ID, m.Channel)
	case "publish":
		c.s.offsets[m.Channel]++
		o := c.s.offsets[m.Channel]
		c.s.frame = fmt.Appendf(c.s.frame[:0], `{"type":"event","channel":%q,"offset":%d,"data":%s}`, m.Channel, o, m.Data)
		c.s.readers = c.s.subs[m.Channel]
		if c.s.over {
			frame := append([]byte(nil), c.s.frame...)
			for _, t := range c.s.readers {
				c.s.fenced++
				c.s.said = append(c.s.said, func() { c.s.h.Message(t, 1, append([]byte(nil), frame...), c.s.stamp()) })
			}
		}
		answer = fmt.Sprintf(`{"id":%d,"type":"published","offset":%d}`, m.ID, o)
	default:
		return
	}
	c.s.said = append(c.s.said, func() { c.s.h.Message(c.t, 1, []byte(answer), c.s.stamp()) })
}

const benchScenario = `
squall: 1
name: bench
duration: 1h
drain: {timeout: 2s}
target: {url: "ws://127.0.0.1:1/"}
clients:
  subscribers: {count: 10000, arrive: {curve: at-once}, subscribe: [{channel: "room.{i % 20}", recover: true}]}
  speakers: {count: 1, publish: [{channel: "room.{seq % 20}", rate: 1000/s, payload: {type: vote.cast, option: yes, weight: 1}}]}
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
  - latency: {of: delivery, p99: 1s}
  - errors: 0
`

// BenchmarkReceive is the cost of one received message with every rule on,
// without the system calls: 10,000 clients in 20 rooms. In fan-out, as gateways
// do it, all of a room get the same bytes; in distinct no two messages are equal,
// so that each is decoded. It fails if the judge has not judged every delivery.
func BenchmarkReceive(b *testing.B) {
	b.Run("fan-out", func(b *testing.B) { benchmarkReceive(b, &feed{}) })
	b.Run("distinct", func(b *testing.B) { benchmarkReceive(b, &feed{distinct: true}) })
}

func benchmarkReceive(b *testing.B, feed *feed) {
	p := compile(b, "bench.yaml", []byte(benchScenario), 1)
	d, _ := dialect.Find("events")
	s := newScript()
	interrupt := make(chan struct{})
	result := make(chan *report.Result)
	var ready atomic.Bool
	go func() {
		r, err := judged(context.Background(), p, d, NewBrief(p, d.About(), "script", "script", time.Now(), Options{Run: 7}), &target{}, []engine.Loop{s}, Options{
			Run: 7, Interrupt: interrupt, Progress: func(q Progress) { ready.Store(q.Phase == history.PhaseActive) },
		})
		if err != nil {
			b.Error(err)
		}
		result <- r
	}()
	for !ready.Load() {
		time.Sleep(10 * time.Millisecond)
	}
	feed.s = s
	done := make(chan int)
	var cpu time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	s.Post(func() {
		before, _ := usage()
		for range b.N {
			feed.next()
		}
		b.StopTimer()
		cpu, _ = usage()
		cpu -= before
		n := b.N + feed.finish()
		s.over = true
		done <- n
	})
	want := int64(<-done)
	close(interrupt)
	r := <-result
	if got := judgedDeliveries(r); got != want+s.fenced {
		b.Fatalf("judged %d deliveries, want published × subscribers = %d and %d fences", got, want, s.fenced)
	}
	for _, v := range r.Verdicts {
		if v.State == assert.Fail {
			b.Fatalf("%s failed on a perfect feed: %s", v.Name, v.Reason)
		}
	}
	b.ReportMetric(float64(judgedDeliveries(r)), "judged")
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op") // on a busy machine less than the time that passed
}

// judgedDeliveries is what the delivery rule says it has judged.
func judgedDeliveries(r *report.Result) int64 {
	for _, v := range r.Verdicts {
		if v.Rule == "delivery" {
			for _, c := range v.Counts {
				if c.Name == "deliveries judged" {
					return c.N
				}
			}
		}
	}
	return -1
}

// feed delivers publication after publication to all subscribers of its room.
type feed struct {
	s        *script
	distinct bool
	at       int
	n        uint64
	work     []byte
}

func (f *feed) next() {
	for f.at == len(f.s.readers) {
		f.at = 0
		f.s.readers = nil
		f.s.now.Add(int64(time.Millisecond))
		f.s.h.Wake(f.s.Now())
		f.s.answer()
	}
	f.work = append(f.work[:0], f.s.frame...)
	if f.distinct {
		f.n++
		f.work = append(strconv.AppendUint(append(f.work[:len(f.work)-1], `,"n":`...), f.n, 10), '}')
	}
	f.s.h.Message(f.s.readers[f.at], 1, f.work, f.s.stamp())
	f.at++
}

// finish delivers the publication at hand to those who lack it.
func (f *feed) finish() (n int) {
	for ; f.at < len(f.s.readers); n++ {
		f.next()
	}
	return n
}
