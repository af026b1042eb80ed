package assert

import (
	"testing"
	"time"

	"squall/assert/history"
)

// TestEvidenceGrows: what was there before the ring got its size is there after it, and
// gives way only when that is full.
func TestEvidenceGrows(t *testing.T) {
	v := newEvidence(4 * firstEvidence)
	for i := range 6 * firstEvidence {
		e := history.Event{Kind: history.Deliver, Client: history.ClientID(i % 100), Offset: uint64(i), Seen: time.Duration(i)}
		v.add(&e)
		oldest := v.ring[v.next&uint64(len(v.ring)-1)].offset
		switch {
		case i == firstEvidence-1 && len(v.ring) != firstEvidence, i == firstEvidence && len(v.ring) != v.size:
			t.Fatalf("behind %d facts it has room for %d", i+1, len(v.ring))
		case i >= v.size && oldest != uint64(i+1-v.size):
			t.Fatalf("behind fact %d the oldest is %d", i, oldest)
		}
		if i == firstEvidence+50 {
			if all := v.cut(7, 0, true); len(all) == 0 || all[0].offset >= firstEvidence {
				t.Fatalf("what was there before it grew is lost: %v", all)
			}
		}
	}
}
