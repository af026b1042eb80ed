package session

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// TestRollCrossing: connections of a few members come and go; a list is read at some
// point of that, and comes before or behind some of what is told of it, as the list and
// the changes are told apart. What the members are said to do adds up to what is true,
// and nobody comes who is there, or goes who is not.
func TestRollCrossing(t *testing.T) {
	crossed := 0
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 11))
		type moved struct {
			at   seat
			gone bool
		}
		var changes []moved
		present := map[seat]bool{}
		next := uint64(1)
		var states []map[seat]bool // before each change
		keep := func() {
			c := map[seat]bool{}
			for s := range present {
				c[s] = true
			}
			states = append(states, c)
		}
		for range 3 + r.IntN(14) {
			keep()
			here := make([]seat, 0, len(present))
			for s := range present {
				here = append(here, s)
			}
			slices.SortFunc(here, func(a, b seat) int { return int(a.connection) - int(b.connection) })
			if len(here) > 0 && r.IntN(2) == 0 {
				at := here[r.IntN(len(here))]
				delete(present, at)
				changes = append(changes, moved{at, true})
				continue
			}
			at := seat{next, history.MemberID(1 + r.IntN(3))}
			next++
			present[at] = true
			changes = append(changes, moved{at, false})
		}
		keep()
		from := r.IntN(len(changes))                 // the watcher is told of changes from here
		read := from + r.IntN(len(changes)-from+1)   // the list is what was true before this one
		behind := from + r.IntN(len(changes)-from+1) // and comes before this one
		if read > behind+2 || behind > read+2 || read < from {
			behind = read
		}
		if read != behind {
			crossed++
		}
		var w roll
		w.begin()
		view := map[history.MemberID]bool{}
		say := func(m history.MemberID, gone bool) {
			if view[m] == !gone {
				t.Fatalf("member %d is said to move as it was known, gone %v; list read before %d, told before %d, from %d, of %v", m, gone, read, behind, from, changes)
			}
			view[m] = !gone
		}
		for i := from; i <= len(changes); i++ {
			if i == behind {
				var cs []uint64
				var ms []history.MemberID
				for s := range states[read] {
					cs, ms = append(cs, s.connection), append(ms, s.member)
				}
				told := w.list(cs, ms)
				for _, m := range ms {
					view[m] = true
				}
				for _, c := range told {
					say(c.member, c.gone)
				}
			}
			if i == len(changes) {
				break
			}
			if c := changes[i]; w.move(c.at, c.gone) {
				say(c.at.member, c.gone)
			}
		}
		want := map[history.MemberID]bool{}
		for s := range present {
			want[s.member] = true
		}
		for m := history.MemberID(1); m <= 3; m++ {
			if view[m] != want[m] {
				t.Fatalf("member %d: the view says %v; list read before %d, told before %d, from %d, of %v", m, view[m], read, behind, from, changes)
			}
		}
	})
	if crossed == 0 {
		t.Error("no list crossed with a change")
	}
}

// TestRollTwice: what is told of a connection twice is told twice of its member.
func TestRollTwice(t *testing.T) {
	a, b := seat{1, 7}, seat{2, 7}
	for _, row := range []struct {
		name  string
		list  []seat
		moves []string
		want  string
	}{
		{"comes twice", nil, []string{"+a", "+a"}, "true true"},
		{"leaves twice", []seat{a}, []string{"-a", "-a"}, "true true"},
		{"is listed, and said to come, which may be the same", []seat{a}, []string{"+a", "+a"}, "false true"},
		{"is said to leave before anybody heard of it", nil, []string{"-a"}, "false"},
		{"comes and leaves with a second one", nil, []string{"+a", "+b", "-a", "-b"}, "true false false true"},
		{"the second one comes twice", []seat{a}, []string{"+b", "+b"}, "false false"},
	} {
		var w roll
		w.begin()
		var cs []uint64
		var ms []history.MemberID
		for _, s := range row.list {
			cs, ms = append(cs, s.connection), append(ms, s.member)
		}
		w.list(cs, ms)
		got := ""
		for _, m := range row.moves {
			at := a
			if m[1] == 'b' {
				at = b
			}
			got += fmt.Sprint(" ", w.move(at, m[0] == '-'))
		}
		if got != " "+row.want {
			t.Errorf("%s: got%s, want %s", row.name, got, row.want)
		}
	}
}
