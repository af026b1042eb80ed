package assert

import (
	"squall/assert/history"
	"squall/assert/latency"
)

// Traffic counts what went over the wire.
type Traffic struct {
	Connections int   `json:"connections"` // most at one time, summed over shards
	Dials       int64 `json:"dials"`
	Streams     int64 `json:"event_streams,omitempty"` // connections over an event stream
	Polls       int64 `json:"long_polls,omitempty"`    // connections that polled
	Published   int64 `json:"published"`               // without fences
	Acked       int64 `json:"acked"`
	Failed      int64 `json:"failed"`
	Unknown     int64 `json:"unknown"` // neither
	Delivered   int64 `json:"delivered"`
	Stray       int64 `json:"stray"` // of these, without a subscription that could be owed them
	BytesIn     int64 `json:"bytes_in"`
}

// Traffic adds up all shards.
func (j *Judge) Traffic() (t Traffic) {
	for _, p := range j.parts {
		t.Connections += p.traffic.peak
		t.Dials += p.traffic.dials
		t.Streams += p.traffic.opens[history.EventStream]
		t.Polls += p.traffic.opens[history.LongPoll]
		t.Published += p.publications.published
		t.Acked += p.publications.acked
		t.Failed += p.publications.failed
		t.Delivered += p.traffic.delivered
		t.Stray += p.traffic.stray
		t.BytesIn += p.traffic.bytes
	}
	t.Unknown = t.Published - t.Acked - t.Failed
	return t
}

// Latency is the table of all stages that have samples.
func (j *Judge) Latency() []latency.Row { return j.spread().Rows() }

// Histograms are the distributions behind the rows of Latency.
func (j *Judge) Histograms() []latency.Histogram { return j.spread().Histograms() }

// Spread is the distribution of one stage over the whole run.
func (j *Judge) Spread(s latency.Stage) latency.Spread { return j.spread().Of(s, "all") }

func (j *Judge) spread() *latency.Meter {
	var m latency.Meter
	for _, p := range j.parts {
		m.Merge(&p.meters.all)
	}
	return &m
}
