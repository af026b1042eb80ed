package campaign

import (
	"squall/driver/dialect"
	"squall/scenario"
)

// Dialects is what the scenario needs to know of the protocols.
func Dialects() []scenario.DialectInfo {
	var all []scenario.DialectInfo
	for _, d := range dialect.All() {
		a := d.About()
		all = append(all, scenario.DialectInfo{
			Name: a.Name, Recover: a.Can.Recover, Offsets: a.Can.Offsets, Ack: a.Can.Ack, Patterns: a.Can.Patterns, Filters: a.Can.Filters, Priority: a.Can.Priority,
			Unsubscribe: a.Can.Unsubscribe, ClientPing: a.Can.ClientPing, Quality: a.Can.Quality, Sessions: a.Can.Sessions, Owned: a.Can.Owned, Keys: a.Can.Keys, Sticky: a.Can.Sticky,
			Retain: a.Can.Retain, Presence: a.Can.Presence, Connections: a.Can.Connections, Fallback: a.Can.Fallback, Wills: a.Can.Wills, Snapshot: a.Can.Snapshot, Binary: a.Binary, Offends: a.Can.Offend, Heartbeat: a.Heartbeat, LongestText: a.LongestText, Refuses: a.Refuses,
			Promises: scenario.Promises{
				Delivery: a.Promises.Delivery, Order: a.Promises.Order, Recovery: a.Promises.Recovery,
				History:     scenario.History{Size: a.Promises.HistorySize, TTL: a.Promises.HistoryTTL},
				Heartbeat:   scenario.Heartbeat{Every: a.Promises.HeartbeatEvery, Timeout: a.Promises.HeartbeatTimeout},
				Queue:       scenario.History{Size: a.Promises.QueueSize, TTL: a.Promises.QueueTTL},
				Idempotency: a.Promises.Idempotency, Takeover: a.Promises.Takeover, Copies: a.Promises.Copies,
			},
		})
	}
	return all
}
