package latency

import (
	"testing"
	"time"
)

func TestQuantilesAreMergedNotAveraged(t *testing.T) {
	var a, b Meter
	for range 99 {
		a.Record(Delivery, Healthy, time.Millisecond)
	}
	b.Record(Delivery, Storm, time.Second)
	a.Merge(&b)
	all := a.Of(Delivery, "all")
	if all.Count() != 100 {
		t.Fatalf("count %d, want 100", all.Count())
	}
	if got := all.Quantile(0.5); got != time.Millisecond {
		t.Errorf("p50 %v, want 1ms", got)
	}
	if got := all.Max(); got != time.Second {
		t.Errorf("max %v, want 1s", got)
	}
	if got := a.Of(Delivery, "healthy").Max(); got != time.Millisecond {
		t.Errorf("healthy max %v, want 1ms", got)
	}
	if got := a.Of(Delivery, "storm").Count(); got != 1 {
		t.Errorf("storm count %d, want 1", got)
	}
	if got := len(a.Rows()); got != 3 {
		t.Errorf("%d rows, want all, healthy and storm", got)
	}
}

func TestEmptyHasNoSamples(t *testing.T) {
	var m Meter
	if m.Of(Pong, "all").Count() != 0 || len(m.Rows()) != 0 {
		t.Error("an empty meter shows samples")
	}
}

func TestOutOfRangeIsCountedAtTheEnd(t *testing.T) {
	// sad rows: a clock that ran backwards, and a wait longer than the histogram
	var m Meter
	m.Record(Resync, Healthy, -time.Second)
	m.Record(Resync, Healthy, 3*time.Hour)
	d := m.Of(Resync, "all")
	if d.Count() != 2 {
		t.Fatalf("count %d, want 2", d.Count())
	}
	if d.Max() != 3*time.Hour {
		t.Errorf("max %v, want 3h", d.Max())
	}
}

func TestStageWords(t *testing.T) {
	for s := range Stages {
		if got, ok := StageOf(s.String()); !ok || got != s {
			t.Errorf("StageOf(%q) = %v, %v", s.String(), got, ok)
		}
	}
	if _, ok := StageOf("deliveries"); ok {
		t.Error("an unknown word was taken")
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	var m Meter
	m.Record(Delivery, Healthy, time.Millisecond)
	if n := testing.AllocsPerRun(1000, func() { m.Record(Delivery, Healthy, 5*time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations per sample", n)
	}
}
