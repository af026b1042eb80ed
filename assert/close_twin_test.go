package assert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// What `close` counts for one expectation, counted the obvious way: for each end the
// whole history until then is walked over again.
type closeTwin struct{ judged, unseen, wrong int64 }

// twinCodes is what the twin knows of close codes: whether a frame may carry it, and
// whether it says by itself that neither a drain nor a restart was the cause.
var twinCodes = map[int32]struct{ sendable, other bool }{
	0: {}, 1001: {sendable: true}, 1005: {}, 1006: {}, 1008: {true, true}, 1011: {sendable: true}, 1012: {sendable: true}, 4003: {true, true},
}

const twinSilence = 1011

func countCloses(events []history.Event, clients int, when string, codes []int32) (n closeTwin) {
	for c := range clients {
		end := len(events)
		for i, e := range events {
			if e.Kind == history.Phase && e.Note == history.PhaseEnd {
				end = i
				break
			}
			if e.Client == history.ClientID(c) && e.Kind == history.Closed {
				n.parted(events[:i], e, when, codes)
			}
		}
		n.stayed(events[:end], c, when)
	}
	return n
}

// lifeOf is what a client's latest connection was in a history.
type lifeOf struct {
	node      int32
	dialled   time.Duration
	announced bool
	touched   bool // by a fault of the client's own
	slow      bool // it was read slowly at some time, or is
	link      bool // something was in its way at some time
	open      bool
}

func latestLife(before []history.Event, c history.ClientID) (x lifeOf) {
	slow, link := false, false
	for _, e := range before {
		if e.Client != c {
			continue
		}
		switch {
		case e.Kind == history.Dial:
			x = lifeOf{node: e.Code, dialled: e.Sent}
		case e.Kind == history.Open:
			x.open, x.slow, x.link = true, x.slow || slow, x.link || link
		case e.Kind == history.Closed:
			x.open = false
		case e.Kind == history.Announced:
			x.announced = true
		case e.Kind == history.FaultBegin:
			x.touched = true
			slow, link = slow || e.Note == "slow", link || e.Note == "link"
			x.link = x.link || link
		case e.Kind == history.FaultEnd:
			slow, link = slow && e.Note != "slow", link && e.Note != "link"
		}
	}
	x.slow = x.slow || slow
	return x
}

// ordeal is one outage, as a history shows it until its last event.
type ordeal struct {
	verb     string
	node     int32
	from, to time.Duration
	over     bool
}

func ordeals(before []history.Event) (all []ordeal) {
	for i, e := range before {
		if e.Kind != history.FaultBegin || e.Client >= 0 {
			continue
		}
		x := ordeal{verb: strings.TrimPrefix(e.Note, "gateway "), node: e.Code, from: e.Sent}
		if k := slices.IndexFunc(before[i:], func(o history.Event) bool {
			return o.Client < 0 && o.Kind == history.FaultEnd && o.Note == e.Note && o.Code == e.Code
		}); k >= 0 {
			x.over, x.to = true, before[i+k].Seen
		}
		all = append(all, x)
	}
	return all
}

// mayEnd reports whether an outage may be why a connection ended; answered is when
// the latest one to its node that was answered had been begun.
func (x ordeal) mayEnd(l lifeOf, answered, at time.Duration) bool {
	if strings.HasPrefix(x.verb, "exec ") {
		return at >= x.from && (!x.over || answered < x.to+scenario.Aftermath)
	}
	return x.verb != "new-epoch" && (x.node < 0 || x.node == l.node) && at >= x.from && (!x.over || l.dialled <= x.to)
}

func (n *closeTwin) parted(before []history.Event, e history.Event, when string, codes []int32) {
	l := latestLife(before, e.Client)
	answered, dial := time.Duration(0), history.Event{}
	for _, b := range before {
		if b.Client == e.Client && b.Kind == history.Dial {
			dial = b
		}
		if b.Client == e.Client && b.Kind == history.Connected && dial.Code == l.node {
			answered = dial.Sent
		}
	}
	may := map[string]bool{"drain": l.announced}
	others := false
	for _, x := range ordeals(before) {
		if !x.mayEnd(l, answered, e.Seen) {
			continue
		}
		switch x.verb {
		case "drain", "maintenance":
			may["drain"] = true
		case "restart":
			may["restart"] = true
		default:
			others = true
		}
	}
	code := twinCodes[e.Code]
	broken := e.Who == history.Client && e.Code != 0 && !code.sendable // what the client ended, since it may not be sent
	if !may[when] || e.Who == history.Fault || e.Who == history.NoOne {
		return
	}
	right := slices.Contains(codes, e.Code)
	doubt := (may["drain"] && may["restart"] || others) && !broken || code.other
	switch {
	case l.touched, l.slow, e.Who == history.Client && !broken, l.link && e.Code == twinSilence, doubt && !right:
		n.unseen++
	case right:
		n.judged++
	default:
		n.judged++
		n.wrong++
	}
}

// stayed counts a connection that is open at the end and should not be.
func (n *closeTwin) stayed(events []history.Event, c int, when string) {
	l := latestLife(events, history.ClientID(c))
	left := when == "drain" && l.announced
	for _, x := range ordeals(events) {
		same := x.verb == when || when == "drain" && x.verb == "maintenance"
		left = left || same && x.over && l.dialled < x.from && (x.node < 0 || x.node == l.node)
	}
	if l.open && left {
		n.unseen++
	}
}

// TestCloseTwin: on any history of connections, drains, restarts, other outages,
// commands, announcements and faults of the clients' own, `close` counts what its twin
// counts, whatever the number of shards.
func TestCloseTwin(t *testing.T) {
	names := history.NewNames([]string{"c"})
	codes := map[string][]int32{"drain": {1001, 1012}, "restart": {1012}}
	brief := &Brief{Groups: []BriefGroup{{Name: "all", Count: 3}}, Silence: twinSilence}
	for _, when := range []string{"drain", "restart"} {
		w := scenario.Expectation{Rule: "close", Name: when}
		w.Close.When = when
		for _, c := range codes[when] {
			w.Close.Codes = append(w.Close.Codes, int(c))
		}
		brief.Expect = append(brief.Expect, w)
	}
	var sum closeTwin
	both, stayed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		events := []history.Event{{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseActive, Seen: time.Millisecond}}
		now := time.Second
		emit := func(e history.Event) {
			e.Sent = now
			now += time.Duration(rapid.IntRange(0, 400).Draw(t, "later")) * time.Millisecond
			e.Seen, e.Arrived, e.Channel = now, now, -1
			events = append(events, e)
		}
		life, open := [3]int32{}, [3]bool{}
		under, own := map[history.Event]bool{}, map[history.Event]bool{}
		toggle := func(on map[history.Event]bool, e history.Event) {
			if e.Kind = history.FaultBegin; on[e] {
				delete(on, e)
				e.Kind = history.FaultEnd
			} else {
				on[e] = true
			}
			emit(e)
		}
		for range rapid.IntRange(10, 60).Draw(t, "steps") {
			c := rapid.IntRange(0, 2).Draw(t, "client")
			e := history.Event{Client: history.ClientID(c), Life: life[c]}
			as := func(k history.Kind) history.Event { e.Kind = k; return e }
			switch what := rapid.IntRange(0, 11).Draw(t, "what"); {
			case what < 3:
				verb := rapid.SampledFrom([]string{"gateway drain", "gateway maintenance", "gateway restart", "gateway drain", "gateway restart", "gateway kill", "gateway new-epoch", "exec x"}).Draw(t, "verb")
				node := int32(rapid.IntRange(-1, 1).Draw(t, "node"))
				if verb == "exec x" {
					node = -1
				}
				toggle(under, history.Event{Client: -1, Note: verb, Code: node})
			case what == 3 && life[c] > 0:
				e.Life = 0 // whatever the life is
				e.Note = rapid.SampledFrom([]string{"slow", "link", "freeze"}).Draw(t, "fault")
				toggle(own, e)
			case !open[c]:
				life[c]++
				e.Life, e.Code = life[c], int32(rapid.IntRange(0, 1).Draw(t, "at"))
				emit(as(history.Dial))
				e.Code = 0
				if what == 4 {
					emit(as(history.Refused))
					continue
				}
				emit(as(history.Open))
				if what > 5 {
					emit(as(history.Connected))
				}
				open[c] = true
			case what == 4:
				emit(as(history.Announced))
			default:
				open[c] = false
				e.Who = rapid.SampledFrom([]history.Who{history.Server, history.Server, history.Server, history.Client, history.Fault, history.NoOne}).Draw(t, "who")
				e.Code = rapid.SampledFrom([]int32{0, 1001, 1001, 1005, 1006, 1008, 1011, 1012, 1012, 4003}).Draw(t, "code")
				emit(as(history.Closed))
			}
		}
		events = append(events, history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseEnd, Seen: now + time.Second})
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			for _, v := range vs {
				if v.Rule != "close" {
					continue
				}
				want, got := countCloses(events, 3, v.Name, codes[v.Name]), closeTwin{}
				for _, c := range v.Counts {
					switch c.Name {
					case "closed by the target":
						got.judged = c.N
					case "unseen":
						got.unseen = c.N
					}
				}
				for _, f := range v.Findings {
					got.wrong += f.Times
				}
				if got != want {
					t.Fatalf("%d shards, %s: got %+v, the twin %+v\n%s", shards, v.Name, got, want, listAbuse(events))
				}
				if (v.State == Fail) != (want.wrong > 0) {
					t.Fatalf("%d shards, %s: %v with %+v", shards, v.Name, v.State, want)
				}
				sum.judged, sum.unseen, sum.wrong = sum.judged+want.judged, sum.unseen+want.unseen, sum.wrong+want.wrong
			}
		}
		if a, b := countCloses(events, 3, "drain", codes["drain"]), countCloses(events, 3, "restart", codes["restart"]); a.wrong > 0 && b.wrong > 0 {
			both++
		}
		for c := range 3 {
			var n closeTwin
			n.stayed(events[:len(events)-1], c, "drain")
			stayed += int(n.unseen)
		}
	})
	if !fewHistories() && (sum.judged <= sum.wrong || sum.unseen == 0 || sum.wrong == 0 || both == 0 || stayed == 0) {
		t.Errorf("nothing is proven: %+v, both %d, stayed %d", sum, both, stayed)
	}
}
