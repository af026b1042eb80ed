// Package assert judges: expectations and events in, verdicts out. It opens no
// socket and reads no clock.
//
// A Judge is one shard's fold. The driver hands it every event of the shard by
// value; at the end the judges of all shards are merged into one, which gives
// the verdicts:
//
//	j := assert.NewJudge(brief, names)   // one per shard
//	j.Add(e)                             // in the shard, in order
//	j.Merge(other)                       // once per other shard, at the end
//	verdicts := j.Verdicts(end)          // three-valued, with witnesses
//
// Subscriptions with dense offsets are judged by positions: a cursor for each
// (client, channel) and one log for each channel (ledger.go, log.go, gap.go).
// The streaming part (subscription.go, receipt.go) only keeps what it can't yet
// explain; the end (settle*.go) decides with all shards, all publications, the
// fences and the probes at hand. Whatever is neither received nor provably lost
// is unseen. Each rule then picks its own anomalies out of what was found
// (anomaly.go names the owner of each) and says how often its situation occurred.
package assert
