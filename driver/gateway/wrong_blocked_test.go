package gateway

import (
	"testing"
	"time"
)

// TestHeadOfLineBlock: with the defect everybody waits for whoever does not read, and
// nobody does when he reads again; without it nobody ever waits.
func TestHeadOfLineBlock(t *testing.T) {
	for _, defects := range [][]Defect{nil, {{Name: "head-of-line-block"}}} {
		bubble(t, Config{Defects: defects}, func(t *testing.T, s *site) {
			slow, quick, p := s.client("slow"), s.client("quick"), s.client("p")
			slow.subscribe("c")
			quick.subscribe("c")
			go func() {
				for {
					if _, err := quick.next(); err != nil {
						return
					}
				}
			}()
			takes := func(n, size int) time.Duration {
				before := time.Now()
				p.flood("c", n, size)
				p.publish("other", "1")
				return time.Since(before)
			}
			takes(30, 4096)
			blocked := takes(10, 4)
			slow.drainFor(time.Second)
			if free := takes(10, 4); free != 0 || (blocked >= 100*time.Millisecond) != (defects != nil) {
				t.Errorf("with the defects %v, ten events took %v beside a client that doesn't read, and %v when it had", defects, blocked, free)
			}
			quick.nc.Close()
		})
	}
}
