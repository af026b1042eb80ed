package assert

import (
	"time"

	"squall/assert/history"
	"squall/assert/latency"
)

// meters measure: one for the table of the report, and one for each latency
// expectation that looks at some clients or channels only.
type meters struct {
	all    latency.Meter
	some   []meter
	prompt []promptness
}

type meter struct {
	filter *filter
	latency.Meter
}

func newMeters(w *wants) meters {
	m := meters{some: make([]meter, len(w.all)), prompt: newPromptness(w)}
	for i := range w.all {
		if x := w.all[i].Expectation; x.Rule == "latency" && (len(x.Groups) > 0 || x.Channel != "") {
			m.some[i].filter = &w.all[i].filter
		}
	}
	return m
}

// during tells which part of the run e belongs to; ok is false in the warm-up.
func (j *Judge) during(e *history.Event) (d latency.During, ok bool) {
	apart := e.Flags&history.FlagApart != 0
	switch {
	case !apart && (j.clock.active < 0 || e.Due < j.clock.active):
		return latency.Arrivals, true
	case j.clock.active >= 0 && e.Due >= j.clock.active && e.Due < j.clock.active+j.brief.Warmup:
		return 0, false
	case apart:
		return latency.Apart, true
	case e.Flags&history.FlagStorm != 0:
		return latency.Storm, true
	}
	return latency.Healthy, true
}

// delivery takes a live receipt.
func (m *meters) delivery(j *Judge, e *history.Event) {
	m.sample(j, e, latency.Delivery, e.Arrived-e.Due)
}

func (m *meters) sample(j *Judge, e *history.Event, s latency.Stage, v time.Duration) {
	d, ok := j.during(e)
	if !ok {
		return
	}
	m.all.Record(s, d, v)
	for i := range m.some {
		f := m.some[i].filter
		if f != nil && e.Client >= 0 && f.client(j.person(e.Client)) && (!aboutChannel(s) || f.channel(e.Channel)) {
			m.some[i].Record(s, d, v)
		}
	}
	if s == latency.Delivery && d != latency.Apart {
		for i := range m.prompt {
			m.prompt[i].add(j, e, d, v)
		}
	}
}

// aboutChannel reports whether samples of this stage are about a channel.
func aboutChannel(s latency.Stage) bool {
	switch s {
	case latency.Subscribe, latency.PublishAck, latency.Delivery, latency.CatchUp, latency.Lag:
		return true
	}
	return false
}
