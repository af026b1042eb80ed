package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// said is a publication of the naive model: message seq of a channel, and the
// message of the other channel that its publisher had received before.
type said struct {
	channel int
	seq     uint64 // also its offset
	cause   uint64 // of the other channel; 0: none
}

// TestCausalTwin compares the rule with the definition: for every receipt whose
// cause the same client is owed, look whether the cause stands before it. The
// channels are merged at random for each client, so that most histories invert
// something.
func TestCausalTwin(t *testing.T) {
	inverted, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		names := history.NewNames([]string{"room", "hall"})
		brief := &Brief{
			Groups:     []BriefGroup{{Name: "voters", Count: 2, Subs: 4}, {Name: "tellers", First: 2, Count: 2}},
			Publishers: []BriefPublisher{{Client: 2}, {Client: 3}},
			Promises:   scenario.Promises{Delivery: "exactly-once", Order: "per-channel"},
			Offsets:    true, Ack: true,
			Expect: []scenario.Expectation{{Rule: "order", Name: "order", Want: "causal"}},
		}
		at := time.Duration(0)
		var events []history.Event
		add := func(e history.Event) {
			at += time.Millisecond
			e.Seen, e.Arrived, e.Sent, e.Life = at, at, at, 1
			events = append(events, e)
		}
		for c := range history.ClientID(2) {
			add(history.Event{Kind: history.Open, Client: c})
			for ch := range history.ChannelID(2) {
				add(history.Event{Kind: history.Subscribe, Client: c, Channel: ch})
				add(history.Event{Kind: history.Subscribed, Client: c, Channel: ch, Epoch: 9, Flags: history.FlagPositioned})
			}
		}
		var all [2][]said
		for range rapid.IntRange(1, 20).Draw(t, "messages") {
			ch := rapid.IntRange(0, 1).Draw(t, "channel")
			m := said{channel: ch, seq: uint64(len(all[ch]) + 1), cause: uint64(rapid.IntRange(0, len(all[1-ch])).Draw(t, "cause"))}
			all[ch] = append(all[ch], m)
			e := history.Event{Kind: history.Publish, Client: history.ClientID(2 + ch), Publisher: int32(ch), Incarnation: 1, Seq: m.seq, Channel: history.ChannelID(ch)}
			add(e)
			e.Kind, e.Result = history.Outcome, history.OK
			add(e)
		}
		want := 0
		for c := range history.ClientID(2) {
			var next [2]int
			for next[0] < len(all[0]) || next[1] < len(all[1]) {
				ch := rapid.IntRange(0, 1).Draw(t, "which")
				if next[ch] == len(all[ch]) {
					ch = 1 - ch
				}
				m := all[ch][next[ch]]
				next[ch]++
				add(history.Event{Kind: history.Deliver, Client: c, Channel: history.ChannelID(ch), Epoch: 9, Offset: m.seq,
					Publisher: int32(ch), Incarnation: 1, Seq: m.seq, Flags: history.FlagPositioned | history.FlagStamped})
				if m.cause == 0 {
					continue
				}
				add(history.Event{Kind: history.Caused, Client: c, Channel: history.ChannelID(1 - ch), Publisher: int32(1 - ch), Incarnation: 1, Seq: m.cause, Offset: m.cause})
				if m.cause > uint64(next[1-ch]) {
					want++
				} else {
					kept++
				}
			}
		}
		inverted += want
		_, vs := judgeEvents(brief, names, events, rapid.IntRange(1, 2).Draw(t, "shards"))
		got := int64(0)
		for _, f := range vs[0].Findings {
			if f.Anomaly != "causal-inversion" {
				t.Fatalf("found %s", f.Anomaly)
			}
			got += f.Times
		}
		if got != int64(want) {
			t.Fatalf("the rule says %d, the twin %d\n%s", got, want, dump(vs[0]))
		}
	})
	if !fewHistories() && (inverted == 0 || kept == 0) {
		t.Errorf("not exercised: %d inverted, %d kept", inverted, kept)
	}
}
