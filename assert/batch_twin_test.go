package assert

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// twinBatch is one message of the WebSocket, as the twin of batch takes it apart: what
// came of one channel in it.
type twinBatch struct {
	life     int32
	messages []history.Event
}

// batchTwin reads the history from the start for each client and channel, takes it apart
// into batches, and asks of each message, each batch and each pair of neighbours by
// itself. Clients 0 and 1 listen; what came in a replay is no part of any batch.
func batchTwin(events []history.Event, most int, limit, promised time.Duration) (oversized, late, never int, judged int64) {
	acked, sent := map[uint64]time.Duration{}, map[uint64]time.Duration{} // by channel and number
	name := func(e *history.Event) uint64 { return uint64(e.Channel)<<32 | e.Seq }
	for i := range events {
		switch e := &events[i]; {
		case e.Kind == history.Publish:
			sent[name(e)] = e.Sent
		case e.Kind == history.Outcome && e.Result == history.OK:
			acked[name(e)] = e.Seen
		}
	}
	answered := func(from, to time.Duration) bool {
		for id, at := range sent {
			if a := acked[id]; a > 0 && at >= from && a <= to {
				return true
			}
		}
		return false
	}
	for client := range history.ClientID(2) {
		for ch := range history.ChannelID(2) {
			var all []twinBatch
			var owed time.Duration
			top := uint64(0)
			fresh := false
			for i := range events {
				e := &events[i]
				switch {
				case e.Client != client:
				case e.Kind == history.Connected || e.Kind == history.Subscribed && e.Channel == ch:
					owed = e.Seen
				case e.Kind != history.Deliver:
				case e.Flags&history.FlagJoined == 0:
					fresh = true
					fallthrough
				default:
					if e.Channel != ch || e.Flags&history.FlagReplay != 0 {
						if e.Channel == ch {
							top = max(top, e.Seq)
						}
						continue
					}
					judged++
					if fresh || len(all) == 0 {
						all, fresh = append(all, twinBatch{life: e.Life}), false
					}
					b := &all[len(all)-1]
					b.messages = append(b.messages, *e)
					if len(b.messages) == most+1 {
						oversized++
					}
					a := acked[name(e)]
					if e.Seq > top && a > 0 && a >= owed && e.Arrived > a+limit+time.Millisecond && answered(a+limit+time.Millisecond, e.Arrived) {
						late++
					}
					top = max(top, e.Seq)
				}
			}
			chances, several := 0, false
			lives := map[int32]int{}
			for i, b := range all {
				several = several || len(b.messages) > 1
				if lives[b.life]++; lives[b.life] < 3 {
					continue
				}
				first, next := name(&all[i-1].messages[0]), name(&b.messages[0])
				if acked[first] > 0 && acked[next] > 0 && acked[next] < sent[first]+promised-time.Millisecond {
					chances++
				}
			}
			if !several && chances >= 20 && most > 1 {
				never++
			}
		}
	}
	return oversized, late, never, judged
}

// TestBatchTwin: on any history the rule finds what its twin finds, whatever the number
// of shards.
func TestBatchTwin(t *testing.T) {
	const most, limit, promised = 3, 40 * time.Millisecond, 60 * time.Millisecond
	names := history.NewNames([]string{"a", "b"})
	brief := &Brief{
		Groups:     []BriefGroup{{Name: "all", Count: 4}},
		Publishers: []BriefPublisher{{Client: 2, Name: "p"}, {Client: 3, Name: "q"}},
		Promises:   scenario.Promises{Delivery: "at-most-once", Order: "none", Batches: []scenario.Batch{{Match: "*", Max: most, Wait: promised}}},
		Expect:     []scenario.Expectation{{Rule: "batch", Name: "batch", Channel: "*", Batch: scenario.BatchLimit{Max: most, Wait: limit}}},
	}
	var met [4]int64
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		events := batchHistory(rand.New(rand.NewPCG(seed, 15)))
		oversized, late, never, judged := batchTwin(events, most, limit, promised)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			got := map[string]int{}
			for _, f := range vs[0].Findings {
				got[f.Anomaly] += int(f.Times)
			}
			counted := int64(0)
			for _, c := range vs[0].Counts {
				if c.Name == "live messages" {
					counted = c.N
				}
			}
			if got["batch-oversized"] != oversized || got["batch-held-too-long"] != late || got["not-batched"] != never || counted != judged {
				t.Fatalf("%d shards: found %v of %d, the twin %d oversized, %d late, %d never of %d\n%s", shards, got, counted, oversized, late, never, judged, listBatches(events))
			}
		}
		met[0], met[1], met[2], met[3] = met[0]+int64(oversized), met[1]+int64(late), met[2]+int64(never), met[3]+judged
	})
	if !fewHistories() && (met[0] == 0 || met[1] == 0 || met[2] == 0 || met[3] < 1000) {
		t.Errorf("%d oversized, %d late, %d never batched of %d: nothing is proven", met[0], met[1], met[2], met[3])
	}
}

// batchHistory is what two listeners get of two channels, each with its publisher, from a
// target that may do anything with them.
func batchHistory(chance *rand.Rand) (events []history.Event) {
	now := time.Second
	step := 1 + chance.IntN(8)
	alone := chance.IntN(3) == 0 // it never gathers
	emit := func(e history.Event) {
		e.Seen, e.Arrived = now, now
		if e.Kind == history.Deliver && chance.IntN(6) == 0 { // it waited here
			e.Arrived -= time.Duration(chance.IntN(60)) * time.Millisecond
		}
		events = append(events, e)
	}
	var lives [2]int32
	var open [2]bool
	var said [2]uint64
	var due [2][]time.Duration
	var came [2][2]uint64 // by client and channel
	for range 40 + chance.IntN(400) {
		now += time.Duration(1+chance.IntN(step)) * time.Millisecond
		c := chance.IntN(2)
		e := history.Event{Client: history.ClientID(c), Life: lives[c], Channel: -1}
		switch what := chance.IntN(100); {
		case !open[c]:
			lives[c]++
			open[c] = true
			e.Life = lives[c]
			for _, k := range []history.Kind{history.Dial, history.Open, history.Connected} {
				e.Kind, e.Sent = k, now
				emit(e)
			}
			for ch := range history.ChannelID(2) {
				e.Kind, e.Channel, e.Sent = history.Subscribe, ch, now
				emit(e)
				e.Kind = history.Subscribed
				emit(e)
			}
			e.Kind, e.Channel = history.Ready, -1
			emit(e)
		case what == 0:
			open[c] = false
			e.Kind, e.Who = history.Closed, history.Server
			emit(e)
		case what < 45:
			p := chance.IntN(2)
			said[p]++
			due[p] = append(due[p], now)
			m := history.Event{Kind: history.Publish, Client: history.ClientID(2 + p), Publisher: int32(p), Channel: history.ChannelID(p), Life: 1, Incarnation: 1, Seq: said[p], Due: now, Sent: now}
			emit(m)
			now += time.Duration(chance.IntN(5)) * time.Millisecond
			switch chance.IntN(30) {
			case 0:
			case 1:
				m.Kind, m.Result = history.Outcome, history.Failed
				emit(m)
			default:
				m.Kind, m.Result = history.Outcome, history.OK
				emit(m)
			}
		default: // some of what is there, in one message of the WebSocket or in several
			joined := false
			for range 1 + chance.IntN(6) {
				p := chance.IntN(2)
				n := came[c][p] + 1
				if chance.IntN(20) == 0 { // once more
					n = max(came[c][p], 1)
				}
				if n > said[p] || n == 0 {
					continue
				}
				came[c][p] = max(came[c][p], n)
				e.Kind, e.Channel, e.Flags, e.Publisher, e.Incarnation, e.Seq, e.Due = history.Deliver, history.ChannelID(p), history.FlagStamped, int32(p), 1, n, due[p][n-1]
				e.Bytes = 10
				if chance.IntN(20) == 0 {
					e.Flags |= history.FlagReplay
				}
				if joined && !alone {
					e.Flags |= history.FlagJoined
				}
				joined = true
				emit(e)
			}
		}
	}
	return events
}

// listBatches prints what counts for batches.
func listBatches(events []history.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e.Kind {
		case history.Connected, history.Subscribed:
			fmt.Fprintf(&b, "%v client %d #%d answer %d\n", e.Seen, e.Client, e.Life, e.Channel)
		case history.Publish, history.Outcome:
			fmt.Fprintf(&b, "%v p%d#%d %v\n", e.Seen, e.Publisher, e.Seq, map[history.Kind]string{history.Publish: "sent", history.Outcome: "answered"}[e.Kind])
		case history.Deliver:
			fmt.Fprintf(&b, "%v (%v) client %d #%d gets p%d#%d joined %v replay %v\n", e.Seen, e.Arrived, e.Client, e.Life, e.Publisher, e.Seq, e.Has(history.FlagJoined), e.Has(history.FlagReplay))
		}
	}
	return b.String()
}
