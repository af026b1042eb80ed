package engine

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// twin is a Wheel as anybody would write it.
type twin struct {
	cursor int64
	order  int
	set    map[int32][2]int64 // tick and order of Set
}

func (w *twin) Set(key int32, due time.Duration) {
	w.order++
	w.set[key] = [2]int64{max(tickOf(due), w.cursor), int64(w.order)}
}

func (w *twin) first() (tick int64, ok bool) {
	for _, e := range w.set {
		if !ok || e[0] < tick {
			tick, ok = e[0], true
		}
	}
	return tick, ok
}

func (w *twin) Advance(now time.Duration) (ticks []int64, keys []int32) {
	last := int64(now / Tick)
	var due []int32
	for k, e := range w.set {
		if e[0] <= last {
			due = append(due, k)
		}
	}
	slices.SortFunc(due, func(a, b int32) int {
		x, y := w.set[a], w.set[b]
		if x[0] != y[0] {
			return int(x[0] - y[0])
		}
		return int(x[1] - y[1])
	})
	for _, k := range due {
		ticks = append(ticks, w.set[k][0])
		delete(w.set, k)
	}
	w.cursor = max(w.cursor, last+1)
	return ticks, due
}

func TestWheelAgainstItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "start"))
		w := NewWheel(now)
		dull := &twin{cursor: int64(now / Tick), set: map[int32][2]int64{}}
		cleared := false // a far key: only then Next may be early
		key := rapid.Int32Range(0, 40)
		delay := rapid.OneOf(
			rapid.Int64Range(-int64(time.Second), int64(10*time.Millisecond)),
			rapid.Int64Range(0, int64(5*time.Second)),
			rapid.Int64Range(0, int64(10*time.Minute)),
			rapid.SampledFrom([]int64{4094e6, 4095e6, 4096e6, 4097e6, 8192e6}),
		)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1, 2:
				k, due := key.Draw(t, "key"), now+time.Duration(delay.Draw(t, "delay"))
				cleared = cleared || w.isFar(k)
				w.Set(k, due)
				dull.Set(k, due)
			case 3:
				k := key.Draw(t, "clear")
				cleared = cleared || w.isFar(k)
				w.Clear(k)
				delete(dull.set, k)
			default:
				now += time.Duration(max(delay.Draw(t, "pass"), 0))
				wantTicks, want := dull.Advance(now)
				var got []int32
				w.Advance(now, func(k int32) { got = append(got, k) })
				// Keys that came from afar keep their tick, not their order within it.
				sortWithin(want, wantTicks)
				sortWithin(got, wantTicks)
				if !slices.Equal(got, want) {
					t.Fatalf("at %v: fired %v, want %v at %v", now, got, want, wantTicks)
				}
			}
			tick, ok := dull.first()
			due, gotOK := w.Next(now)
			want := max(time.Duration(tick)*Tick, now)
			if ok != gotOK || ok && (due > want || due < want && !cleared) {
				t.Fatalf("at %v: Next is %v %v, want %v %v", now, due, gotOK, want, ok)
			}
		}
	})
}

func (w *Wheel) isFar(key int32) bool {
	return int(key) < len(w.timers) && w.timers[key].tick != unset && w.timers[key].next == nobody
}

// sortWithin sorts the keys of each tick.
func sortWithin(keys []int32, ticks []int64) {
	for i := 0; i < min(len(keys), len(ticks)); {
		j := i
		for j < min(len(keys), len(ticks)) && ticks[j] == ticks[i] {
			j++
		}
		slices.Sort(keys[i:j])
		i = j
	}
}

// What fires may set and clear others, itself included, also for the past.
func TestWheelChangedWhileItFires(t *testing.T) {
	w := NewWheel(0)
	for k := range int32(4) {
		w.Set(k, 5*Tick)
	}
	var fired []int32
	fire := func(k int32) {
		fired = append(fired, k)
		switch k {
		case 0:
			w.Clear(1)
			w.Set(2, 7*Tick)
			w.Set(0, 0) // the past: the next tick
		case 3:
			w.Clear(3)
			w.Set(9, 100*time.Hour)
		}
		if len(fired) > 3 && k == 0 {
			w.Clear(0)
		}
	}
	w.Advance(5*Tick, fire)
	if want := []int32{0, 3}; !slices.Equal(fired, want) {
		t.Fatalf("fired %v, want %v", fired, want)
	}
	w.Advance(6*Tick, fire)
	if want := []int32{0, 3, 0}; !slices.Equal(fired, want) {
		t.Fatalf("fired %v, want %v", fired, want)
	}
	w.Advance(8*Tick, fire)
	if !slices.Contains(fired, 2) {
		t.Fatalf("fired %v, without 2", fired)
	}
	w.Clear(0)
	if due, ok := w.Next(8 * Tick); !ok || due != 100*time.Hour {
		t.Fatalf("Next is %v %v", due, ok)
	}
	w.Clear(9)
	if due, ok := w.Next(8 * Tick); ok {
		t.Fatalf("Next of an empty wheel is %v", due)
	}
}

func TestWheelNeverFiresEarly(t *testing.T) {
	w := NewWheel(0)
	w.Set(1, 1500*time.Microsecond)
	early := func(int32) { t.Fatal("fired early") }
	w.Advance(1999*time.Microsecond, early)
	if due, _ := w.Next(0); due != 2*Tick {
		t.Fatalf("Next is %v", due)
	}
	n := 0
	w.Advance(2*Tick, func(int32) { n++ })
	if n != 1 {
		t.Fatal("not fired")
	}
	w.Set(1, Never) // as far as there is
	w.Advance(1000*time.Hour, early)
}

func BenchmarkWheel(b *testing.B) {
	const timers = 10_000
	w := NewWheel(0)
	now := time.Duration(0)
	for k := range int32(timers) {
		w.Set(k, time.Duration(k)*25*time.Second/timers)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); {
		now += Tick
		w.Advance(now, func(k int32) { w.Set(k, now+25*time.Second); i++ })
	}
}
