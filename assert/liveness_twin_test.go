package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// What the rules about connections count, counted the obvious way: each question
// walks over the whole history of one client again.
type livenessTwin struct {
	errors, losses, back, samples int64
	late, zombies, broken         int64
	slowest                       time.Duration // connect
}

const (
	twinEvery = 4 * time.Second
	twinReaps = 5 * time.Second
)

func twinOver(limit time.Duration) time.Duration { return limit + 500*time.Millisecond }

func countLiveness(events []history.Event, clients int, end time.Duration) (n livenessTwin) {
	for c := range clients {
		var mine []history.Event
		for _, e := range events {
			if e.Client == history.ClientID(c) {
				mine = append(mine, e)
			}
		}
		wasReady := false
		for i, e := range mine {
			switch e.Kind {
			case history.Refused, history.Problem:
				if !e.Has(history.FlagExcused) {
					n.errors++
					if e.Has(history.FlagBroken) {
						n.broken++
					}
				}
			case history.Connected:
				n.samples++
				n.slowest = max(n.slowest, e.Seen-e.Due)
				n.life(mine[i:], mine[:i], end)
			case history.Ready:
				wasReady = true
			case history.Closed:
				if wasReady {
					n.losses++
					for _, later := range mine[i:] {
						if later.Kind == history.Ready {
							n.back++
							break
						}
					}
				}
				wasReady = false
			}
		}
	}
	return n
}

// life looks at one connection: mine begins with its answered connect.
func (n *livenessTwin) life(mine, before []history.Event, end time.Duration) {
	muted, clear := false, time.Duration(0)
	for _, e := range before {
		if e.Note == "mute pongs" {
			if muted = e.Kind == history.FaultBegin; !muted {
				clear = e.Seen + recovers
			}
		}
	}
	pinged, wrote := mine[0].Seen, mine[0].Seen
	known := true // the answer to the connect stands for a ping
	silent := func(now time.Duration) {
		if since := max(wrote, clear); muted && now-since > twinOver(twinReaps) {
			n.zombies++
		}
	}
	gap := func(now time.Duration) {
		if !muted && known && now-pinged > twinOver(twinEvery) {
			n.late++
		}
	}
	for _, e := range mine[1:] {
		if e.Life != mine[0].Life {
			break
		}
		switch {
		case e.Kind == history.Pinged:
			gap(e.Seen)
			known, pinged = !muted, e.Seen
			wrote = max(wrote, e.Sent)
		case e.Kind == history.Pinging:
			silent(e.Sent)
			wrote = max(wrote, e.Sent)
		case e.Kind == history.FaultBegin && e.Note == "mute pongs":
			muted, known = true, false
		case e.Kind == history.FaultEnd && e.Note == "mute pongs":
			silent(e.Seen)
			muted, clear = false, e.Seen+recovers
		case e.Kind == history.Closed:
			if silent(e.Seen); e.Who != history.Server {
				gap(e.Seen)
			}
			return
		}
	}
	gap(end)
}

// TestLivenessTwin: on any history of connections, pings, silences and ends the rules
// errors, reconnect, latency and heartbeat count what their twin counts, whatever the
// number of shards.
func TestLivenessTwin(t *testing.T) {
	names := history.NewNames([]string{"c"})
	limit := scenario.Limit{Op: "<=", A: 1000, Text: "1000"} // so that broken frames alone fail
	brief := &Brief{
		Groups: []BriefGroup{{Name: "all", Count: 3}}, Silence: 4003,
		Promises: scenario.Promises{Heartbeat: scenario.Heartbeat{Every: twinEvery, Timeout: time.Second}},
		Expect: []scenario.Expectation{
			{Rule: "errors", Name: "errors", Errors: limit},
			{Rule: "reconnect", Name: "reconnect", Success: scenario.Limit{Op: ">=", A: 1}},
			{Rule: "latency", Name: "latency", Latency: scenario.LatencyWant{Of: "connect", P: []scenario.Quantile{{Key: "max", Q: 1, Limit: scenario.Limit{Op: "<=", A: 1000}}}}},
			{Rule: "heartbeat", Name: "heartbeat", ServerEvery: scenario.Limit{Op: "<=", A: twinEvery.Seconds()}, Reaps: scenario.Limit{Op: "<=", A: twinReaps.Seconds()}},
		},
	}
	var sum livenessTwin
	rapid.Check(t, func(t *rapid.T) {
		events := []history.Event{{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseActive, Seen: time.Millisecond}}
		now := time.Second
		life, open, muted := [3]int32{}, [3]bool{}, [3]bool{}
		emit := func(e history.Event, most int) {
			now += time.Duration(rapid.IntRange(1, most).Draw(t, "later")) * time.Millisecond
			e.Seen, e.Arrived, e.Channel = now, now, -1
			if e.Kind == history.Dial || e.Kind == history.Pinging {
				e.Sent = now
			}
			if e.Sent == 1 {
				e.Sent = now
			}
			events = append(events, e)
		}
		for range rapid.IntRange(20, 90).Draw(t, "steps") {
			c := rapid.IntRange(0, 2).Draw(t, "client")
			e := history.Event{Client: history.ClientID(c), Life: life[c]}
			as := func(k history.Kind) history.Event { e.Kind = k; return e }
			switch what := rapid.IntRange(0, 11).Draw(t, "what"); {
			case what == 0:
				e.Note = "error 500"
				if rapid.Bool().Draw(t, "excused") {
					e.Flags = history.FlagExcused
				}
				if rapid.IntRange(0, 2).Draw(t, "broken") == 0 {
					e.Flags |= history.FlagBroken
				}
				emit(as(history.Problem), 300)
			case what == 1:
				e.Note = "mute pongs"
				if muted[c] = !muted[c]; muted[c] {
					emit(as(history.FaultBegin), 300)
				} else {
					emit(as(history.FaultEnd), 3000)
				}
			case !open[c]:
				life[c]++
				e.Life = life[c]
				emit(as(history.Dial), 100)
				if what < 4 {
					emit(as(history.Refused), 100)
					continue
				}
				due := now
				emit(as(history.Open), 100)
				e.Due = due
				emit(as(history.Connected), 300)
				if what > 4 {
					emit(as(history.Ready), 50)
				}
				open[c] = true
			case what < 4:
				open[c] = false
				e.Who = rapid.SampledFrom([]history.Who{history.Server, history.Fault}).Draw(t, "who")
				e.Code = 1011
				emit(as(history.Closed), 3000)
			case what == 4:
				emit(as(history.Pinging), 4000)
			default:
				if !muted[c] {
					e.Sent = 1 // answered as soon as it is read
				}
				emit(as(history.Pinged), 2500)
			}
		}
		now += time.Duration(rapid.IntRange(1, 6000).Draw(t, "end")) * time.Millisecond
		events = append(events, history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseEnd, Seen: now})
		want := countLiveness(events, 3, now)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			var got livenessTwin
			for _, v := range vs {
				dialled := false
				for _, c := range v.Counts {
					switch v.Rule + " " + c.Name {
					case "errors dials":
						dialled = c.N > 0
					case "errors errors":
						got.errors = c.N
					case "reconnect losses":
						got.losses = c.N
					case "reconnect back":
						got.back = c.N
					case "latency samples":
						got.samples = c.N
					case "latency max µs":
						got.slowest = time.Duration(c.N) * time.Microsecond
					}
				}
				if v.Rule == "errors" && dialled && (v.State == Fail) != (want.broken > 0) {
					t.Fatalf("%d shards: errors is %s with %d broken frames: %s", shards, v.State, want.broken, v.Reason)
				}
				for _, f := range v.Findings {
					switch f.Anomaly {
					case "late-heartbeat":
						got.late += f.Times
					case "zombie-connection":
						got.zombies += f.Times
					case "codec-desync":
						got.broken += f.Times
					}
				}
			}
			if d := got.slowest - want.slowest; d.Abs() > want.slowest/500 { // three digits are kept
				t.Fatalf("%d shards: the slowest connect took %v, the twin says %v", shards, got.slowest, want.slowest)
			}
			if got.slowest = want.slowest; got != want {
				t.Fatalf("%d shards: got %+v, the twin %+v\n%s", shards, got, want, listAbuse(events))
			}
		}
		sum.errors, sum.losses, sum.back = sum.errors+want.errors, sum.losses+want.losses, sum.back+want.back
		sum.late, sum.zombies, sum.broken = sum.late+want.late, sum.zombies+want.zombies, sum.broken+want.broken
	})
	if !fewHistories() && (sum.errors == 0 || sum.broken == 0 || sum.losses == sum.back || sum.back == 0 || sum.late == 0 || sum.zombies == 0) {
		t.Errorf("nothing is proven: %+v", sum)
	}
}
