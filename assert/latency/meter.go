package latency

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Stage is what a sample measures.
type Stage uint8

// The stages, in the order in which they are printed.
const (
	Connect    Stage = iota // due → the dialect's handshake answered
	Subscribe               // sent → answered
	PublishAck              // due → acknowledged
	Delivery                // due → first live receipt
	CatchUp                 // return → replayed message here
	Resync                  // end of away → everything up to the answers' positions here
	Pong                    // ping sent → answered
	Lag                     // due → actually sent: the generator's own lateness
	Stages                  // how many there are
)

// String is the stage's word in the scenario language.
func (s Stage) String() string {
	return [...]string{"connect", "subscribe", "publish-ack", "delivery", "catch-up", "resync", "pong", "lag"}[s]
}

// StageOf is the inverse of String; ok is false for an unknown word.
func StageOf(word string) (s Stage, ok bool) {
	for s = range Stages {
		if s.String() == word {
			return s, true
		}
	}
	return 0, false
}

// During says in which part of the run a sample was taken.
type During uint8

// The parts. Arrivals count only for `all`.
const (
	Arrivals During = iota
	Healthy
	Storm
	Apart // of clients that the plan gives a link or a reading of their own: no part of `all`
	parts
)

// The histograms resolve 1 µs to an hour with three digits; what lies beyond
// is counted at the nearest end.
const (
	lowest  = 1
	highest = int64(time.Hour / time.Microsecond)
	digits  = 3
)

// Meter counts the samples of every stage, apart for each part of the run. It
// belongs to one goroutine; the zero value is ready, and a stage without
// samples costs nothing.
type Meter struct {
	h   [Stages][parts]*hdrhistogram.Histogram
	max [Stages][parts]time.Duration
}

// Record adds one sample. A negative one (clocks read apart) counts as zero.
func (m *Meter) Record(s Stage, d During, v time.Duration) {
	h := m.h[s][d]
	if h == nil {
		h = hdrhistogram.New(lowest, highest, digits)
		m.h[s][d] = h
	}
	us := min(max(int64(v/time.Microsecond), 0), highest)
	_ = h.RecordValue(us) // in range by the line above
	if v > m.max[s][d] {
		m.max[s][d] = v
	}
}

// Merge adds the samples of o, which stays as it is.
func (m *Meter) Merge(o *Meter) {
	for s := range m.h {
		for d, from := range o.h[s] {
			if from == nil {
				continue
			}
			if m.h[s][d] == nil {
				m.h[s][d] = from.Clone()
			} else {
				m.h[s][d].Merge(from)
			}
			m.max[s][d] = max(m.max[s][d], o.max[s][d])
		}
	}
}

// Spread is a distribution to be asked for its quantiles. A nil histogram
// inside means no samples: Count is then 0 and nothing else has a meaning.
type Spread struct {
	h   *hdrhistogram.Histogram
	max time.Duration
}

// Of returns the distribution of a stage. During is `all`, `healthy`, `storm` or
// `apart`; all is the merge of the parts but `apart`, never an average.
func (m *Meter) Of(s Stage, during string) Spread {
	var out Spread
	for d := range During(parts) {
		if (d == Apart) != (during == "apart") || during == "healthy" && d != Healthy || during == "storm" && d != Storm {
			continue
		}
		from := m.h[s][d]
		if from == nil {
			continue
		}
		if out.h == nil {
			out.h = from.Clone()
		} else {
			out.h.Merge(from)
		}
		out.max = max(out.max, m.max[s][d])
	}
	return out
}

// Count is the number of samples. Ask it first: an empty distribution has no quantile.
func (d Spread) Count() int64 {
	if d.h == nil {
		return 0
	}
	return d.h.TotalCount()
}

// Quantile returns the value at q, 0..1.
func (d Spread) Quantile(q float64) time.Duration {
	if d.Count() == 0 {
		return 0
	}
	if q >= 1 {
		return d.max
	}
	return min(time.Duration(d.h.ValueAtQuantile(q*100))*time.Microsecond, d.max)
}

// Max is the largest sample, exactly.
func (d Spread) Max() time.Duration { return d.max }

// Mean is the arithmetic mean.
func (d Spread) Mean() time.Duration {
	if d.Count() == 0 {
		return 0
	}
	return time.Duration(math.Round(d.h.Mean())) * time.Microsecond
}

// Histogram is the distribution behind one row of the table.
type Histogram struct {
	Stage, During string
	Spread
}

// Histograms returns every stage that has samples, over the whole run, and apart
// where both healthy and storm samples exist.
func (m *Meter) Histograms() []Histogram {
	var all []Histogram
	for s := range Stages {
		if whole := m.Of(s, "all"); whole.Count() > 0 {
			all = append(all, Histogram{s.String(), "all", whole})
		}
		healthy, storm := m.Of(s, "healthy"), m.Of(s, "storm")
		if healthy.Count() > 0 && storm.Count() > 0 {
			all = append(all, Histogram{s.String(), "healthy", healthy}, Histogram{s.String(), "storm", storm})
		}
		if apart := m.Of(s, "apart"); apart.Count() > 0 {
			all = append(all, Histogram{s.String(), "apart", apart})
		}
	}
	return all
}

// Rows returns the table of Histograms.
func (m *Meter) Rows() []Row {
	var rows []Row
	for _, h := range m.Histograms() {
		rows = append(rows, h.row())
	}
	return rows
}

// Percentiles writes the distribution in HdrHistogram's percentile format, in
// milliseconds, as its plotters read it.
func (d Spread) Percentiles(w io.Writer) error {
	if d.Count() == 0 {
		return errors.New("an empty histogram has no percentiles")
	}
	const ticks = 5 // steps each time the distance to 100 % halves
	if _, err := d.h.PercentilesPrint(w, ticks, float64(time.Millisecond/time.Microsecond)); err != nil {
		return fmt.Errorf("writing percentiles: %w", err)
	}
	return nil
}

func (d Histogram) row() Row {
	return Row{
		Stage: d.Stage, During: d.During, Count: d.Count(),
		P50: d.Quantile(0.5), P90: d.Quantile(0.9), P99: d.Quantile(0.99), P999: d.Quantile(0.999),
		Max: d.Max(), Mean: d.Mean(),
	}
}
