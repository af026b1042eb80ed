package fault

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPlaceInTheNextFrame(t *testing.T) {
	tests := []struct {
		name              string
		after             int
		header, size, had int
		at                int
		in                bool
	}{
		{"one byte after the header", 0, 2, 10, 0, 3, true},
		{"of a long header too", 0, 10, 70_000, 0, 11, true},
		{"no payload: inside the header", 0, 2, 2, 0, 1, true},
		{"it is reached already", 0, 2, 10, 5, 5, true},
		{"within the first frame", 4, 2, 10, 0, 4, true},
		{"in its last byte", 9, 2, 10, 0, 9, true},
		{"on its end: not inside it", 10, 2, 10, 0, 0, false},
		{"behind it", 11, 2, 10, 0, 0, false},
		{"counted from what is here", 4, 2, 10, 3, 7, true},
		{"the rest of it goes by", 7, 2, 10, 3, 0, false},
	}
	for _, tt := range tests {
		at, in := NewPlace(tt.after).In(tt.header, tt.size, tt.had)
		if at != tt.at || in != tt.in {
			t.Errorf("%s: %d %v, want %d %v", tt.name, at, in, tt.at, tt.in)
		}
	}
}

// In any stream of frames the place is inside one, at the byte asked for or one
// behind it.
func TestPlaceIsInsideAFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		after := rapid.IntRange(1, 500).Draw(t, "after")
		p := NewPlace(after)
		passed := 0
		had := rapid.IntRange(0, 3).Draw(t, "had")
		for {
			header := rapid.SampledFrom([]int{2, 4}).Draw(t, "header")
			size := header + rapid.IntRange(had, 130).Draw(t, "payload") // had is part of it
			at, in := p.In(header, size, had)
			if !in {
				p.Passed(size - had)
				passed += size - had
				had = 0
				continue
			}
			if at < 1 || at >= size && size > 1 {
				t.Fatalf("at %d of a frame of %d", at, size)
			}
			if got := passed + at - had; got != after && (got != after+1 || at != 1) {
				t.Fatalf("after %d bytes, want %d", got, after)
			}
			return
		}
	})
}

func TestPlaceInHeader(t *testing.T) {
	tests := []struct {
		after, have, had int
		want             bool
	}{
		{0, 1, 0, false}, // the header comes first
		{1, 1, 0, true},
		{2, 1, 0, false},
		{1, 1, 1, false}, // that byte was here before
		{1, 2, 1, true},
	}
	for _, tt := range tests {
		if got := NewPlace(tt.after).InHeader(tt.have, tt.had); got != tt.want {
			t.Errorf("after %d, %d bytes, %d before: %v", tt.after, tt.have, tt.had, got)
		}
	}
}
