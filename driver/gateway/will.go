package gateway

// will is what a client wants to have published if its connection ends without a
// goodbye, which is a close frame.
type will struct {
	channel string
	data    []byte
}

// leaveWill takes the will that a connect carries.
func (c *conn) leaveWill(w *will) *refusal {
	switch {
	case w == nil:
		return nil
	case w.channel == "" || w.data == nil:
		return refuse(400, "bad-request", "a will needs a channel and data")
	case !c.may(w.channel):
		return forbidden()
	}
	if r := c.gateway.countable(&command{channel: []byte(w.channel), data: w.data}); r != nil {
		return r
	}
	if r := c.gateway.keyed(w.channel, w.data); r != nil {
		return r
	}
	c.will = w
	return nil
}

// execute publishes the will of a client that is lost. Its connection is no
// subscriber any more.
func (c *conn) execute() {
	w := c.gateway.wrong
	switch {
	case c.will == nil, c.goodbye && !w.willAtGoodbye.fires(), !c.goodbye && w.willDropped.fires():
		return
	}
	g := c.gateway
	for done := false; !done; {
		_, _, done = g.hub.stream(c.will.channel).publish(c.number, "", g.transform(c.will.channel, c.will.data), g.wrong)
	}
}
