package campaign

import (
	"strings"
	"testing"
	"time"

	"squall/assert"
	"squall/assert/history"
)

// TestScale: who is scaled down says goodbye when everything it said is answered,
// and is heard of no more until it is wanted again; who is scaled up arrives when
// the plan says, publishes from its first answer on, and asks for nothing old.
func TestScale(t *testing.T) {
	p := compile(t, "scale.yaml", []byte(`squall: 1
name: scale
duration: 10s
target: {gateway: {history: {size: 5000, ttl: 60s}}}
clients:
  m: {count: 10, subscribe: {channel: "c.{i % 2}"}, publish: {channel: "c.{i % 2}", rate: 20/s, payload: {}}, reconnect: {first: 50ms, max: 200ms}}
timeline:
  - {at: 1s, disconnect: {who: m, how: reset, share: 50%, away: 3s}}
  - {at: 2s, scale: {who: m, to: 4, over: 1s}}
  - {at: 5s, scale: {who: m, to: 16, over: 1s}}
  - {at: 8s, scale: {who: m, to: 0}}
  - {at: 8001ms, scale: {who: m, to: 5}}
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
  - reconnect: {success: 100%}
  - errors: 0
`), 3)
	r, events := recorded(t, p)
	if r.State != assert.Pass {
		t.Fatalf("a correct gateway did not pass:\n%s", tell(r))
	}
	var zero time.Duration
	for _, e := range events[-1] {
		if e.Kind == history.Phase && e.Note == history.PhaseActive {
			zero = e.Seen
		}
	}
	planned := make(map[history.ClientID][]bool) // in, or out
	for i := range p.Clients {
		if p.Clients[i].Arrive >= 0 {
			planned[history.ClientID(i)] = []bool{true}
		}
	}
	for _, m := range p.Moments {
		for _, v := range m.Victims {
			if m.Do == "scale" {
				planned[history.ClientID(v.Client)] = append(planned[history.ClientID(v.Client)], m.How == "in")
			}
		}
	}
	came, went, unknown := 0, 0, 0
	for c, want := range planned {
		there, ready, subscribed := false, false, false
		turn, published := 0, 0
		for _, e := range events[c] {
			switch {
			case e.Kind == history.Dial && !there && (turn == 0 || !want[turn-1]):
				there, ready, subscribed = true, false, false
				turn++
				came++
				if e.Seen-zero < 5*time.Second && c >= 10 {
					t.Errorf("client %d arrives at %v", c, e.Seen-zero)
				}
			case e.Kind == history.FaultBegin && e.Note == "scale":
				if !there {
					t.Errorf("client %d leaves and is not there", c)
				}
				there = false
				turn++
				went++
			case e.Kind == history.Subscribe:
				if !subscribed && e.Has(history.FlagRecover) {
					t.Errorf("client %d comes and asks for what it missed before", c)
				}
				subscribed = true
			case e.Kind == history.Ready:
				ready = true
			case e.Kind == history.Publish:
				if published++; !there || !ready {
					t.Errorf("client %d publishes at %v: there %v, ready %v", c, e.Seen-zero, there, ready)
				}
			case e.Kind == history.Missed && (!there || !ready):
				t.Errorf("client %d misses a publication at %v, and is not there", c, e.Seen-zero)
			case e.Kind == history.Outcome && e.Result == history.Unknown:
				unknown++
			}
		}
		if turn != len(want) || there != want[len(want)-1] {
			t.Errorf("client %d: %d comings and goings, want %v", c, turn, want)
		}
		if published == 0 {
			t.Errorf("client %d has published nothing", c)
		}
	}
	if came != 10+12+5 || went != 6+16 {
		t.Errorf("%d came and %d went, want 27 and 22", came, went)
	}
	if most := 5 * 1; unknown > most { // of those that were reset
		t.Errorf("%d publications have no outcome; who leaves waits for the answers", unknown)
	}
	if r.Traffic.Connections != 16 {
		t.Errorf("%d connections at most, want 16", r.Traffic.Connections)
	}
}

// TestLinkChangesTimesAlone: the same scenario over bad links gives the same
// verdicts, and the times of the others are what they were.
func TestLinkChangesTimesAlone(t *testing.T) {
	const src = `squall: 1
name: links
duration: 8s
target: {gateway: {history: {size: 5000, ttl: 60s}}}
clients:
  a: {count: 6, subscribe: {channel: "c.{i % 2}"}, reconnect: {first: 50ms, max: 200ms}}
  b: {count: 6, LINK subscribe: {channel: "c.{i % 2}"}, reconnect: {first: 50ms, max: 200ms}}
  w: {count: 4, publish: {channel: "c.{i % 2}", rate: 20/s, payload: {}}}
timeline:
  - {at: 2s, disconnect: {share: 30%, who: [a, b], how: reset, away: 300ms}}
  MOMENT
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
  - {latency: {of: delivery, p99: 20ms}}
  - {latency: {of: delivery, p99: 20ms, during: healthy}, to: a}
  - errors: 0
`
	for _, row := range []struct {
		about, link, moment string
		apart               time.Duration // at least, at the median
	}{
		{"none", "", "", 0},
		{"a link", "link: {delay: 200ms, jitter: 100ms},", "", 100 * time.Millisecond},
		{"a narrow one", "link: {rate: 12KiB/s, delay: 10ms},", "", 10 * time.Millisecond},
		{"a slow reader", "read: 12KiB/s,", "", 1},
		{"worse for a while", "link: {delay: 20ms},", "- {at: 3s, degrade: {who: b, delay: 400ms, jitter: 300ms, rate: 4KiB/s, for: 3s}}", 20 * time.Millisecond},
		{"for everybody who reads b's channel too", "", "- {at: 3s, degrade: {who: b, share: 50%, delay: 400ms, for: 30s}}", 300 * time.Millisecond},
	} {
		t.Run(row.about, func(t *testing.T) {
			text := []byte(strings.NewReplacer("LINK", row.link, "MOMENT", row.moment).Replace(src))
			r, _ := recorded(t, compile(t, "links.yaml", text, 5))
			if r.State != assert.Pass {
				t.Errorf("did not pass:\n%s", tell(r))
			}
			apart := time.Duration(0)
			for _, l := range r.Latency {
				if l.Stage == "delivery" && l.During == "apart" {
					apart = l.P50
				}
				if l.During != "apart" && l.Stage == "delivery" && l.P99 > 20*time.Millisecond {
					t.Errorf("%s: p99 of the others is %v", l.During, l.P99)
				}
			}
			if apart < row.apart || row.apart == 0 && apart != 0 {
				t.Errorf("the median apart is %v, want at least %v", apart, row.apart)
			}
		})
	}
}

// TestLimitsAndOutages: whatever happens to the gateway meanwhile, late and slow
// clients, and such as come and go, don't make a correct one look wrong.
func TestLimitsAndOutages(t *testing.T) {
	const src = `squall: 1
name: outages
duration: 24s
target: {gateway: {nodes: NODES, history: {size: 5000, ttl: 60s}, heartbeat: {every: 2s, timeout: 1500ms}, limits: {backlog: 32KiB}}}
clients:
  near: {count: 12, subscribe: {channel: "c.{i % 2}"}, reconnect: {first: 50ms, max: 500ms}}
  far: {count: 12, link: {delay: 200ms..DELAY, jitter: 300ms}, subscribe: [{channel: "c.{i % 2}"}, {pattern: "c.*"}], reconnect: {first: 50ms, max: 500ms}}
  slow: {count: 4, read: 4KiB/s, subscribe: {channel: "c.{i % 2}"}, reconnect: {first: 50ms, max: 500ms}}
  w: {count: 6, publish: {channel: "c.{i % 3}", rate: 8/s, size: 400B, payload: {}}, reconnect: {first: 50ms, max: 500ms}}
timeline:
  - {at: 2s, gateway: {VERB: each, apart: 5s}}
  - {at: 3s, degrade: {who: [near, w], share: 30%, delay: 700ms, jitter: 500ms, rate: 6KiB/s, for: 4s}}
  - {at: 4s, scale: {who: near, to: 30, over: 6s}}
  - {at: 12s, scale: {who: far, to: 3, over: 3s}}
  - {at: 14s, gateway: {VERB: all}}
  - {at: 16s, scale: {who: far, to: 20, over: 3s}}
  - {every: 3s, disconnect: {share: 10%, how: reset, away: 0s..2s}}
expect:
  - {delivery: exactly-once, waived: "<= 1000000"}
  - order: per-channel
  - recovery: honest
  - reconnect: {success: 100%}
  - heartbeat: {server-every: 2s}
  - close: {when: drain, codes: [1001, 1012]}
  - {latency: {of: delivery, max: 10m}}
  - isolation: strict
  - errors: 0
`
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for _, verb := range []string{"drain", "restart", "kill", "maintenance", "new-epoch", "forget-history"} {
		for _, nodes := range []string{"1", "2"} {
			t.Run(verb+"/"+nodes, func(t *testing.T) {
				t.Parallel()
				for seed := uint64(1); seed <= seeds; seed++ {
					delay := []string{"500ms", "2s", "5s"}[seed%3]
					text := strings.NewReplacer("NODES", nodes, "VERB", verb, "DELAY", delay).Replace(src)
					r := bubble(t, compile(t, "outages.yaml", []byte(text), seed))
					if r.State == assert.Fail {
						t.Errorf("seed %d: a correct gateway was blamed:\n%s", seed, tell(r))
					}
				}
			})
		}
	}
}
