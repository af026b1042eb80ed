package driver

import (
	"testing"
	"time"
)

// TestStepsKeepTheirOrder: what is due at one time is done in the order in which
// it was added, also when steps were done in between.
func TestStepsKeepTheirOrder(t *testing.T) {
	var s steps
	for i := range int32(4) {
		s.add(step{at: time.Second, client: i})
	}
	s.add(step{at: 0, client: -1})
	for range 3 { // -1, 0, 1
		s.pop()
	}
	for i := range int32(4) {
		s.add(step{at: time.Second, client: 4 + i})
	}
	for want := int32(2); want < 8; want++ {
		if got := s.pop().client; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	if _, ok := s.next(); ok {
		t.Error("steps are left")
	}
}
