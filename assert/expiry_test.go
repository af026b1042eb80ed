package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// The twin of expiry reads the whole history again for every connection: it is
// objected to once if something came on it that was sent when its token had expired,
// and the promised time was over.
func expiryTwin(events []history.Event, within time.Duration) (alive int, ended int64) {
	sent := map[uint64]time.Duration{}
	for _, e := range events {
		if e.Kind == history.Publish {
			sent[e.Seq] = e.Sent
		}
	}
	for i, x := range events {
		if x.Kind != history.Expires {
			continue
		}
		bad := false
		for _, e := range events[i:] {
			if e.Client != x.Client || e.Life != x.Life {
				continue
			}
			if e.Kind == history.Deliver && sent[e.Seq] > x.Sent+within && e.Due > x.Sent+within {
				bad = true
			}
			if e.Kind == history.Closed && e.Who == history.Server && e.Seen >= x.Sent-time.Second && !bad {
				ended++
			}
		}
		if bad {
			alive++
		}
	}
	return alive, ended
}

// TestExpiryTwin: on any history of tokens that expire the rule finds what its twin
// finds, whatever the number of shards.
func TestExpiryTwin(t *testing.T) {
	const within = 2 * time.Second
	names := history.NewNames([]string{"c", "d"})
	brief := &Brief{
		Groups: []BriefGroup{{Name: "all", Count: 4, Renew: true}}, Publishers: []BriefPublisher{{Client: 3, Name: "p"}},
		Promises: scenario.Promises{Expiry: within, Delivery: "exactly-once", Order: "per-publisher"},
		Expect:   []scenario.Expectation{{Rule: "isolation", Name: "isolation", Want: "strict"}},
	}
	found, finished := 0, int64(0)
	rapid.Check(t, func(t *rapid.T) {
		var events []history.Event
		now := time.Second
		lives, open := [3]int32{}, [3]bool{}
		said, due := uint64(0), map[uint64]time.Duration{}
		later := func(most int) time.Duration {
			return time.Duration(rapid.IntRange(1, most).Draw(t, "later")) * time.Millisecond
		}
		emit := func(e history.Event) {
			now += later(800)
			e.Seen, e.Arrived = now, now
			events = append(events, e)
		}
		for range rapid.IntRange(20, 80).Draw(t, "steps") {
			c := rapid.IntRange(0, 2).Draw(t, "client")
			e := history.Event{Client: history.ClientID(c), Life: lives[c], Channel: -1}
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case !open[c]:
				lives[c]++
				open[c] = true
				e.Life = lives[c]
				for _, k := range []history.Kind{history.Dial, history.Open, history.Expires, history.Connected, history.Subscribe, history.Subscribed, history.Ready} {
					if e.Kind, e.Channel, e.Sent = k, -1, now; k == history.Subscribe || k == history.Subscribed {
						e.Channel = 0
					}
					if k == history.Expires {
						if rapid.IntRange(0, 4).Draw(t, "for ever") == 0 {
							continue
						}
						e.Sent = now + later(5000)
					}
					emit(e)
				}
			case what < 2:
				open[c] = false
				e.Kind, e.Who = history.Closed, rapid.SampledFrom([]history.Who{history.Server, history.Fault}).Draw(t, "who")
				emit(e)
			case what < 5:
				said++
				due[said] = now
				m := history.Event{Kind: history.Publish, Client: 3, Life: 1, Incarnation: 1, Seq: said, Due: now, Sent: now + later(300)}
				emit(m)
				m.Kind, m.Result = history.Outcome, history.OK
				emit(m)
			case said > 0:
				n := uint64(rapid.IntRange(1, int(said)).Draw(t, "message"))
				e.Kind, e.Channel, e.Flags, e.Incarnation, e.Seq, e.Due = history.Deliver, 0, history.FlagStamped, 1, n, due[n]
				emit(e)
			}
		}
		want, ended := expiryTwin(events, within)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			got := 0
			for _, f := range vs[0].Findings {
				if f.Anomaly == "expired-token-alive" {
					got += int(f.Times)
				}
			}
			over := int64(0)
			for _, c := range vs[0].Counts {
				if c.Name == "ended with their token" {
					over = c.N
				}
			}
			if got != want || over != ended {
				t.Fatalf("%d shards: found %d, the twin %d; %d ended with their token, the twin %d\n%s", shards, got, want, over, ended, listAbuse(events))
			}
		}
		found, finished = found+want, finished+ended
	})
	if !fewHistories() && (found == 0 || finished == 0) {
		t.Errorf("%d connections outlived their tokens and %d ended with them: nothing is proven", found, finished)
	}
}

// TestExpiryNeedsAPromise: without one nothing is judged, and with one a run in which
// no token ran out proves nothing.
func TestExpiryNeedsAPromise(t *testing.T) {
	for _, row := range []struct {
		within time.Duration
		ends   bool
		found  bool
		reason string
	}{
		{0, false, false, ""},
		{time.Second, false, true, "expired-token-alive"},
		{time.Hour, false, false, "not exercised: no token ran out while its client was connected; make the `exp` of the group with `renew` shorter than its connections"},
		{time.Hour, true, false, ""},
	} {
		b := &Brief{
			Groups: []BriefGroup{{Name: "all", Count: 2, Renew: true}}, Publishers: []BriefPublisher{{Client: 1, Name: "p"}},
			Promises: scenario.Promises{Expiry: row.within},
			Expect:   []scenario.Expectation{{Rule: "isolation", Name: "isolation", Want: "strict"}},
		}
		j := NewJudge(b, history.NewNames([]string{"c", "d"}))
		at := func(s int) time.Duration { return time.Duration(s) * time.Second }
		for c := range history.ClientID(2) {
			for i, k := range []history.Kind{history.Dial, history.Open, history.Expires, history.Connected, history.Ready} {
				e := history.Event{Kind: k, Client: c, Life: 1, Channel: -1, Seen: at(1), Sent: at(1)}
				if i == 2 {
					e.Sent = at(5)
				}
				j.Add(e)
			}
		}
		j.Add(history.Event{Kind: history.Subscribe, Client: 0, Life: 1, Seen: at(1)})
		j.Add(history.Event{Kind: history.Subscribed, Client: 0, Life: 1, Seen: at(1)})
		for i, ch := range []history.ChannelID{0, 1} {
			j.Add(history.Event{Kind: history.Publish, Client: 1, Life: 1, Channel: ch, Incarnation: 1, Seq: 1, Due: at(9), Sent: at(9), Seen: at(9)})
			j.Add(history.Event{Kind: history.Outcome, Result: history.OK, Client: 1, Life: 1, Channel: ch, Incarnation: 1, Seq: 1, Due: at(9), Sent: at(9), Seen: at(9)})
			if i == 0 {
				j.Add(history.Event{Kind: history.Deliver, Client: 0, Life: 1, Incarnation: 1, Seq: 1, Flags: history.FlagStamped, Due: at(9), Seen: at(10)})
			}
		}
		if row.ends {
			j.Add(history.Event{Kind: history.Closed, Who: history.Server, Client: 0, Life: 1, Channel: -1, Seen: at(11)})
		}
		v := j.Verdicts(End{})[0]
		if (v.State == Fail) != row.found || v.Reason != row.reason || row.found && len(v.Findings[0].Witness) < 3 {
			t.Errorf("within %v: %v, %s, %+v", row.within, v.State, v.Reason, v.Findings)
		}
	}
}
