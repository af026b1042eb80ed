// Package latency measures: HDR histograms per stage, judged and printed from
// the same counts. Percentiles are never averaged; histograms are merged.
package latency

import "time"

// Row is one line of the latency table.
type Row struct {
	Stage  string        `json:"stage"`  // connect, subscribe, publish-ack, delivery, catch-up, resync, pong, lag
	During string        `json:"during"` // all, healthy, storm
	Count  int64         `json:"count"`
	P50    time.Duration `json:"p50_ns"`
	P90    time.Duration `json:"p90_ns"`
	P99    time.Duration `json:"p99_ns"`
	P999   time.Duration `json:"p999_ns"`
	Max    time.Duration `json:"max_ns"`
	Mean   time.Duration `json:"mean_ns"`
}
