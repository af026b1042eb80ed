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
