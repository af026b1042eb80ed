package campaign

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"squall/assert"
	"squall/assert/history"
	"squall/driver/engine/memory"
	"squall/report"
	"squall/scenario"
)

// recorded runs a plan in a bubble and returns what happened to each client, in
// order.
func recorded(t *testing.T, p *scenario.Plan) (r *report.Result, events map[history.ClientID][]history.Event) {
	t.Helper()
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var err error
		r, err = Run(context.Background(), p, Options{Network: new(memory.Network), Loops: 2, Run: 7, Record: &b, Command: "squall run"})
		if err != nil {
			t.Fatal(err)
		}
	})
	rec, err := history.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	events = make(map[history.ClientID][]history.Event)
	for {
		_, e, err := rec.Next()
		if errors.Is(err, io.EOF) {
			return r, events
		}
		if err != nil {
			t.Fatal(err)
		}
		events[e.Client] = append(events[e.Client], e)
	}
}

// TestTriggersHitTheMoment: the fault comes right behind the event that it waits
// for, once for each client, and nothing is received in between.
func TestTriggersHitTheMoment(t *testing.T) {
	const head = `squall: 1
name: moments
duration: 8s
target: {gateway: {heartbeat: {every: 1s, timeout: 1s}}}
clients:
  m: {count: 20, subscribe: {channel: "c.{i % 2}"}, reconnect: {first: 50ms, max: 200ms}}
  w: {count: 4, publish: {channel: "c.{i % 2}", rate: 10/s, payload: {}}, reconnect: {first: 50ms, max: 200ms}}
timeline:
  - {at: 1s, disconnect: {who: m, how: reset, away: 1s}}
  - {when: `
	deliver := func(e *history.Event, replay bool) bool {
		return e.Kind == history.Deliver && e.Has(history.FlagReplay) == replay
	}
	for _, row := range []struct {
		when string
		who  string
		nth  int
		is   func(e *history.Event) bool
	}{
		{"{who: m, sees: connected, nth: 2}", "m", 2, func(e *history.Event) bool { return e.Kind == history.Connected }},
		{"{who: m, sees: subscribed, nth: 2, before: message}", "m", 2, func(e *history.Event) bool { return e.Kind == history.Subscribed }},
		{"{who: m, sees: replay, nth: 3}", "m", 3, func(e *history.Event) bool { return deliver(e, true) }},
		{"{who: m, sees: message, nth: 9, channel: \"c.*\"}", "m", 9, func(e *history.Event) bool { return deliver(e, false) }},
		{"{who: m, sees: ping, nth: 2}", "m", 2, func(e *history.Event) bool { return e.Kind == history.Pinged }},
		{"{who: w, sees: acked, nth: 7}", "w", 7, func(e *history.Event) bool {
			return e.Kind == history.Outcome && e.Result == history.OK && !e.Has(history.FlagFence)
		}},
	} {
		for _, how := range []string{"reset", "fin", "vanish"} {
			src := head + row.when + ", disconnect: {how: " + how + ", away: 300ms}}\n"
			r, all := recorded(t, compile(t, "moments.yaml", []byte(src), 1))
			if r.State != assert.Pass {
				t.Errorf("%s, %s: a correct gateway did not pass:\n%s", row.when, how, tell(r))
			}
			struck := 0
			for client, events := range all {
				if client < 0 || (row.who == "m") != (client < 20) {
					continue
				}
				n := 0
				for i := range events {
					if !row.is(&events[i]) {
						continue
					}
					if n++; n != row.nth {
						continue
					}
					for _, e := range events[i+1:] {
						if e.Kind == history.FaultBegin && strings.HasSuffix(e.Note, how) {
							struck++
							if e.Seen != events[i].Seen {
								t.Errorf("%s, %s: client %d was struck %v later", row.when, how, client, e.Seen-events[i].Seen)
							}
							break
						}
						if e.Kind == history.Deliver || e.Kind == history.Outcome {
							t.Errorf("%s, %s: client %d went on to %+v", row.when, how, client, e)
							break
						}
					}
				}
			}
			if want := map[string]int{"m": 20, "w": 4}[row.who]; struck != want {
				t.Errorf("%s, %s: %d clients were struck, want %d", row.when, how, struck, want)
			}
		}
	}
}

// TestTriggersBefore: what came first on the same connection keeps a trigger
// from firing.
func TestTriggersBefore(t *testing.T) {
	const src = `squall: 1
name: moments
duration: 3s
clients:
  m: {count: 10, subscribe: {channel: c}, reconnect: {first: 50ms, max: 200ms}}
  w: {count: 1, publish: {channel: c, rate: 10/s, payload: {}}}
timeline:
  - {when: {who: m, sees: message, nth: 2, before: subscribed}, disconnect: {how: reset}}
`
	_, all := recorded(t, compile(t, "moments.yaml", []byte(src), 1))
	for client, events := range all {
		for _, e := range events {
			if e.Kind == history.FaultBegin {
				t.Fatalf("client %d was struck: every message comes after the answer", client)
			}
		}
	}
}

// TestTriggersStrikeOthers: when the first of some has seen it, all of the others are
// struck, once, whichever loop they are on.
func TestTriggersStrikeOthers(t *testing.T) {
	const src = `squall: 1
name: moments
duration: 6s
clients:
  m: {count: 20, subscribe: {channel: "c.{i % 2}"}, reconnect: {first: 50ms, max: 200ms}}
  w: {count: 4, publish: {channel: "c.{i % 2}", rate: 10/s, payload: {}}, reconnect: {first: 50ms, max: 200ms}}
timeline:
  - {when: {who: w, sees: acked, nth: 15}, disconnect: {who: m, share: 50%, how: reset, away: 300ms}}
  - {when: {who: m, sees: closed}, disconnect: {who: w, how: fin, away: 100ms}}
`
	r, all := recorded(t, compile(t, "moments.yaml", []byte(src), 1))
	if r.State != assert.Pass {
		t.Errorf("a correct gateway did not pass:\n%s", tell(r))
	}
	first := map[history.Kind]time.Duration{}
	struck := map[string][]time.Duration{}
	for client, events := range all {
		acked := 0
		for _, e := range events {
			kind := e.Kind
			switch {
			case kind == history.Outcome && e.Result == history.OK && !e.Has(history.FlagFence):
				if acked++; acked != 15 {
					continue
				}
			case kind == history.Closed && client < 20:
			case kind == history.FaultBegin && client >= 0:
				struck[e.Note] = append(struck[e.Note], e.Seen)
				continue
			default:
				continue
			}
			if at, ok := first[kind]; !ok || e.Seen < at {
				first[kind] = e.Seen
			}
		}
	}
	for note, want := range map[string]struct {
		n  int
		at time.Duration
	}{"disconnect reset": {10, first[history.Outcome]}, "disconnect fin": {4, first[history.Closed]}} {
		if want.at == 0 || len(struck[note]) != want.n {
			t.Errorf("%s: %d were struck, want %d", note, len(struck[note]), want.n)
		}
		for _, at := range struck[note] {
			if at != want.at {
				t.Errorf("%s: struck at %v, want %v", note, at, want.at)
			}
		}
	}
}
