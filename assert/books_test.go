package assert

import (
	"testing"

	"squall/assert/history"
	"squall/scenario"
)

// TestBooksAreKept: entries are found by their publication, also after older ones were
// given up for memory, and what could not be entered is counted.
func TestBooksAreKept(t *testing.T) {
	names := history.NewNames([]string{"bank", "ada", "bob"})
	b := Brief{Memory: 10 * 2 * publicationBytes, Groups: []BriefGroup{{Name: "a", Count: 2}}}
	parts := []*Judge{NewJudge(&b, names), NewJudge(&b, names)}
	for n := uint64(1); n <= 12; n++ {
		e := history.Event{Kind: history.Publish, Client: 1, Life: 1, Publisher: 2, Seq: n}
		parts[1].Add(e)
		e.Kind, e.Code, e.Epoch, e.Offset, e.Result = history.Booked, 2, history.KeyID(1+n%2), uint64(-int64(n)), history.OK
		switch n {
		case 11:
			e.Flags = history.FlagGone
		case 12:
			e.Result, e.Note = history.Failed, "the field amount is missing"
		}
		parts[1].Add(e)
	}
	parts[0].Add(history.Event{Kind: history.Publish, Client: 0, Life: 1, Publisher: 1, Seq: 1})
	parts[0].Add(history.Event{Kind: history.Booked, Client: 0, Life: 1, Publisher: 1, Seq: 1, Code: 2, Result: history.Failed, Note: "the field amount is missing"})
	parts[0].Merge(parts[1])
	s := parts[0].settle()
	box := s.channels[0].outbox(ident{publisher: 2})
	if box == nil || box.gone == 0 {
		t.Fatalf("nothing was given up: %+v", box)
	}
	for n := uint64(1); n <= 13; n++ {
		want := booking{amount: scenario.Amount(-int64(n)), key: history.KeyID(1 + n%2), made: true, gone: n == 11}
		if n <= box.gone || n > 11 {
			want = booking{}
		}
		if got := box.booking(2, n); got != want {
			t.Errorf("publication %d is %+v, want %+v", n, got, want)
		}
	}
	if got := box.booking(1, 11); got != (booking{}) {
		t.Errorf("another book has %+v", got)
	}
	if u := s.unfit(2); u != (unfit{2, "the field amount is missing"}) || s.unfit(1).n != 0 {
		t.Errorf("not entered: %+v", u)
	}
}
