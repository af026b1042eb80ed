package campaign

import (
	"io/fs"
	"strings"
	"testing"

	"squall/driver/dialect"
	"squall/report"
	"squall/scenario"
	"squall/scenarios"
)

func source(t testing.TB, file string) []byte {
	t.Helper()
	src, err := fs.ReadFile(scenarios.Files, file)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// plan compiles a shipped scenario.
func plan(t testing.TB, file string, seed uint64, set ...string) *scenario.Plan {
	t.Helper()
	return compile(t, file, source(t, file), seed, set...)
}

func compile(t testing.TB, file string, src []byte, seed uint64, set ...string) *scenario.Plan {
	t.Helper()
	return compileWith(t, file, src, scenario.Options{Seed: &seed, Run: "00000007"}, set...)
}

// planAt compiles a shipped scenario for another target.
func planAt(t testing.TB, file string, seed uint64, target, dialect string, set ...string) *scenario.Plan {
	t.Helper()
	return compileWith(t, file, source(t, file), scenario.Options{Seed: &seed, Run: "00000007", Target: target, Dialect: dialect}, set...)
}

func compileWith(t testing.TB, file string, src []byte, o scenario.Options, set ...string) *scenario.Plan {
	t.Helper()
	for _, d := range dialect.All() {
		a := d.About()
		o.Dialects = append(o.Dialects, scenario.DialectInfo{
			Name: a.Name, Recover: a.Can.Recover, Offsets: a.Can.Offsets, Ack: a.Can.Ack, Patterns: a.Can.Patterns, Filters: a.Can.Filters,
			Unsubscribe: a.Can.Unsubscribe, ClientPing: a.Can.ClientPing, Sessions: a.Can.Sessions, Keys: a.Can.Keys,
			Promises: scenario.Promises{
				Delivery: a.Promises.Delivery, Order: a.Promises.Order, Recovery: a.Promises.Recovery,
				History:     scenario.History{Size: a.Promises.HistorySize, TTL: a.Promises.HistoryTTL},
				Heartbeat:   scenario.Heartbeat{Every: a.Promises.HeartbeatEvery, Timeout: a.Promises.HeartbeatTimeout},
				Queue:       scenario.History{Size: a.Promises.QueueSize, TTL: a.Promises.QueueTTL},
				Idempotency: a.Promises.Idempotency, Takeover: a.Promises.Takeover,
			},
		})
	}
	p, problems := scenario.Load(file, src, o, set...)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", file, problems)
	}
	return p
}

// bubble runs a plan in memory, in virtual time, on two shards.
func bubble(t *testing.T, p *scenario.Plan) *report.Result {
	t.Helper()
	r, err := Bubble(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tell(r *report.Result) string {
	var b strings.Builder
	if err := report.Text(&b, r, report.Style{Width: 100}); err != nil {
		return err.Error()
	}
	return b.String()
}
