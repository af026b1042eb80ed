package assert

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// story is a drawn history of one channel: what is published, what each of some
// subscribers with a filter got of it, and when they lost their connections. The
// last two subscribers have no filter and get everything. What is wrong is drawn
// with it, so a naive twin needs no rule: it counts what was left out and put in.
type story struct {
	masks []uint64 // of the publications, by offset from 1
	subs  []storySub
}

type storySub struct {
	filter int // 1 or 2; 0: none
	got    map[int]bool
	away   [2]int // is away from one offset to another; 0: never
	told   map[int]bool
}

func drawStory(t *rapid.T) *story {
	s := &story{}
	for range rapid.IntRange(6, 40).Draw(t, "published") {
		s.masks = append(s.masks, uint64(rapid.IntRange(0, 3).Draw(t, "mask")))
	}
	n := len(s.masks)
	for range rapid.IntRange(1, 4).Draw(t, "subscribers") {
		x := storySub{filter: rapid.IntRange(1, 2).Draw(t, "filter"), got: make(map[int]bool), told: make(map[int]bool)}
		if rapid.Bool().Draw(t, "goes away") {
			x.away[0] = rapid.IntRange(1, n-1).Draw(t, "from")
			x.away[1] = rapid.IntRange(x.away[0], n).Draw(t, "to")
		}
		s.subs = append(s.subs, x)
	}
	return s
}

// passes reports whether the filter of a subscriber lets an offset through.
func (s *story) passes(x *storySub, o int) bool {
	return x.filter == 0 || s.masks[o-1]&(1<<(x.filter-1)) != 0
}

// receive lets each get what is his but for what goes wrong, and counts that.
func (s *story) receive(t *rapid.T, wrong bool) (lost, leaked int) {
	for i := range s.subs {
		x := &s.subs[i]
		for o := 1; o <= len(s.masks); o++ {
			x.got[o] = s.passes(x, o)
			if wrong && rapid.IntRange(0, 9).Draw(t, "wrong") == 0 {
				if x.got[o] = !x.got[o]; x.got[o] {
					leaked++
				} else {
					lost++
				}
			}
			x.told[o] = rapid.IntRange(0, 5).Draw(t, "told") == 0
		}
	}
	return lost, leaked
}

// text writes the story as a script.
func (s *story) text() string {
	var b strings.Builder
	line := func(at float64, format string, args ...any) {
		fmt.Fprintf(&b, "%.3f "+format+"\n", append([]any{at}, args...)...)
	}
	all := append([]storySub(nil), s.subs...)
	for range 2 {
		x := storySub{got: make(map[int]bool)}
		for o := range s.masks {
			x.got[o+1] = true
		}
		all = append(all, x)
	}
	b.WriteString("expect: delivery=x order=x recovery=x isolation=x\n")
	for v, x := range all {
		line(0.1, "v%d open", v)
		if x.filter > 0 {
			line(0.1, "v%d sub room filter=%d", v, x.filter)
		} else {
			line(0.1, "v%d sub room", v)
		}
		line(0.2, "v%d ack room 0/e1", v)
		line(0.2, "v%d ready", v)
	}
	line(1, "run phase active")
	position := make([]int, len(all))
	for o := 1; o <= len(s.masks); o++ {
		at := 1 + float64(o)
		mask := [...]string{"", " passes=1", " passes=2", " passes=1,2"}[s.masks[o-1]]
		line(at, "t0 pub room t0#%d%s", o, mask)
		for v := range all {
			x := &all[v]
			gone := x.away[0] > 0 && o > x.away[0] && o <= x.away[1]
			if !gone && x.got[o] {
				line(at+.01, "v%d recv room %d/e1 t0#%d", v, o, o)
				position[v] = o
			}
			if !gone && x.filter > 0 && x.told[o] && o > position[v] {
				line(at+.02, "v%d told room %d/e1", v, o)
				position[v] = o
			}
		}
		line(at+.05, "t0 ok room t0#%d %d/e1", o, o)
		for v := range all {
			x := &all[v]
			if o == x.away[0] {
				line(at+.1, "v%d fault disconnect reset", v)
				line(at+.1, "v%d closed fault", v)
			}
			if o == x.away[1] && o > 0 {
				line(at+.2, "v%d healed disconnect reset", v)
				line(at+.2, "v%d open", v)
				line(at+.21, "v%d sub room from %d/e1 filter=%d", v, position[v], x.filter)
				line(at+.22, "v%d ack room %d/e1 recovered", v, o)
				for k := position[v] + 1; k <= o; k++ {
					if x.got[k] {
						line(at+.23, "v%d recv room %d/e1 t0#%d replay", v, k, k)
						position[v] = k
					}
				}
				if position[v] < o {
					line(at+.24, "v%d told room %d/e1", v, o)
					position[v] = o
				}
				line(at+.3, "v%d ready", v)
			}
		}
	}
	n := len(s.masks)
	line(100, "run phase drain")
	line(100.1, "run phase fences")
	line(100.2, "t0 pub room t0#%d!", n)
	for v := range all {
		if all[v].filter > 0 {
			continue // nothing says that the fence is let through
		}
		line(100.2, "v%d recv room %d/e1 t0#%d!", v, n+1, n)
	}
	line(100.3, "t0 ok room t0#%d! %d/e1", n, n+1)
	line(105, "run phase probe")
	for v := range all {
		line(105.2, "v%d probe 105.1", v)
	}
	line(106, "run phase end")
	return b.String()
}

// told counts what the verdicts say is lost, and what came and should not have.
func (s *story) told(t *rapid.T, shards int) (lost, leaked int64, vs []Verdict) {
	x, err := parseScript(s.text())
	if err != nil {
		t.Fatal(err)
	}
	_, vs = judgeEvents(x.brief, x.names, x.events, shards)
	for _, v := range vs {
		for _, c := range v.Counts {
			if c.Name == "messages lost" {
				lost += c.N
			}
		}
		for _, f := range v.Findings {
			if f.Anomaly == FilterFalsePositive.String() {
				leaked += f.Times
			}
		}
	}
	return lost, leaked, vs
}

// TestSieveTwin: whatever is left out or put in, live or in a replay, is counted, each
// message once, and nothing else is blamed.
func TestSieveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		wantLost, wantLeaked := s.receive(t, rapid.Bool().Draw(t, "something is wrong"))
		lost, leaked, vs := s.told(t, rapid.IntRange(1, 3).Draw(t, "shards"))
		if lost != int64(wantLost) || leaked != int64(wantLeaked) {
			t.Fatalf("%d lost and %d leaked, want %d and %d, in\n%s\n%+v", lost, leaked, wantLost, wantLeaked, s.text(), vs)
		}
		for _, v := range vs {
			for _, f := range v.Findings {
				if d := AnomalyOf(f.Anomaly).Define(); d.harm != loses && d.harm != leaks {
					t.Fatalf("%s was blamed in\n%s", f.Anomaly, s.text())
				}
			}
		}
	})
}

// TestUnfilteredIsFiltered: a filter that lets everything through gives the verdicts
// that no filter gives.
func TestUnfilteredIsFiltered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		for i := range s.masks {
			s.masks[i] = 3
		}
		for i := range s.subs {
			s.subs[i].away = [2]int{}
		}
		s.receive(t, true)
		for i := range s.subs {
			clear(s.subs[i].told)
		}
		with, _, _ := s.told(t, 1)
		for i := range s.subs {
			s.subs[i].filter = 0
		}
		without, _, _ := s.told(t, 1)
		if with != without {
			t.Fatalf("%d lost with a filter that lets everything through, %d without one, in\n%s", with, without, s.text())
		}
	})
}

func TestSievedSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x sieved
		want := make(map[uint64]bool)
		for range rapid.IntRange(0, 50).Draw(t, "marks") {
			o := uint64(rapid.IntRange(1, 2000).Draw(t, "offset"))
			if !x.mark(o) {
				t.Fatalf("%d can't be kept", o)
			}
			want[o] = true
		}
		for o := uint64(0); o < 2100; o++ {
			if x.has(o) != want[o] {
				t.Fatalf("%d: %v, want %v", o, x.has(o), want[o])
			}
		}
		if len(want) > 0 && x.mark(1<<40) {
			t.Error("an offset far away is kept")
		}
	})
}
