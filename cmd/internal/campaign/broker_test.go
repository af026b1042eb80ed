package campaign

import (
	"testing"

	"squall/assert"
)

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
