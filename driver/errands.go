package driver

import "sync"

// errands are goroutines beside the loops, which the end of the run waits for.
type errands struct {
	mu    sync.Mutex
	over  bool
	group sync.WaitGroup
}

// errand starts one, unless the run is over.
func (f *fleet) errand(do func()) {
	x := &f.errands
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.over {
		x.group.Go(do)
	}
}

// end waits for them all; no other begins.
func (x *errands) end() {
	x.mu.Lock()
	x.over = true
	x.mu.Unlock()
	x.group.Wait()
}
