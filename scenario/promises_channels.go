package scenario

import "slices"

// ChannelPromises is what a target claims of the channels that a pattern matches.
type ChannelPromises struct {
	Match    string  `json:"match"`
	Delivery string  `json:"delivery"`
	Order    string  `json:"order"`
	Recovery bool    `json:"recovery"`
	History  History `json:"history"`
	Queue    History `json:"queue"`
	Shape    *Shape  `json:"shape,omitempty"` // how they are thinned out; nil: they are not
	Batch    *Batch  `json:"batch,omitempty"` // how they are gathered; nil: they are not
}

// Of is what p says of one channel: the first pattern that matches wins.
func (p Promises) Of(channel string) Promises {
	for _, c := range p.Channels {
		if Match(c.Match, channel) {
			p.Delivery, p.Order, p.Recovery, p.History, p.Queue = c.Delivery, c.Order, c.Recovery, c.History, c.Queue
			break
		}
	}
	p.Channels = nil
	return p
}

// most is the most that is promised of the delivery, for any channel.
func (p *Promises) most() string {
	rank := []string{"at-most-once", "at-least-once", "exactly-once"}
	most := slices.Index(rank, p.Delivery)
	for _, c := range p.Channels {
		most = max(most, slices.Index(rank, c.Delivery))
	}
	return rank[max(most, 0)]
}

// Rules reports whether p says something of this channel in particular.
func (p *Promises) Rules(channel string) bool {
	for _, c := range p.Channels {
		if Match(c.Match, channel) {
			return true
		}
	}
	return false
}

// channelPromises completes target.promises.channels: what a rule doesn't say is
// as for all channels.
func (c *compiler) channelPromises(all Promises, specs []ChannelPromise) []ChannelPromises {
	var list []ChannelPromises
	for i, s := range specs {
		path := join("target.promises.channels", itoa(i))
		q := all
		q.Delivery, q.Order = or(s.Delivery, q.Delivery), or(s.Order, q.Order)
		q.change(s.History, s.Queue, nil)
		if q.History.Size == 0 {
			q.Recovery = false
		}
		if s.Recovery != nil {
			q.Recovery = *s.Recovery
		}
		switch {
		case s.Match == "":
			c.fail(path, "found no pattern, expected one, as in match: \"presence.**\"")
		case q.Recovery && !c.dialect.Recover:
			c.fail(join(path, "recovery"), "found recovery promised, expected none: the dialect %s can't ask for what was missed", c.dialect.Name)
		case q.Recovery && q.History.Size == 0:
			c.fail(join(path, "recovery"), "found recovery promised without a history, expected one, as in history: {size: 300, ttl: 5m}")
		case q.Queue.Size > 0 && !c.dialect.Sessions:
			c.fail(join(path, "queue"), "found a queue promised, expected none: the dialect %s has no sessions that a server keeps", c.dialect.Name)
		}
		if real := c.plan.Target.Gateway; c.plan.Target.Embedded {
			switch {
			case q.History.Size > real.History.Size || q.History.TTL > real.History.TTL:
				c.fail(join(path, "history"), raise, itoa(real.History.Size)+" messages, "+real.History.TTL.String())
			case q.Queue.Size > real.Queue.Size || q.Queue.TTL > real.Queue.TTL:
				c.fail(join(path, "queue"), raise, itoa(real.Queue.Size)+" messages of a session")
			}
		}
		list = append(list, ChannelPromises{
			Match: s.Match, Delivery: q.Delivery, Order: q.Order, Recovery: q.Recovery, History: q.History, Queue: q.Queue,
			Shape: c.shapePromise(path, &s), Batch: c.batchPromise(path, &s),
		})
	}
	return list
}

// any reports whether something is promised of some channel.
func (p Promises) any(is func(Promises) bool) bool {
	if is(p) {
		return true
	}
	for _, c := range p.Channels {
		if is(Promises{Delivery: c.Delivery, Order: c.Order, Recovery: c.Recovery, History: c.History, Queue: c.Queue}) {
			return true
		}
	}
	return false
}
