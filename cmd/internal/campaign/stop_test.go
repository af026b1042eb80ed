package campaign

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"squall/assert"
)

// A gateway that turns most clients away is left alone soon; one that does its work
// is tested to the end, whatever faults the plan itself brings.
func TestStopWhen(t *testing.T) {
	const source = `squall: 1
name: small
duration: 30s
stop-when: {errors: "> 20%"}
target: {gateway: {limits: {connections: 95}}}
clients:
  voters: {count: 90, subscribe: {channel: "vote.{i % 5}", recover: true}, reconnect: {first: 100ms, max: 1s}}
  tellers: {count: 5, publish: {channel: "vote.{i}", rate: 2/s}}
timeline:
  - {every: 5s, times: 4, disconnect: {who: voters, share: all, how: reset, away: 1s}}
expect: [{delivery: exactly-once}, {recovery: complete}]
`
	for _, limit := range []int{40, 95} {
		p := compile(t, "small.yaml", []byte(source), 1)
		p.Target.Gateway.Limits.Connections = limit // the language refuses what can't hold its clients
		r := bubble(t, p)
		stopped := limit == 40
		if (r.Stopped != "") != stopped || (r.Active < 20*time.Second) != stopped || r.Interrupted != stopped {
			t.Errorf("with room for %d: stopped %q after %s\n%s", limit, r.Stopped, r.Active, tell(r))
		}
		if want := map[bool]int{true: 3, false: 0}[stopped]; r.Exit() != want {
			t.Errorf("with room for %d: exit %d, want %d\n%s", limit, r.Exit(), want, tell(r))
		}
		for _, v := range r.Verdicts {
			if stopped && (v.State != assert.Inconclusive || !strings.Contains(v.Reason, "stop-when says errors > 20%")) {
				t.Errorf("%s is %v: %s", v.Name, v.State, v.Reason)
			}
		}
	}
}

// TestStopWhenKnowsThePlan: what the plan does to the target makes dials fail, and
// is no reason to leave the target alone; what goes wrong without it is.
func TestStopWhenKnowsThePlan(t *testing.T) {
	const source = `squall: 1
name: small
duration: 12s
stop-when: {errors: "> 40"}
target: {gateway: {nodes: 2, limits: {connections: %d}}}
clients:
  voters: {count: 60, subscribe: {channel: "vote.{i %% 5}", recover: true}, reconnect: {first: 50ms, max: 200ms, node: same}}
  tellers: {count: 5, publish: {channel: "vote.{i}", rate: 2/s}}
timeline:
  - {at: 2s, gateway: {kill: 0, down: 3s}}
`
	for _, room := range []int{100, 20} {
		p := compile(t, "small.yaml", []byte(fmt.Sprintf(source, 100)), 1)
		p.Target.Gateway.Limits.Connections = room // of each node; the language refuses what can't hold its clients
		r := bubble(t, p)
		if stopped := room == 20; (r.Stopped != "") != stopped {
			t.Errorf("with room for %d: stopped %q after %s\n%s", room, r.Stopped, r.Active, tell(r))
		}
	}
}
