package gateway

import "sync"

// latch is a mutex for what may take long: its holder may wait for the limit of
// deliveries. Who waits for a latch waits on a condition, which lets virtual time
// go on in a bubble (testing/synctest); a mutex would stop it for ever. The zero
// latch is open.
type latch struct {
	mu   sync.Mutex
	free sync.Cond
	held bool
}

func (l *latch) Lock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free.L = &l.mu
	for l.held {
		l.free.Wait()
	}
	l.held = true
}

func (l *latch) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.free.Signal()
}
