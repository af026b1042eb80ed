package driver

import (
	"sync/atomic"
	"time"
)

// stormTail bounds a storm: it ends so long after its last fault at the latest.
const stormTail = 30 * time.Second

// storm tells all shards whether a storm is on: from the first fault until the
// last victim is resynced. Deliveries read it, faults and returns write it.
type storm struct {
	victims atomic.Int64 // faults begun and not yet made good
	last    atomic.Int64 // when the last fault began
	end     atomic.Int64 // when the last storm ended
}

func (s *storm) hit(now time.Duration) {
	s.last.Store(int64(now))
	s.victims.Add(1)
}

func (s *storm) healed(now time.Duration) {
	if s.victims.Add(-1) == 0 {
		s.end.Store(int64(now))
	}
}

// during reports whether a message that was due then and is here now belongs to
// a storm: one is on, or it was due before the last one ended.
func (s *storm) during(due, now time.Duration) bool {
	if s.victims.Load() > 0 && now < time.Duration(s.last.Load())+stormTail {
		return true
	}
	return due < time.Duration(s.end.Load())
}
