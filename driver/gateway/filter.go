package gateway

// filter lets some events of a channel through to a subscriber. The nil filter
// lets all through.
type filter struct {
	text string
	pass func(data []byte) bool
}

func (f *filter) passes(e *event) bool { return f == nil || f.pass(e.data) }

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
