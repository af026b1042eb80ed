package gateway

import (
	"bytes"
	"sort"
	"sync"
	"time"
)

// position names an event of a channel: offsets count from 1 in one epoch. A
// channel without history has none: its epoch is empty.
type position struct {
	epoch  string
	offset uint64
}

// event is one published message as a channel keeps it.
type event struct {
	offset uint64
	frame  []byte // as it is sent live
	wide   []byte // as it is sent where a pattern brought it; nil if there is no such subscriber
	data   []byte // inside frame
	said   []byte // as it was published, if that was another
	at     time.Time
	from   uint64 // number of the connection that published it
	level  level
	blind  bool   // of filter-false-negative: no filter lets it through
	nth    uint64 // of those that are gathered in batches; 0: it is sent at once
}

// stream is one channel: its offsets, its history and its subscribers. Offsets
// are given, events kept and subscribers served under the one lock, so every
// subscriber's queue has the order of the offsets.
type stream struct {
	name string
	size int // of the history; 0: the channel has no offsets
	ttl  time.Duration

	mu   sync.Mutex
	top  position
	past []event // oldest first; a window of at most size
	keys keys    // of idempotent publications
	kept *event  // for whoever subscribes; nil: nothing
	subs []*subscription
	wide int       // subs that patterns claim
	used time.Time // when somebody last came, left or published
	gone bool      // forgotten by the hub; look it up again
	held *held     // of the defects that swap
	lag  *lag      // of causal-inversion
	made []byte    // of transform-state-shared: the data of the event before

	said     time.Time      // of update-swallowed: when an event was let through last
	passed   *subscription  // of lost-message: will not get the next event
	watchers int            // subs that are told who comes and goes
	there    map[string]int // who is there, and how often; nil: nobody watches

	known   map[string]bool // of the defects of presence: who has ever been there
	belated []belated       // of presence-late

	shaper  *shaper  // that thins the channel out; nil: every event is sent
	batcher *batcher // that gathers events; nil: they are sent at once
	table   *table   // the rows; nil: none are kept
}

// subscription is one connection's interest in one channel: there is one of
// them, whether the connection asked for the channel, for patterns that match
// it, or for all of that.
type subscription struct {
	conn   *conn
	stream *stream

	session  *session // that outlives the connection; nil: none does
	restored bool     // a session brought it along; of the connection's reader

	// Under the stream's lock.
	exact     bool          // it asked for the channel
	asks      bool          // and for its rows
	filter    *filter       // and gave this filter with it; nil: none
	claims    []*pattern    // the patterns that it asked for
	heir      *subscription // that has taken its place; nil: none
	index     int           // in stream.subs; -1 when not there
	buffering bool
	buffer    []event // what came live while the history was read
	from      position
	watches   bool      // it is told who comes and goes
	watching  time.Time // since when
	found     *found    // what the channel kept when it was registered; nil: nothing
	kept      int       // events that the filter has kept back since something was sent
	since     uint64    // of the events that are gathered in batches, the last that is not for it
	joint     []outgoing

	overlooked bool // of the defects of presence: it makes nobody a member
	missing    bool // of presence-diff-race
}

// found is what a subscription finds in its channel, for it to be sent behind the answer.
type found struct {
	kept *event
	rows [][]byte // the messages of a snapshot
}

// publish gives the data its offset, keeps it and sends it to everybody; on a channel
// that is shaped it leaves that to the shaper. It returns offset 0 if the channel
// keeps no history, or is shaped, and false if the stream was forgotten meanwhile.
// With retain it is kept for whoever subscribes, too. A refusal says why it is not
// published.
func (s *stream) publish(from uint64, key string, b body, w *wrong) (offset uint64, r *refusal, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return 0, nil, false
	}
	now := time.Now()
	s.used = now
	s.expire(now)
	if key != "" {
		if offset, known := s.keys.find(key, now); known && !w.retryDoublePublish.fires() {
			return offset, nil, true
		}
	}
	if s.shaper != nil {
		s.keys.add(key, 0, now)
		x := said{from: from, data: bytes.Clone(b.data), was: b.said, level: b.level} // what is held back outlives the reader's buffer
		s.retain(event{at: now, from: from, data: x.data, said: x.was}, b.retain && s.shaper.Aggregate == 0, w)
		s.shaper.take(x, now, w)
		return 0, nil, true
	}
	x, r := s.table.admit(b)
	if r != nil {
		return 0, r, true
	}
	offset = s.emit(said{from, b.data, b.said, b.retain, b.level, x}, now, w)
	s.keys.add(key, offset, now)
	return offset, nil, true
}

// said is what somebody has published.
type said struct {
	from   uint64 // number of the connection
	data   []byte
	was    []byte // as it was published, if that was another
	retain bool
	level  level
	change change // of the rows
}

// emit makes an event of it. Under the stream's lock.
func (s *stream) emit(x said, now time.Time, w *wrong) (offset uint64) {
	if w.withholds(s, x.data, now) {
		return 0
	}
	e := event{at: now, from: x.from, blind: w.blind(s), said: x.was, level: x.level}
	data := w.round(w.reshape(s, body{data: x.data, said: x.was}))
	if s.size > 0 {
		e.offset = w.number(s)
	}
	e.frame, e.data = sayEvent(s.name, e.offset, false, data)
	s.keep(e)
	s.table.keep(x.change, &e, w)
	if s.shaper == nil { // else it is kept already
		s.retain(e, x.retain, w)
	}
	if s.wide > 0 {
		e.wide = sayWideEvent(s.name, position{s.top.epoch, e.offset}, data)
	}
	if s.batcher != nil {
		s.batcher.add(e, now)
	} else {
		s.spread(e, w)
	}
	return e.offset
}

// spread sends an event to everybody. Under the stream's lock.
func (s *stream) spread(e event, w *wrong) {
	if w.fanOut(s, e) || w.hand(s, e) {
		return
	}
	for _, sub := range s.subs {
		sub.deliver(e)
	}
	w.leak(s, e)
	w.invent(s)
}

// deliver hands a live event over, or keeps it until the history has been read.
// Under the stream's lock.
func (sub *subscription) deliver(e event) {
	switch {
	case e.nth != 0 && e.nth <= sub.since:
		return
	case sub.buffering:
		e.nth = 0 // it is for this one
		sub.buffer = append(sub.buffer, e)
		return
	}
	if !sub.wants(&e) && !sub.conn.gateway.wrong.unfilteredNow(sub) {
		sub.keepBack(e.offset)
		return
	}
	sub.kept = 0
	frame := e.frame
	if !sub.exact && e.wide != nil {
		frame = e.wide
	}
	for range 1 + sub.conn.gateway.wrong.extra(sub, &e) {
		sub.send(item{frame: frame, level: e.level, sub: sub, at: position{sub.stream.top.epoch, e.offset}}, e.data)
	}
}

// keep adds to the history.
func (s *stream) keep(e event) {
	if s.size == 0 {
		return
	}
	if len(s.past) == s.size {
		s.forget(1)
	}
	s.past = append(s.past, e)
}

// expire drops what is older than the ttl.
func (s *stream) expire(now time.Time) {
	n := 0
	for n < len(s.past) && now.Sub(s.past[n].at) > s.ttl {
		n++
	}
	if n > 0 {
		s.forget(n)
	}
}

// forget drops the n oldest events. The window slides over its array; append
// moves it to a new one now and then, and the old one is freed.
func (s *stream) forget(n int) {
	for i := range s.past[:n] {
		s.past[i] = event{}
	}
	s.past = s.past[n:]
}

// since returns the events after an offset, if all of them are still there.
func (s *stream) since(offset uint64) (missed []event, complete bool) {
	s.expire(time.Now())
	switch {
	case offset == s.top.offset:
		return nil, true
	case offset > s.top.offset, len(s.past) == 0, s.past[0].offset > offset+1:
		return nil, false
	}
	missed = s.past[sort.Search(len(s.past), func(i int) bool { return s.past[i].offset > offset }):]
	return append([]event(nil), missed...), true
}

// add registers a subscription.
func (s *stream) add(sub *subscription) {
	s.used = time.Now()
	sub.since = s.batcher.since()
	sub.index = len(s.subs)
	s.subs = append(s.subs, sub)
	if sub.exact {
		s.enters(sub)
	}
}

// remove takes a subscription away.
func (s *stream) remove(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(sub)
}

// drop is remove under the stream's lock.
func (s *stream) drop(sub *subscription) {
	if sub.index < 0 {
		return
	}
	s.batcher.serve(sub)
	s.used = time.Now()
	sub.conn.gateway.wrong.forgetWindow(s)
	if len(sub.claims) > 0 {
		s.wide--
	}
	last := len(s.subs) - 1
	s.subs[sub.index] = s.subs[last]
	s.subs[sub.index].index = sub.index
	s.subs[last] = nil
	s.subs = s.subs[:last]
	sub.index = -1
	if sub.exact {
		s.leaves(sub)
	}
}

// idle reports whether nothing would be lost with the stream: nobody listens,
// its history is empty, nothing is kept, there is no row, nobody who left can come back in time, and no key is
// remembered.
func (s *stream) idle(now time.Time) bool {
	s.expire(now)
	return len(s.subs) == 0 && len(s.past) == 0 && s.kept == nil && s.table.empty() && !s.shaper.waits() && !s.batcher.waits() && now.Sub(s.used) > s.ttl && s.keys.none(now)
}

// lose makes the channel lose its stream, as a broker that restarts does: a new
// epoch begins, and everybody who listens is told.
func (s *stream) lose(epoch string) {
	s.batcher.flush()
	s.past, s.keys, s.kept = nil, keys{}, nil
	s.table.lose()
	s.top = position{epoch: epoch}
	frame := sayGap(s.name, s.top, "stream lost")
	for _, sub := range s.subs {
		if sub.buffering {
			sub.buffer = nil
			sub.from = s.top
			sub.find()
			continue
		}
		sub.send(item{frame: frame, sub: sub, at: s.top}, nil)
	}
}

// oneLine makes data fit into a message whose objects stand on lines: a raw
// line break in JSON can only be space between tokens.
func oneLine(data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	return bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, data)
}

// wait returns when the event that is being published, if any, is queued for
// everybody: that is done under the lock.
func (s *stream) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
}
