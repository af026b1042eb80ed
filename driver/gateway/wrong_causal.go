package gateway

import "time"

// The code of this file is wrong on purpose.

// behind is how long causal-inversion keeps a channel from half of its
// subscribers.
const behind = 30 * time.Millisecond

// lag is what half of a channel's subscribers have not been sent yet. Their order
// stays that of the channel; other channels go on.
type lag struct {
	victims map[*subscription]bool
	events  []event
}

// lagBehind is causal-inversion. Under the stream's lock.
func (w *wrong) lagBehind(s *stream, e event) bool {
	if s.lag == nil {
		if len(s.subs) < 2 || !w.causalInversion.fires() {
			return false
		}
		l := &lag{victims: make(map[*subscription]bool)}
		for i := 1; i < len(s.subs); i += 2 {
			l.victims[s.subs[i]] = true
		}
		s.lag = l
		time.AfterFunc(behind, func() { s.catchUp(l) })
	}
	s.lag.events = append(s.lag.events, e)
	for _, sub := range s.subs {
		if !s.lag.victims[sub] {
			sub.deliver(e)
		}
	}
	return true
}

// catchUp sends what was kept back.
func (s *stream) catchUp(l *lag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = nil
	for _, e := range l.events {
		for sub := range l.victims {
			if sub.index >= 0 {
				sub.deliver(e)
			}
		}
	}
}
