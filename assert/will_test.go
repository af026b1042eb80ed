package assert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// legacies counts what became of wills.
type legacies struct{ missing, misfired, lost, unseen, goodbyes, stayed int }

// The twin of will reads the whole history again for every connection with a will.
func willTwin(events []history.Event, frame bool) (n legacies) {
	for i, w := range events {
		if w.Kind != history.Will {
			continue
		}
		var answered, began, ended, doubt, came time.Duration
		goodbye := false
		for _, e := range events[i+1:] {
			if e.Kind == history.Deliver && e.Publisher == w.Publisher && e.Incarnation == w.Incarnation && came == 0 {
				came = e.Seen
			}
			if e.Client != w.Client || e.Life != w.Life || ended > 0 {
				continue
			}
			switch {
			case e.Kind == history.Connected:
				answered = e.Seen
			case e.Kind == history.FaultBegin && began == 0 && e.Note == "disconnect reset":
				began = e.Seen
			case e.Kind == history.FaultBegin && began == 0 && e.Note == "disconnect close":
				began, goodbye = e.Seen, frame
			case e.Kind == history.FaultBegin && began == 0 && e.Note == "scale":
				began, goodbye = e.Seen, true
			case e.Kind == history.FaultBegin && began == 0 && doubt == 0:
				doubt = e.Seen
			case e.Kind == history.Closed:
				ended = e.Seen
				if began == 0 || e.Who != history.Fault {
					doubt = w.Sent
				} else if goodbye && ended-began > time.Second && doubt == 0 {
					doubt = began
				}
			}
		}
		if answered == 0 {
			continue
		}
		if came > 0 && (doubt == 0 || came < doubt) && (began == 0 || came < began || goodbye) {
			n.misfired++
		}
		switch {
		case doubt > 0:
		case began == 0 || ended == 0:
			n.stayed++
		case goodbye:
			n.goodbyes++
		case came > 0:
			n.lost++
		default:
			if n.lost++; heardTwin(events, began, ended+5*time.Second) {
				n.missing++
			} else {
				n.unseen++
			}
		}
	}
	return n
}

// heardTwin reports whether some subscription was answered before a time, and was sent
// something at another one or later.
func heardTwin(events []history.Event, from, to time.Duration) bool {
	for i, sub := range events {
		if sub.Kind != history.Subscribe {
			continue
		}
		answered, over, proof, last, probe := time.Duration(0), false, time.Duration(0), time.Duration(0), time.Duration(0)
		for _, e := range events[i+1:] {
			if e.Client != sub.Client || e.Life != sub.Life || over {
				continue
			}
			switch e.Kind {
			case history.Subscribed:
				answered = e.Seen
			case history.Closed:
				over = true
			case history.Deliver:
				proof, last = max(proof, e.Due), e.Seen
			case history.Probe:
				probe = e.Due
			}
		}
		if !over && last+250*time.Millisecond <= probe {
			proof = max(proof, probe)
		}
		if answered > 0 && answered < from && proof >= to {
			return true
		}
	}
	return false
}

// TestWillTwin: on any history of connections with wills the rule finds what its twin
// finds, whatever the number of shards.
func TestWillTwin(t *testing.T) {
	names := history.NewNames([]string{"c"})
	var sum legacies
	rapid.Check(t, func(t *rapid.T) {
		frame := rapid.Bool().Draw(t, "frame")
		brief := &Brief{
			Groups: []BriefGroup{{Name: "all", Count: 6}}, Publishers: []BriefPublisher{{Client: 5, Name: "p"}},
			Wills: 1, Goodbye: GoodbyeWord,
			Promises: scenario.Promises{Delivery: "at-least-once", Order: "per-publisher"},
			Expect:   []scenario.Expectation{{Rule: "will", Name: "will", Want: "when-lost"}},
		}
		if frame {
			brief.Goodbye = GoodbyeFrame
		}
		var events []history.Event
		var wills []history.Event
		now := time.Second
		lives, open := [5]int32{}, [5]bool{}
		said := uint64(0)
		emit := func(e history.Event, most int) {
			now += time.Duration(rapid.IntRange(1, most).Draw(t, "later")) * time.Millisecond
			e.Seen, e.Arrived = now, now
			if e.Sent == 0 {
				e.Sent = now
			}
			events = append(events, e)
		}
		for range rapid.IntRange(60, 140).Draw(t, "steps") {
			c := rapid.IntRange(0, 4).Draw(t, "client") // 0 and 1 listen, the others have wills
			e := history.Event{Client: history.ClientID(c), Life: lives[c]}
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what < 2:
				said++
				m := history.Event{Kind: history.Publish, Client: 5, Life: 1, Incarnation: 1, Seq: said, Due: now}
				emit(m, 1000)
				m.Kind, m.Result = history.Outcome, history.OK
				emit(m, 10)
				for l := range 2 {
					if open[l] && rapid.IntRange(0, 3).Draw(t, "heard") > 0 {
						emit(history.Event{Kind: history.Deliver, Client: history.ClientID(l), Life: lives[l], Flags: history.FlagStamped, Incarnation: 1, Seq: said, Due: m.Sent}, 10)
					}
				}
			case !open[c]:
				lives[c]++
				open[c], e.Life = true, lives[c]
				kinds := []history.Kind{history.Dial, history.Open, history.Will, history.Connected}
				if c < 2 {
					kinds = []history.Kind{history.Dial, history.Open, history.Connected, history.Subscribe, history.Subscribed}
				}
				for _, k := range kinds {
					if e.Kind = k; k == history.Will {
						e.Publisher, e.Incarnation, e.Seq = int32(c), uint32(e.Life), 1
						wills = append(wills, e)
					} else if e.Publisher, e.Incarnation, e.Seq = 0, 0, 0; k == history.Connected && rapid.IntRange(0, 9).Draw(t, "unanswered") == 0 {
						continue
					}
					emit(e, 100)
				}
			case c < 2:
				if what == 9 {
					open[c] = false
					e.Kind, e.Who = history.Closed, history.Fault
					emit(e, 100)
				}
			case what < 6:
				how := rapid.SampledFrom([]string{"disconnect reset", "disconnect reset", "disconnect close", "scale", "disconnect freeze", ""}).Draw(t, "how")
				if e.Kind, e.Note = history.FaultBegin, how; how != "" {
					emit(e, 100)
				}
				if how != "disconnect freeze" {
					open[c] = false
					if e.Kind, e.Note, e.Who, e.Sent = history.Closed, "", history.Fault, 0; how == "" {
						e.Who = history.Server
					}
					emit(e, rapid.SampledFrom([]int{20, 3000}).Draw(t, "took"))
				}
			case len(wills) > 0:
				w := wills[rapid.IntRange(0, len(wills)-1).Draw(t, "will")]
				if l := rapid.IntRange(0, 1).Draw(t, "to"); open[l] {
					emit(history.Event{Kind: history.Deliver, Client: history.ClientID(l), Life: lives[l], Flags: history.FlagStamped, Publisher: w.Publisher, Incarnation: w.Incarnation, Seq: 1}, 100)
				}
			}
		}
		for c := range 2 {
			if open[c] && rapid.Bool().Draw(t, "probed") {
				now += time.Duration(rapid.IntRange(0, 6).Draw(t, "quiet")) * time.Second
				emit(history.Event{Kind: history.Probe, Client: history.ClientID(c), Life: lives[c], Due: now}, 10)
			}
		}
		want := willTwin(events, frame)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			var got legacies
			for _, f := range vs[0].Findings {
				switch f.Anomaly {
				case "will-missing":
					got.missing += int(f.Times)
				case "will-misfire":
					got.misfired += int(f.Times)
				default:
					t.Fatalf("found %s", f.Anomaly)
				}
			}
			for _, c := range vs[0].Counts {
				switch c.Name {
				case "lost with a will":
					got.lost = int(c.N)
				case "unseen":
					got.unseen = int(c.N)
				case "left with a goodbye":
					got.goodbyes = int(c.N)
				case "stayed":
					got.stayed = int(c.N)
				}
			}
			if got != want {
				t.Fatalf("%d shards: found %+v, the twin %+v\n%s", shards, got, want, listAbuse(events))
			}
		}
		sum.missing, sum.misfired, sum.lost = sum.missing+want.missing, sum.misfired+want.misfired, sum.lost+want.lost
		sum.unseen, sum.goodbyes, sum.stayed = sum.unseen+want.unseen, sum.goodbyes+want.goodbyes, sum.stayed+want.stayed
	})
	if !fewHistories() && (sum.missing == 0 || sum.misfired == 0 || sum.unseen == 0 || sum.goodbyes == 0 || sum.stayed == 0 || sum.lost < 30) {
		t.Errorf("%+v: nothing is proven", sum)
	}
}
