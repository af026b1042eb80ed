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

// The twin of priority reads the whole history again for every urgent message that
// came, and adds up what came to that client since its acknowledgement, or since the
// latest answer about a subscription, but for what had arrived here before. The first of it only says that something came.
// Publisher 0 is urgent, 1 is normal, and 2 is low; those from least on count.
func priorityTwin(events []history.Event, least int32, allow int64) (behind int, judged int64) {
	acked := map[uint64]time.Duration{} // by number, of publisher 0
	largest := map[history.ClientID]int64{}
	for _, e := range events {
		switch {
		case e.Kind == history.Outcome && e.Publisher == 0:
			acked[e.Seq] = e.Seen
		case e.Kind == history.Deliver && e.Publisher >= least:
			largest[e.Client] = max(largest[e.Client], int64(e.Bytes))
		}
	}
	for i, u := range events {
		at := acked[u.Seq]
		if u.Kind != history.Deliver || u.Publisher != 0 || at == 0 {
			continue
		}
		var owed, from time.Duration
		for _, e := range events[:i] {
			if e.Client == u.Client && (e.Kind == history.Connected || e.Kind == history.Subscribed) {
				from = e.Seen
				if e.Channel == u.Channel || e.Kind == history.Connected {
					owed = e.Seen
				}
			}
		}
		if at < owed {
			continue
		}
		judged++
		bytes, first, fair := int64(0), true, int64(0)
		for _, e := range events[:i] {
			switch {
			case e.Client != u.Client || e.Kind != history.Deliver:
			case e.Publisher == 0 && e.Seen > at:
				fair += largest[u.Client]
			case e.Publisher >= least && e.Life == u.Life && e.Seen > max(at, from) && e.Arrived > at:
				if !first {
					bytes += int64(e.Bytes)
				}
				first = false
			}
		}
		if bytes > allow+fair {
			behind++
		}
	}
	return behind, judged
}

// TestPriorityTwin: on any history the rule finds what its twin finds, whatever the
// number of shards.
func TestPriorityTwin(t *testing.T) {
	const allow = 20
	names := history.NewNames([]string{"alarm", "digest", "stats", "more"})
	brief := &Brief{
		Groups:     []BriefGroup{{Name: "all", Count: 5}},
		Publishers: []BriefPublisher{{Client: 2, Name: "u", Priority: "urgent"}, {Client: 3, Name: "n"}, {Client: 4, Name: "l", Priority: "low"}},
		Promises:   scenario.Promises{Delivery: "at-most-once", Order: "none"},
		Expect:     []scenario.Expectation{{Rule: "priority", Name: "priority", Want: "normal", Allow: allow}},
	}
	low := *brief
	low.Expect = []scenario.Expectation{{Rule: "priority", Name: "priority", Want: "low", Allow: allow}}
	found, passed := map[int32]int{}, map[int32]int64{}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		chance := rand.New(rand.NewPCG(seed, 14))
		var events []history.Event
		now := time.Second
		var latest [2]time.Duration
		emit := func(e history.Event) {
			now += time.Duration(1+chance.IntN(20)) * time.Millisecond
			e.Seen, e.Arrived = now, now
			if e.Kind == history.Deliver && chance.IntN(4) == 0 { // it waited here
				e.Arrived -= time.Duration(chance.IntN(200)) * time.Millisecond
			}
			if e.Client < 2 {
				e.Arrived = max(e.Arrived, latest[e.Client]) // in the order of the stream
				latest[e.Client] = e.Arrived
			}
			events = append(events, e)
		}
		lives, open := [2]int32{}, [2]bool{}
		var said [3]uint64
		var due [3][]time.Duration
		for range 30 + chance.IntN(200) {
			c := chance.IntN(2)
			e := history.Event{Client: history.ClientID(c), Life: lives[c], Channel: -1}
			p := []int{0, 1, 1, 2, 2}[chance.IntN(5)]
			switch what := chance.IntN(40); {
			case !open[c]:
				lives[c]++
				open[c] = true
				e.Life = lives[c]
				for _, k := range []history.Kind{history.Dial, history.Open, history.Connected} {
					e.Kind, e.Sent = k, now
					emit(e)
				}
				for ch := range history.ChannelID(3) {
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
			case what == 1:
				e.Kind, e.Channel, e.Sent = history.Subscribe, 3, now
				emit(e)
				e.Kind = history.Subscribed
				emit(e)
			case what < 14:
				said[p]++
				due[p] = append(due[p], now)
				m := history.Event{Kind: history.Publish, Client: history.ClientID(2 + p), Publisher: int32(p), Channel: history.ChannelID(p), Life: 1, Incarnation: 1, Seq: said[p], Due: now, Sent: now}
				emit(m)
				if chance.IntN(10) > 0 {
					m.Kind, m.Result = history.Outcome, history.OK
					emit(m)
				}
			case said[p] > 0:
				n := uint64(1 + chance.IntN(int(said[p])))
				e.Kind, e.Channel, e.Flags, e.Publisher, e.Incarnation, e.Seq, e.Due = history.Deliver, history.ChannelID(p), history.FlagStamped, int32(p), 1, n, due[p][n-1]
				e.Bytes = int32(1 + chance.IntN(25))
				emit(e)
			}
		}
		for least, b := range map[int32]*Brief{1: brief, 2: &low} {
			want, judged := priorityTwin(events, least, allow)
			for shards := 1; shards <= 3; shards++ {
				_, vs := judgeEvents(b, names, events, shards)
				got, counted := 0, int64(0)
				for _, f := range vs[0].Findings {
					got += int(f.Times)
				}
				for _, c := range vs[0].Counts {
					if c.Name == "urgent deliveries" {
						counted = c.N
					}
				}
				if got != want || counted != judged {
					t.Fatalf("%s, %d shards: found %d of %d, the twin %d of %d\n%s", b.Expect[0].Want, shards, got, counted, want, judged, listFlow(events))
				}
			}
			found[least], passed[least] = found[least]+want, passed[least]+judged-int64(want)
		}
	})
	for least := range int32(2) {
		if !fewHistories() && (found[least+1] == 0 || passed[least+1] == 0) {
			t.Errorf("%d urgent messages were late and %d were not: nothing is proven", found[least+1], passed[least+1])
		}
	}
}

// listFlow prints what counts for priority.
func listFlow(events []history.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e.Kind {
		case history.Connected, history.Subscribed:
			fmt.Fprintf(&b, "%v client %d #%d answer %d\n", e.Seen, e.Client, e.Life, e.Channel)
		case history.Outcome:
			fmt.Fprintf(&b, "%v p%d#%d acknowledged\n", e.Seen, e.Publisher, e.Seq)
		case history.Deliver:
			fmt.Fprintf(&b, "%v client %d #%d gets p%d#%d, %d bytes\n", e.Seen, e.Client, e.Life, e.Publisher, e.Seq, e.Bytes)
		}
	}
	return b.String()
}
