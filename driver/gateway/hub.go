package gateway

import (
	"sync"
	"time"
)

// hub holds the streams by the names of their channels.
type hub struct {
	size  int
	ttl   time.Duration
	epoch func() string // a new random one

	sessions sessions

	mu      sync.RWMutex
	streams map[string]*stream

	patterns []*pattern // of all connections
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
