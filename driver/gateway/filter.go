package gateway

// filter lets some events of a channel through to a subscriber. It looks at them as
// they were published. The nil filter lets all through.
type filter struct {
	text string
	pass func(data []byte) bool
}

func (f *filter) passes(e *event) bool { return f == nil || !e.blind && f.pass(e.published()) }

// filterOf makes the filter that a subscribe command asks for.
func (g *Gateway) filterOf(m *command) (*filter, *refusal) {
	if m.filter == nil {
		return nil, nil
	}
	if g.cfg.Filter == nil {
		return nil, refuse(400, "bad-request", "this server has no filters")
	}
	text := string(m.filter)
	pass, err := g.cfg.Filter(text)
	if err != nil {
		return nil, refuse(400, "bad-request", "filter: "+err.Error())
	}
	return &filter{text: text, pass: pass}, nil
}

// mostKeptBack is how many events in a row a filter keeps back before the client is
// told how far it has come all the same. Without that its position would grow old,
// and the history forget what lies behind it.
const mostKeptBack = 64

// keepBack counts an event that is not for the subscription. Under the stream's
// lock.
func (sub *subscription) keepBack(offset uint64) {
	if sub.kept++; sub.kept >= mostKeptBack {
		sub.tellPosition(offset)
	}
}

// tellPosition tells how far the subscription has come, if it has not just been sent
// the event there. Under the stream's lock.
func (sub *subscription) tellPosition(offset uint64) {
	if sub.kept == 0 || !sub.exact || sub.filter == nil || sub.stream.size == 0 {
		return
	}
	sub.kept = 0
	sub.tell(item{frame: sayPosition(sub.stream.name, position{sub.stream.top.epoch, offset})})
}

// tell sends what is no message of the session, and is not counted: to the session's
// connection, if there is one.
func (sub *subscription) tell(it item) {
	if sub.stream.batcher.keep(sub, outgoing{item: it, told: true}) {
		return
	}
	s := sub.session
	if s == nil {
		sub.conn.send(it)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.send(it)
	}
}
