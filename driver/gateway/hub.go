package gateway

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// hub holds the streams by the names of their channels.
type hub struct {
	size  int
	ttl   time.Duration
	epoch func() string // a new random one

	shapes  []Shape
	batches []Batch
	rows    []RowsOf
	batched atomic.Uint32 // batches so far
	wrong   *wrong

	mostRows int // bytes of the rows of one channel

	sessions sessions
	outcasts outcasts

	mu      sync.RWMutex
	streams map[string]*stream

	patterns []*pattern    // of all connections
	conns    atomic.Uint64 // so far, on all nodes
}

// number names a connection; its upper bits name the node.
func (h *hub) number(node int) uint64 { return uint64(node)<<nodeShift | h.conns.Add(1) }

// nodeShift is where the number of a node stands in that of a connection.
const nodeShift = 48

// all lists the streams by name.
func (h *hub) all() []*stream {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]*stream, 0, len(h.streams))
	for _, name := range slices.Sorted(maps.Keys(h.streams)) {
		all = append(all, h.streams[name])
	}
	return all
}

// forget empties the histories; the offsets go on.
func (h *hub) forget() {
	for _, s := range h.all() {
		s.mu.Lock()
		s.past = nil
		s.mu.Unlock()
	}
}

// flush sends what is gathered in batches.
func (h *hub) flush() {
	for _, s := range h.all() {
		s.mu.Lock()
		s.batcher.flush()
		s.mu.Unlock()
	}
}

// lose makes every channel lose its stream.
func (h *hub) lose() {
	for _, s := range h.all() {
		s.mu.Lock()
		if !s.gone && s.size > 0 {
			s.lose(h.epoch())
		}
		s.mu.Unlock()
	}
}

// stream returns the stream of a channel, made if need be.
func (h *hub) stream(name string) *stream {
	h.mu.RLock()
	s := h.streams[name]
	h.mu.RUnlock()
	if s != nil {
		return s
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.streams[name]; s != nil {
		return s
	}
	s = &stream{name: name, size: h.size, ttl: h.ttl}
	if s.size > 0 {
		s.top.epoch = h.epoch()
	}
	s.shaper, s.batcher, s.table = h.shaper(s), h.batcher(s), h.table(s)
	h.streams[name] = s
	h.attachAll(s)
	return s
}

// sweep forgets the streams that nobody listens to and that have nothing left
// to replay. Should such a channel return, it has a new epoch.
func (h *hub) sweep(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.streams {
		s.mu.Lock()
		if s.idle(now) {
			s.gone = true
			delete(h.streams, name)
		}
		s.mu.Unlock()
	}
}
