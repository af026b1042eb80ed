package campaign

import (
	"strings"
	"testing"

	"squall/assert"
)

// What shipped scenarios need to run against an MQTT broker: nobody asks for a
// recovery, and no more is expected than such a broker promises.
const (
	atLeastOnce    = "expect=[{delivery: at-least-once}, {order: per-publisher}, {errors: 0}]"
	exactlyOnce    = "expect=[{delivery: exactly-once}, {order: per-publisher}, {errors: 0}]"
	keptQueue      = "target.promises.queue={size: 7000, ttl: 60s}"
	backToSessions = "expect=[{queue: complete}, {delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
	mutedAcks      = "timeline=[{at: 2s, mute: {who: phones, share: 70%, what: acks, for: 4s}}, {at: 4s, disconnect: {who: phones, share: 70%, over: 500ms, how: reset, away: 500ms..2s}}, {at: 9s, mute: {who: phones, share: 50%, what: acks}}]"
	aloneHurt      = "expect=[{close: {when: abuse}}, {delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
	andReturns     = "expect=[{delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
)

// brokerRow is a shipped scenario as a broker's promises allow it.
type brokerRow struct {
	name, file, dialect string
	set                 []string
	only                string // the broker; "": any
}

// brokerRows are the runs against real brokers. Mochi is spared what it is known
// to do wrong (see its recipe): returns that come before it has noticed the loss,
// and sessions that it keeps.
var brokerRows = []brokerRow{
	{"fan-out", "fan-out.yaml", "mqtt", []string{"clients.listeners.subscribe.0.recover=false", atLeastOnce}, ""},
	{"fan-out-3.1.1", "fan-out.yaml", "mqtt311", []string{"clients.listeners.subscribe.0.recover=false", atLeastOnce}, ""},
	{"fan-out-qos2", "fan-out.yaml", "mqtt", []string{"clients.listeners.subscribe.0.recover=false", "clients.listeners.count=400", "target.promises.delivery=exactly-once", exactlyOnce}, ""},
	{"reconnect-storm", "reconnect-storm.yaml", "mqtt", []string{"clients.voters.subscribe.0.recover=false", andReturns}, ""},
	{"reconnect-storm-3.1.1", "reconnect-storm.yaml", "mqtt311", []string{"clients.voters.subscribe.0.recover=false", andReturns}, ""},
	{"cuts", "cuts.yaml", "mqtt", []string{"clients.members.subscribe.0.recover=false", andReturns}, "mosquitto"},
	{"offline-queue", "offline-queue.yaml", "mqtt", []string{keptQueue, backToSessions}, "mosquitto"},
	{"offline-queue-qos2", "offline-queue.yaml", "mqtt", []string{keptQueue, "target.promises.delivery=exactly-once", strings.Replace(backToSessions, "at-least", "exactly", 1)}, "mosquitto"},
	{"offline-queue-muted", "offline-queue.yaml", "mqtt", []string{keptQueue, mutedAcks, backToSessions}, "mosquitto"},
	{"offline-queue-muted-qos2", "offline-queue.yaml", "mqtt", []string{keptQueue, mutedAcks, "target.promises.delivery=exactly-once", strings.Replace(backToSessions, "at-least", "exactly", 1)}, "mosquitto"},
	{"offline-queue-3.1.1", "offline-queue.yaml", "mqtt311", []string{keptQueue, backToSessions}, "mosquitto"},
	{"hostile-clients", "hostile-clients.yaml", "mqtt", []string{"clients.members.subscribe.0.recover=false", "clients.hostile.subscribe.0.recover=false", aloneHurt}, "mochi"},
	{"cuts-3.1.1", "cuts.yaml", "mqtt311", []string{"clients.members.subscribe.0.recover=false", andReturns}, "mosquitto"},
}

// soakBroker runs them, each against a broker of its own.
func soakBroker(t *testing.T, broker string) {
	start := startMosquitto
	if broker == "mochi" {
		bin := buildRecipe(t, "mochi")
		start = func(t *testing.T) (string, func()) { return startRecipe(t, bin, "-quiet") }
	}
	for _, c := range brokerRows {
		name := broker + "/" + c.name
		if !strings.Contains(name, *soakOnly) || c.only != "" && c.only != broker {
			continue
		}
		for seed := uint64(1); seed <= runs(10); seed++ {
			url, stop := start(t)
			x := sum(name, seed, once(t, planAt(t, c.file, seed, url, c.dialect, c.set...)))
			stop()
			x.OK = x.State == "pass"
			tellRow(t, x)
		}
	}
}

// TestMochi: both versions of MQTT and all three QoS against a real broker, with
// clients that are lost and return.
func TestMochi(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs another module's server")
	}
	url, stop := startRecipe(t, buildRecipe(t, "mochi"), "-quiet")
	defer stop()
	for _, row := range []struct{ name, dialect, delivery string }{
		{"QoS 0", "mqtt", "at-most-once"},
		{"QoS 1", "mqtt", "at-least-once"},
		{"QoS 2", "mqtt", "exactly-once"},
		{"3.1.1", "mqtt311", "at-least-once"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := planAt(t, "reconnect-storm.yaml", 1, url, row.dialect,
				"duration=3s", "clients.voters.count=80", "clients.tellers.count=20",
				"clients.voters.subscribe.0={channel: 'vote.{run}.{i % 20}'}", "clients.tellers.publish.0.channel=vote.{run}.{i}",
				"timeline.0.at=500ms", "timeline.0.disconnect.away=500ms..1s", "target.promises.delivery="+row.delivery,
				"expect=[{delivery: "+row.delivery+"}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]")
			if r := once(t, p); r.State != assert.Pass || r.Traffic.Delivered < 800 {
				t.Errorf("%d delivered:\n%s", r.Traffic.Delivered, tell(r))
			}
		})
	}
}
