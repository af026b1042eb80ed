package assert

import (
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// pulse is a hand-made history of one connection under `server-every: 4s,
// reaps-silent-within: 5s`, with the code 4003 for silence.
type pulse struct{ events []history.Event }

func (p *pulse) at(s float64, k history.Kind, change func(*history.Event)) *pulse {
	t := time.Duration(s * float64(time.Second))
	e := history.Event{Kind: k, Life: 1, Channel: -1, Seen: t, Arrived: t}
	if change != nil {
		change(&e)
	}
	p.events = append(p.events, e)
	return p
}

func (p *pulse) ping(s float64, answered bool) *pulse {
	return p.at(s, history.Pinged, func(e *history.Event) {
		if answered {
			e.Sent = e.Seen
		}
	})
}

func (p *pulse) fault(s float64, note string) *pulse {
	return p.at(s, history.FaultBegin, func(e *history.Event) { e.Note = note })
}

func (p *pulse) healed(s float64, note string) *pulse {
	return p.at(s, history.FaultEnd, func(e *history.Event) { e.Note = note })
}

func (p *pulse) closed(s float64, who history.Who, code int32) *pulse {
	return p.at(s, history.Closed, func(e *history.Event) { e.Who, e.Code = who, code })
}

func (p *pulse) said(s float64) *pulse {
	return p.at(s, history.Publish, func(e *history.Event) { e.Sent, e.Seq, e.Incarnation, e.Channel = e.Seen, 1, 1, 0 })
}

func TestHeartbeat(t *testing.T) {
	start := func() *pulse { return (&pulse{}).at(0, history.Connected, nil) }
	for _, row := range []struct {
		about string
		p     *pulse
		end   float64
		want  string
		state State
	}{
		{"in time, nobody silent", start().ping(3, true).ping(7, true).ping(11, true), 13, "", Inconclusive},
		{"a silent one is reaped", start().ping(3, true).fault(4, "mute pongs").ping(7, false).closed(8, history.Server, 4003), 9, "", Pass},
		{"by a FIN", start().ping(3, true).fault(4, "mute pongs").ping(7, false).closed(8, history.Server, 0), 9, "", Pass},
		{"another close is no reaping", start().ping(3, true).fault(4, "mute pongs").ping(7, false).closed(7.5, history.Server, 4008), 9, "", Inconclusive},
		{"it is not", start().ping(3, true).fault(4, "mute pongs").ping(7, false).ping(11, false).healed(12, "mute pongs"), 13, "zombie-connection", Fail},
		{"it is, too late", start().ping(3, true).fault(4, "mute pongs").ping(7, false).closed(9, history.Server, 4003), 13, "zombie-connection", Fail},
		{"muted, but it says something", start().ping(3, true).fault(4, "mute pongs").ping(7, false).said(7.5).ping(11, false).said(11.5).healed(12, "mute pongs").ping(15, true), 16, "", Inconclusive},
		{"muted, but it says something wrong", start().ping(3, true).fault(4, "mute pongs").ping(7, false).at(7.5, history.FaultBegin, func(e *history.Event) { e.Note, e.Sent = "abuse bad-json", e.Seen }).closed(12, history.Server, 4003), 16, "", Pass},
		{"muted, and it says something wrong on another connection", start().ping(3, true).fault(4, "mute pongs").ping(7, false).at(7.5, history.FaultBegin, func(e *history.Event) { e.Note, e.Sent = "abuse expired-token", e.Seen }).closed(12, history.Server, 4003), 16, "zombie-connection", Fail},
		{"muted for too short a time", start().ping(3, true).fault(4, "mute pongs").ping(7, false).healed(8, "mute pongs"), 9, "", Inconclusive},
		{"frozen and reaped", start().ping(3, true).fault(4, "disconnect freeze").healed(12, "disconnect freeze").closed(12.1, history.Server, 4003), 13, "", Pass},
		{"frozen, and goes on", start().ping(3, true).ping(7, true).fault(8, "disconnect freeze").healed(16, "disconnect freeze").ping(16, true).ping(19, true).ping(23, true), 25, "zombie-connection", Fail},
		{"frozen and muted, and reaped meanwhile", start().ping(3, true).fault(4, "mute pongs").fault(5, "disconnect freeze").healed(12, "disconnect freeze").healed(12, "mute pongs").closed(12.1, history.Server, 4003), 13, "", Pass},
		{"frozen for a moment, in a slow life", (&pulse{}).fault(0, "read").at(0, history.Connected, nil).ping(3, true).fault(9, "disconnect freeze").healed(10, "disconnect freeze").ping(19, true), 25, "", Inconclusive},
		{"frozen for a moment, after a slow time", start().ping(3, true).fault(4, "slow").healed(9, "slow").fault(9, "disconnect freeze").healed(10, "disconnect freeze").ping(16, true).ping(19.5, true).ping(23, true), 25, "", Inconclusive},
		{"frozen for long, after a slow time", start().ping(3, true).fault(4, "slow").healed(5, "slow").fault(9, "disconnect freeze").healed(17, "disconnect freeze").ping(17, true).ping(20, true).ping(23, true), 25, "zombie-connection", Fail},
		{"frozen, and goes on, but slowly", start().ping(3, true).ping(7, true).fault(8, "disconnect freeze").healed(16, "disconnect freeze").fault(16.1, "slow").ping(23, true), 25, "", Inconclusive},
		{"muted, after a slow time", start().ping(3, true).fault(4, "slow").fault(4, "mute pongs").healed(9, "slow").ping(14, false).closed(14.5, history.Server, 4003), 16, "", Pass},
		{"frozen for a moment", start().ping(3, true).ping(7, true).fault(8, "disconnect freeze").healed(9, "disconnect freeze").ping(11, true).ping(15, true), 16, "", Inconclusive},
		{"no first ping", start(), 6, "late-heartbeat", Fail},
		{"a pause", start().ping(3, true).ping(8, true), 9, "late-heartbeat", Fail},
		{"a pause while it can't read", start().ping(3, true).fault(4, "slow").ping(9, true).healed(10, "slow").ping(13, true), 14, "", Inconclusive},
		{"a pause on a link of its own", (&pulse{}).fault(0, "link").at(0, history.Connected, nil).ping(3, true).ping(9, true), 14, "", Inconclusive},
		{"killed on a bad link, though it answered", start().ping(3, true).fault(4, "degrade").ping(6, true).closed(7, history.Server, 4003), 8, "", Inconclusive},
		{"a bad link ends, another stays", (&pulse{}).fault(0, "link").at(0, history.Connected, nil).fault(1, "degrade").healed(2, "degrade").ping(3, true).ping(9, true), 14, "", Inconclusive},
		{"a slow time ends, a slow life goes on", (&pulse{}).fault(0, "read").at(0, history.Connected, nil).fault(1, "slow").healed(2, "slow").ping(3, true).ping(9, true), 14, "", Inconclusive},
		{"killed though it answered", start().ping(3, true).closed(4, history.Server, 4003), 5, "false-liveness-kill", Fail},
		{"killed over a network that is nearly as slow as that", (&pulse{}).at(0, history.Open, nil).at(0.6, history.Connected, nil).ping(3, true).closed(4, history.Server, 4003), 5, "", Inconclusive},
		{"killed over one that is fast enough", (&pulse{}).at(0, history.Open, nil).at(0.4, history.Connected, nil).ping(3, true).closed(4, history.Server, 4003), 5, "false-liveness-kill", Fail},
		{"killed because it did not", start().ping(3, true).ping(7, false).closed(8, history.Server, 4003), 9, "", Inconclusive},
		{"killed for what it did not hear in a short freeze", start().ping(3, true).fault(3, "disconnect freeze").healed(6, "disconnect freeze").closed(6, history.Server, 4003), 9, "", Inconclusive},
		{"killed for what it did not read in a slow time", start().ping(3, true).fault(3, "slow").healed(6, "slow").closed(6, history.Server, 4003), 9, "", Inconclusive},
		{"killed right after a freeze", start().ping(3, true).fault(4, "disconnect freeze").healed(8, "disconnect freeze").ping(8, true).closed(8, history.Server, 4003), 9, "", Inconclusive},
	} {
		for _, saturated := range []bool{false, true} {
			b := &Brief{
				Groups: []BriefGroup{{Name: "m", Count: 1}}, Silence: 4003,
				Promises: scenario.Promises{Heartbeat: scenario.Heartbeat{Every: 4 * time.Second, Timeout: time.Second}},
				Expect: []scenario.Expectation{{
					Rule: "heartbeat", Name: "heartbeat", ServerEvery: scenario.Limit{Op: "<=", A: 4}, Reaps: scenario.Limit{Op: "<=", A: 5},
				}},
			}
			names := history.NewNames([]string{"c"})
			j := NewJudge(b, names)
			for _, e := range row.p.events {
				j.Add(e)
			}
			end := time.Duration(row.end * float64(time.Second))
			j.Add(history.Event{Kind: history.Phase, Client: -1, Note: history.PhaseEnd, Seen: end})
			v := j.Verdicts(End{Saturated: saturated, Why: "test"})[0]
			want := row.state
			if saturated {
				want = Inconclusive
			}
			name := ""
			if len(v.Findings) > 0 {
				name = v.Findings[0].Anomaly
				if says := map[string]string{"late-heartbeat": "no ping for ", "zombie-connection": "silent for ", "false-liveness-kill": "closed for silence "}[name]; !strings.HasPrefix(v.Findings[0].Missing, says) {
					t.Errorf("%s: says %q", row.about, v.Findings[0].Missing)
				}
				if n := len(v.Findings[0].Witness); n < 2 && row.about != "no first ping" {
					t.Errorf("%s: a witness of %d lines", row.about, n)
				}
			}
			if v.State != want || name != row.want {
				t.Errorf("%s (saturated %v): %v %q (%s), want %v %q\n%+v", row.about, saturated, v.State, name, v.Reason, want, row.want, v.Counts)
			}
		}
	}
}
