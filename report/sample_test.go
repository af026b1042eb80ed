package report

import (
	"time"

	"squall/assert"
	"squall/assert/latency"
)

const ms = time.Millisecond

// base is a run of reconnect-storm in which nothing is wrong.
func base() *Result {
	return &Result{
		Tool: "0.1.0", Scenario: "reconnect-storm",
		About: "40 % of the voters are reset within half a second and come back; nothing lost, doubled or out of order.",
		File:  "scenarios/reconnect-storm.yaml", Seed: 7, Run: "k3v9q2", Target: "embedded", Dialect: "events", Engine: "epoll",
		Command: "squall run scenarios/reconnect-storm.yaml --seed 7", Clients: 2040,
		Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Took: 27412 * ms, Active: 20 * time.Second,
		State: assert.Pass,
		Verdicts: []assert.Verdict{
			{Name: "delivery: exactly-once", Rule: "delivery", Line: 14, State: assert.Pass,
				Counts: []assert.Count{{Name: "owed", N: 186_412}, {Name: "waived", N: 0}, {Name: "unseen", N: 0}, {Name: "unknown", N: 2}}},
			{Name: "order: per-channel", Rule: "order", Line: 15, State: assert.Pass,
				Counts: []assert.Count{{Name: "deliveries", N: 200_000}, {Name: "channels", N: 40}}},
			{Name: "recovery: complete", Rule: "recovery", Line: 16, State: assert.Pass,
				Counts: []assert.Count{{Name: "returns", N: 800}, {Name: "recovered", N: 800}, {Name: "refused", N: 0}, {Name: "replayed", N: 13_588}, {Name: "unseen", N: 0}}},
		},
		Latency: []latency.Row{
			{Stage: "connect", During: "all", Count: 2840, P50: 812 * time.Microsecond, P90: 4120 * time.Microsecond, P99: 38 * ms, P999: 44 * ms, Max: 51200 * time.Microsecond},
			{Stage: "delivery", During: "healthy", Count: 123_480, P50: 1204 * time.Microsecond, P90: 2310 * time.Microsecond, P99: 9870 * time.Microsecond, P999: 21 * ms, Max: 48 * ms},
			{Stage: "delivery", During: "storm", Count: 52_100, P50: 1312 * time.Microsecond, P90: 8310 * time.Microsecond, P99: 999_600 * time.Microsecond, P999: 1210 * ms, Max: 91 * time.Second},
			{Stage: "pong", During: "all"},
		},
		Returns: Returns{Lost: 800, Back: 800, Peak: 291, PeakAt: 8200 * ms, Curve: []ReturnPoint{
			{100 * ms, 12}, {200 * ms, 31}, {400 * ms, 80}, {800 * ms, 190}, {1600 * ms, 400}, {2400 * ms, 610}, {3200 * ms, 777}, {4100 * ms, 800}}},
		Errors: []ErrorKind{{What: "connection reset by the plan", N: 800, Excused: 800}},
		Traffic: Traffic{Connections: 2040, Dials: 2840, Published: 4000, Acked: 3998, Unknown: 2, Delivered: 200_000,
			BytesIn: 43_212_800, BytesOut: 1_204_224},
		Generator: Generator{LagP50: 12 * time.Microsecond, LagP99: 1210 * time.Microsecond, LagMax: 8 * ms, LagCount: 4000,
			Busy: 0.34, ReadLag: 412 * time.Microsecond, CPU: 9120 * ms, MaxRSS: 101 << 20, Loops: 1},
	}
}

// failed is a run that met two signatures of one lie, an anomaly with four
// actors, and a latency beyond its limit.
func failed() *Result {
	r := base()
	r.State = assert.Fail
	r.Set = []string{"clients.voters.count=10000", "target.gateway.defects=[recovered-flag-lie]"}
	r.Clients = 10040
	r.Command = "squall run scenarios/reconnect-storm.yaml --seed 7 --set clients.voters.count=10000 --set 'target.gateway.defects=[recovered-flag-lie, fifo-violation]' --engine portable"
	lie := assert.Finding{
		Anomaly: "recovered-flag-lie", Promise: "recovery: complete — every return gets all that it missed", Times: 455, Clients: 412, Of: 10000,
		Phase: "replaying", Fault: "disconnect reset", FaultAgo: 861 * ms, Client: 731,
		Witness: []assert.Line{
			{At: 12041 * ms, Actor: "voters/731 #1", What: "recv", Text: "vote.7 offset 118"},
			{At: 12050 * ms, Actor: "voters/731 #1", What: "RST", Text: "disconnect reset, inside the frame of 119"},
			{At: 12052 * ms, Actor: "tellers/3", What: "publish", Text: "#40, acknowledged 30µs later = offset 119"},
			{At: 12911 * ms, Actor: "voters/731 #2", What: "sub", Text: "recover 118/xK2"},
			{At: 12930 * ms, Actor: "voters/731 #2", What: "ack", Text: "recovered=true, replay 120..131"},
		},
		Missing:   "missing 119 = tellers/3#40, acked 12.052, seen by 9,588 clients, fence for vote.7 seen 31.200",
		Unexcused: []string{"its outcome is ok", "it lies inside the must-window", "no gap was announced", "the fence arrived"},
	}
	other := lie
	other.Times, other.Clients, other.Phase, other.Fault, other.FaultAgo = 3, 3, "live", "", 0
	other.Witness, other.Unexcused = lie.Witness[3:], nil
	r.Verdicts[2].State, r.Verdicts[2].Reason, r.Verdicts[2].Findings = assert.Fail, "recovered-flag-lie", []assert.Finding{lie, other}
	r.Verdicts[2].Owned = []assert.Count{{Name: "lost-in-socket (owned by delivery)", N: 3}}
	r.Verdicts[1].State = assert.Fail
	r.Verdicts[1].Findings = []assert.Finding{{
		Anomaly: "order-divergence", Promise: "order: per-channel", Times: 1, Clients: 1, Of: 10000, Phase: "live", Client: 12,
		Witness: []assert.Line{
			{At: 1001 * ms, Actor: "tellers/1", What: "sent", Text: "#9"}, {At: 1001 * ms, Actor: "tellers/22", What: "sent", Text: "#8"},
			{At: 1003 * ms, Actor: "voters/12 #1", What: "recv", Text: "tellers/22#8 before tellers/1#9, as nobody else received them"},
			{At: 101_004 * ms, Actor: "voters/1713 #1", What: "recv", Text: "tellers/1#9 before tellers/22#8"},
		},
	}}
	r.Verdicts = append(r.Verdicts, assert.Verdict{Name: "latency: delivery healthy", Rule: "latency", Line: 19, State: assert.Fail,
		Reason: "p99 was 612ms, the limit is 250ms", Counts: []assert.Count{{Name: "samples", N: 123_480}, {Name: "p99 µs", N: 612_400}}})
	return r
}

// samples are the runs of the goldens, by name.
func samples() map[string]*Result {
	unsettled := base()
	unsettled.State = assert.Inconclusive
	unsettled.Verdicts[1] = assert.Verdict{Name: "latency: publish-ack during the storm", Rule: "latency", Line: 18,
		Reason: "the generator was saturated, so no timing is judged; spread the clients over more loops (--loops), or lower clients.voters.count",
		Counts: []assert.Count{{Name: "samples", N: 812}}}
	unsettled.Generator.Saturated, unsettled.Generator.Why = true, "lag p99 212ms is beyond its budget of 10ms"
	unsettled.Notes = []string{"400 of 800 victims were not connected at 6s and were skipped", "the ledger would not fit in --memory, so digests replaced it"}

	skipped := base()
	skipped.State = assert.NotApplicable
	skipped.Latency, skipped.Errors, skipped.Returns = nil, nil, Returns{}
	skipped.Verdicts = []assert.Verdict{{Name: "recovery", Rule: "recovery", State: assert.NotApplicable, Reason: "the target promises no history"}}

	interrupted := base()
	interrupted.Interrupted, interrupted.Active = true, 4213*ms

	lost := base()
	lost.State = assert.Inconclusive
	lost.Lost = "every connection was refused from 12.3s on: dialling 127.0.0.1:8000: connection refused; start the gateway again and see its log"
	lost.Verdicts = lost.Verdicts[:1]
	lost.Verdicts[0].State, lost.Verdicts[0].Reason = assert.Inconclusive, "412 deliveries were never settled, since the target was lost"
	lost.Returns.Back, lost.Returns.Curve = 190, lost.Returns.Curve[:4]
	lost.Errors = []ErrorKind{
		{What: "dial: connection refused", N: 14_012, Excused: 12, Example: "dialling 127.0.0.1:8000: connection refused"},
		{What: "upgrade refused: 503", N: 3, Example: "\x1b[31mService\r\nUnavailable\x07 " + "and a body that goes on for long enough to need a second line"},
	}

	return map[string]*Result{
		"pass": base(), "fail": failed(), "inconclusive": unsettled, "not-applicable": skipped,
		"empty": {Scenario: "nothing", Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, "interrupted": interrupted, "target-lost": lost,
	}
}
