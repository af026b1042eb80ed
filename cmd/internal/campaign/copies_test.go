package campaign

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"squall/assert"
	"squall/driver/engine/memory"
	"squall/driver/gateway"
	"squall/report"
	"squall/scenario"
)

// outside runs a plan against a gateway of which it knows nothing but the address.
func outside(t *testing.T, p *scenario.Plan, defects ...gateway.Defect) (r *report.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := new(memory.Network)
		l, err := net.Listen("gateway:1")
		if err != nil {
			t.Fatal(err)
		}
		c, err := gateway.NewCluster(gateway.Config{HistorySize: 5000, HistoryTTL: time.Minute, Defects: defects}, l)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if r, err = Run(t.Context(), p, Options{Network: net, Loops: 2, Run: 7, Command: "squall run"}); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

const houses = `squall: 1
name: houses
duration: 10s
target:
  url: ws://gateway:1/
  promises: {history: {size: 5000, ttl: 60s}, PROMISE}
clients:
  residents:
    count: 36
    subscribe: [{channel: "house.{i % 6}.door", recover: true}, {pattern: "house.{i % 6}.*"}]
    reconnect: {first: 100ms, max: 1s}
  wardens: {count: 8, subscribe: [{pattern: "house.**"}, {pattern: "house.*.door"}], reconnect: {first: 100ms, max: 1s}}
  houses: {count: 6, publish: [{channel: "house.{i}.door", rate: 5/s}, {channel: "house.{i}.alarm", rate: 2/s}]}
timeline:
  - {at: 3s, disconnect: {who: residents, share: 40%, over: 500ms, how: reset, away: 200ms..1s}}
  - {at: 4s, unsubscribe: {who: residents, share: 30%, pattern: "house.{i % 6}.*"}}
  - {at: 5s, subscribe: {who: residents, share: 30%, pattern: "house.{i % 6}.*"}}
  - {at: 6s, unsubscribe: {who: residents, share: 20%, channel: "house.{i % 6}.door"}}
  - {at: 7s, disconnect: {who: wardens, share: 50%, how: vanish, away: 200ms..1s}}
expect: [{delivery: exactly-once}, {order: per-channel}, {recovery: complete}, {errors: 0}]
`

func housesOf(t *testing.T, promise string, seed uint64) *scenario.Plan {
	t.Helper()
	return compile(t, "houses.yaml", []byte(strings.Replace(houses, "PROMISE", promise, 1)), seed)
}

// TestPromisedCopies: what is right for one promise is wrong for another, on
// gateways that send one copy, one for each subscription, and now this, now that.
func TestPromisedCopies(t *testing.T) {
	for _, row := range []struct {
		every   int // of the events for several subscriptions that come once for each; 0: none
		promise string
		anomaly string // "": a pass
	}{
		{0, "one", ""},
		{0, "either", ""},
		{0, "per-subscription", "lost-message"},
		{1, "one", "overlap-copies"},
		{1, "either", ""},
		{1, "per-subscription", ""},
		{3, "one", "overlap-copies"},
		{3, "either", ""},
		{3, "per-subscription", "lost-message"},
	} {
		t.Run(strings.Join([]string{[]string{"one", "each", "", "some"}[row.every], row.promise}, "-"), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= seeds(5); seed++ {
				var defects []gateway.Defect
				if row.every > 0 {
					defects = append(defects, gateway.Defect{Name: "overlap-copies", Every: row.every})
				}
				r := outside(t, housesOf(t, "copies: "+row.promise, seed), defects...)
				if row.anomaly != "" {
					if err := FoundByName(r, row.anomaly); err != nil {
						t.Errorf("seed %d: %v\n%s", seed, err, tell(r))
					}
					continue
				}
				if r.State != assert.Pass || counted(r, "delivery", "channels with overlapping subscriptions") < 44 {
					t.Errorf("seed %d: %s\n%s", seed, r.State, tell(r))
				}
				if row.every > 0 && counted(r, "delivery", "further copies, one a subscription") < 500 {
					t.Errorf("seed %d: too few copies\n%s", seed, tell(r))
				}
			}
		})
	}
}

// TestForeignTraffic: somebody else says something after every third message. That
// is legal where it is promised, invented where the opposite is, and hides no
// message of ours that is lost.
func TestForeignTraffic(t *testing.T) {
	stranger := gateway.Defect{Name: "invented-message", Every: 3}
	for _, row := range []struct{ promise, defect, anomaly string }{
		{"foreign-traffic: true", "", ""},
		{"delivery: exactly-once", "", ""}, // nothing is said of it
		{"foreign-traffic: false", "", "phantom-message"},
		{"foreign-traffic: true", "ack-then-drop", "ack-then-drop"},
		{"foreign-traffic: true", "recovered-flag-lie", "recovered-flag-lie"},
		{"foreign-traffic: true", "fifo-violation", "fifo-violation"},
	} {
		t.Run(row.promise+"/"+row.defect, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= seeds(5); seed++ {
				defects := []gateway.Defect{stranger}
				if row.defect != "" {
					defects = append(defects, gateway.Defect{Name: row.defect})
				}
				r := outside(t, housesOf(t, row.promise, seed), defects...)
				if row.anomaly != "" {
					if err := FoundByName(r, row.anomaly); err != nil {
						t.Errorf("seed %d: %v\n%s", seed, err, tell(r))
					}
				} else if r.State != assert.Pass {
					t.Errorf("seed %d: %s\n%s", seed, r.State, tell(r))
				}
				if n := counted(r, "delivery", "foreign messages"); (n > 500) != (row.promise == "foreign-traffic: true") {
					t.Errorf("seed %d: %d foreign messages\n%s", seed, n, tell(r))
				}
			}
		})
	}
}
