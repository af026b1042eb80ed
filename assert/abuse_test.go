package assert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// The twin of the close rule under abuse walks over the whole history once for
// each event of interest. It shares nothing with the rule but history.Event, and
// has the codes of RFC 6455 from the RFC.
func abuseTwin(events []history.Event) (anomalies map[string]int, judged, unseen int) {
	anomalies = make(map[string]int)
	codes := map[string][]int32{
		"unmasked": {0, 1002}, "reserved-bit": {0, 1002}, "reserved-opcode": {0, 1002}, "long-control": {0, 1002},
		"bad-utf8": {0, 1007}, "oversize": {0, 1008, 1009, 1013},
	}
	beside := map[string]bool{"stale-epoch": true, "future-offset": true, "other-session": true, "expired-token": true}
	valid := func(c int32) bool { return c < 1004 || c > 1006 && c < 1015 || c >= 3000 && c < 5000 }
	for i, e := range events {
		offence, bad := "", false
		if e.Kind == history.FaultBegin && e.Client >= 0 {
			_, err := fmt.Sscanf(e.Note, "abuse %s", &offence)
			bad = err == nil
		}
		if bad { // find what came of it
			allowed, frame := codes[offence]
			slow := slowThen(events[:i], e)
			result := ""
			for _, x := range events[i+1:] {
				if x.Client != e.Client || x.Life != e.Life {
					continue
				}
				slow = slow || x.Kind == history.FaultBegin && x.Note == "slow"
				mended := x.Kind == history.FaultEnd && x.Note == e.Note
				ended := x.Kind == history.Closed && !beside[offence]
				if !mended && !ended {
					continue
				}
				switch {
				case mended && x.Result == history.OK, mended && frame && x.Result == history.Unknown && !slow && x.Flags&history.FlagExcused == 0:
					result = "offence-tolerated"
				case mended && !frame && x.Result == history.Failed:
					result = "fine"
				case ended && x.Who == history.Server && frame && x.Code != 0 && (slices.Contains(allowed, x.Code) || x.Code > 2999), ended && x.Who == history.Server && !frame:
					result = "fine"
				case ended && x.Who == history.Server && slow: // for that, perhaps
				case ended && x.Who == history.Server && frame && slices.Contains(allowed, x.Code):
					result = "fine"
				case ended && x.Who == history.Server, ended && x.Who == history.Client && !valid(x.Code) && !slow:
					result = "wrong-close-code"
				}
				break
			}
			switch result {
			case "":
				unseen++
			case "fine":
				judged++
			default:
				judged++
				anomalies[result]++
			}
		}
		name := ""
		switch {
		case e.Kind == history.Problem && e.Note != "":
			name = "offence-passed-on"
		case e.Kind == history.Closed && e.Who == history.Server && (e.Code == 0 || e.Code == 1002 || e.Code == 1003 || e.Code >= 1007 && e.Code <= 1011 || e.Code == 4009):
			name = "collateral-close"
		}
		if name == "" {
			continue
		}
		for _, x := range events[:i] { // a fault of its own in this life, or a slowness that lasts
			if x.Client == e.Client && x.Life == e.Life && x.Kind == history.FaultBegin {
				name = ""
			}
		}
		if slowThen(events[:i], e) {
			name = ""
		}
		for _, x := range events[:i] {
			if name != "" && x.Client != e.Client && x.Kind == history.FaultBegin && x.Note != "slow" && e.Seen-x.Sent <= 5*time.Second {
				anomalies[name]++
				break
			}
		}
	}
	return anomalies, judged, unseen
}

// slowThen reports whether a client was slow at some time in the life of e, which
// before has not left yet.
func slowThen(before []history.Event, e history.Event) bool {
	on, life, met := false, int32(0), false
	for _, x := range before {
		if x.Client != e.Client {
			continue
		}
		if x.Kind == history.Open {
			life, met = x.Life, on
		}
		if x.Note == "slow" {
			on = x.Kind == history.FaultBegin
			met = met || on
		}
	}
	return on || met && life == e.Life
}

// TestAbuseTwin: on any history of offences and ends the rule finds what its twin
// finds, as often, whatever the number of shards.
func TestAbuseTwin(t *testing.T) {
	names := history.NewNames(nil)
	brief := &Brief{
		Lost:   4009,
		Groups: []BriefGroup{{Name: "all", Count: 6}},
		Expect: []scenario.Expectation{{Rule: "close", Name: "close", Close: scenario.CloseLimit{When: "abuse"}}},
	}
	found := make(map[string]int)
	rapid.Check(t, func(t *rapid.T) {
		var events []history.Event
		now := time.Second
		lives := [6]int32{}
		open, slow := [6]string{}, [6]bool{} // the offence that is awaited
		begun := [6]int32{}                  // in which life
		emit := func(c int, k history.Kind, change func(*history.Event)) {
			now += time.Duration(rapid.IntRange(1, 3000).Draw(t, "later")) * time.Millisecond
			e := history.Event{Kind: k, Client: history.ClientID(c), Life: lives[c], Channel: -1, Seen: now, Arrived: now, Sent: now, Due: now}
			if change != nil {
				change(&e)
			}
			events = append(events, e)
		}
		arrive := func(c int) {
			lives[c]++
			emit(c, history.Dial, nil)
			emit(c, history.Open, nil)
			emit(c, history.Connected, nil)
			emit(c, history.Ready, nil)
		}
		for c := range lives {
			arrive(c)
		}
		var offences []string
		for _, o := range scenario.Offences() {
			offences = append(offences, o.Name)
		}
		for range rapid.IntRange(20, 80).Draw(t, "steps") {
			c := rapid.IntRange(0, 5).Draw(t, "client")
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				if open[c] == "" {
					open[c] = "abuse " + rapid.SampledFrom(offences).Draw(t, "offence")
					begun[c] = lives[c]
					emit(c, history.FaultBegin, func(e *history.Event) { e.Note = open[c] })
				}
			case 2:
				if open[c] != "" {
					r := rapid.SampledFrom([]history.Result{history.OK, history.Failed, history.Unknown}).Draw(t, "result")
					o, _ := scenario.OffenceOf(open[c][len("abuse "):])
					if r == history.Failed && !o.Words {
						r = history.Unknown
					}
					behind := r == history.Unknown && rapid.Bool().Draw(t, "the server may have had more to read")
					emit(c, history.FaultEnd, func(e *history.Event) {
						e.Note, e.Result, e.Life = open[c], r, begun[c]
						if behind {
							e.Flags = history.FlagExcused
						}
					})
					open[c] = ""
				}
			case 3, 4:
				who := rapid.SampledFrom([]history.Who{history.Server, history.Server, history.Server, history.Fault, history.Client}).Draw(t, "who")
				code := rapid.SampledFrom([]int32{0, 1000, 1001, 1002, 1007, 1008, 1009, 1011, 1013, 3501, 4001, 4009}).Draw(t, "code")
				if who == history.Client {
					code = rapid.SampledFrom([]int32{0, 1006}).Draw(t, "forbidden")
				}
				emit(c, history.Closed, func(e *history.Event) { e.Who, e.Code = who, code })
				if o, _ := scenario.OffenceOf(strings.TrimPrefix(open[c], "abuse ")); !o.Aside {
					open[c] = ""
				}
				arrive(c)
			case 5:
				emit(c, history.Problem, func(e *history.Event) { e.Note = "broken WebSocket: reserved bits" })
			case 6:
				if slow[c] = !slow[c]; slow[c] {
					emit(c, history.FaultBegin, func(e *history.Event) { e.Note = "slow" })
				} else {
					emit(c, history.FaultEnd, func(e *history.Event) { e.Note = "slow" })
				}
			}
		}
		want, judged, unseen := abuseTwin(events)
		for shards := 1; shards <= 3; shards++ {
			_, vs := judgeEvents(brief, names, events, shards)
			got := make(map[string]int)
			for _, f := range vs[0].Findings {
				got[f.Anomaly] += int(f.Times)
			}
			if !maps.Equal(got, want) {
				t.Fatalf("%d shards: found %v, the twin %v\n%s", shards, got, want, listAbuse(events))
			}
			counts := make(map[string]int64)
			for _, c := range vs[0].Counts {
				counts[c.Name] = c.N
			}
			if int(counts["offences judged"]) != judged || int(counts["unseen"]) != unseen {
				t.Fatalf("%d shards: %v, the twin judged %d and saw nothing of %d\n%s", shards, counts, judged, unseen, listAbuse(events))
			}
		}
		for a, n := range want {
			found[a] += n
		}
	})
	for _, a := range []Anomaly{OffenceTolerated, CollateralClose, OffencePassedOn, WrongCloseCode} {
		if !fewHistories() && found[a.String()] == 0 {
			t.Errorf("%s was never met, so nothing is proven of it", a)
		}
	}
}

func listAbuse(events []history.Event) (s string) {
	for _, e := range events {
		s += fmt.Sprintf("%v client %d #%d kind %d who %d code %d result %d %s\n", e.Seen, e.Client, e.Life, e.Kind, e.Who, e.Code, e.Result, e.Note)
	}
	return s
}

// TestAbuseSaturated: what is a matter of time is not judged of a saturated
// generator; what is certain is.
func TestAbuseSaturated(t *testing.T) {
	for _, row := range []struct {
		result history.Result
		want   State
	}{{history.Unknown, Inconclusive}, {history.OK, Fail}} {
		b := &Brief{
			Groups: []BriefGroup{{Name: "all", Count: 2}},
			Expect: []scenario.Expectation{{Rule: "close", Name: "close", Close: scenario.CloseLimit{When: "abuse"}}},
		}
		j := NewJudge(b, history.NewNames(nil))
		for c := range history.ClientID(2) {
			j.Add(history.Event{Kind: history.Open, Client: c, Life: 1, Channel: -1})
			j.Add(history.Event{Kind: history.Ready, Client: c, Life: 1, Channel: -1})
		}
		j.Add(history.Event{Kind: history.FaultBegin, Client: 0, Life: 1, Channel: -1, Seen: time.Second, Sent: time.Second, Note: "abuse oversize"})
		j.Add(history.Event{Kind: history.FaultEnd, Client: 0, Life: 1, Channel: -1, Seen: 6 * time.Second, Note: "abuse oversize", Result: row.result})
		if v := j.Verdicts(End{Saturated: true, Why: "too slow"})[0]; v.State != row.want {
			t.Errorf("result %d: %v (%s), want %v", row.result, v.State, v.Reason, row.want)
		}
	}
}
