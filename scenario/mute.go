package scenario

import (
	"fmt"
	"slices"
	"time"
)

// lasts reports whether an action goes on until the drain when nothing says for
// how long.
func lasts(do string) bool { return do == "slow" || do == "mute" || do == "block" || do == "degrade" }

// lasting says for people how long an action goes on.
func (d Duration) lasting() string {
	if d.Given {
		return " for " + d.String()
	}
	return " until the drain"
}

// mute makes the moment at which clients begin to omit something.
func (c *compiler) mute(i, k int, d *MuteSpec, optional bool) Moment {
	x := Moment{Do: "mute", How: d.What, For: d.For.Duration, Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)}
	x.Summary = fmt.Sprintf("mute %s of %s", d.What, c.crowd(d.Who, d.Share))
	x.Summary += d.For.lasting()
	if d.What != "acks" {
		return x
	}
	path := join(join("timeline", itoa(i)), "mute.what")
	switch {
	case !c.dialect.Quality:
		return c.unanswerable(path, &x, optional, "deliveries are not acknowledged")
	case c.plan.Promises.most() == "at-most-once":
		return c.unanswerable(path, &x, optional, "what is promised at most once is not acknowledged")
	}
	lasts := c.plan.Duration - max(c.now, 0)
	if d.For.Given {
		lasts = min(lasts, d.For.Duration)
	}
	c.silent = append(c.silent, silent{path, x.Victims, lasts})
	return x
}

// unanswerable is a mute of acknowledgements that there are not.
func (c *compiler) unanswerable(path string, x *Moment, optional bool, why string) Moment {
	if !optional {
		c.fail(path, "found acks, expected pings or pongs: with the dialect %s, %s; optional: true leaves it out", c.dialect.Name, why)
	}
	return Moment{Do: "say", Text: "left out: " + x.Summary, Summary: "left out: " + x.Summary}
}

// silent is a mute of acknowledgements. How much its victims are sent is known when
// all publications are.
type silent struct {
	path    string
	victims []Victim
	lasts   time.Duration
}

// unacknowledged refuses mutes of acknowledgements that may fill the queue of the
// target: what it drops then is dropped rightly.
func (c *compiler) unacknowledged() {
	p := c.plan
	for _, x := range c.silent {
		for _, v := range x.victims {
			client := &p.Clients[v.Client]
			room := -1
			for _, s := range client.Subs {
				if q := p.Promises.Of(p.Channels[s.Channel]).Queue.Size; room < 0 || q < room {
					room = q
				}
			}
			if n := c.sentTo(client) * x.lasts.Seconds(); room >= 0 && 2*n > float64(room) {
				c.fail(x.path, "found acks for %v, in which a client may be sent %.0f messages, expected half of the promised queue at most, which holds %d: what is not acknowledged is kept there; shorten for, or promise more under target.promises.queue", x.lasts, n, room)
				return
			}
		}
	}
}

// sentTo is the highest rate at which a client may be sent messages. What goes to
// channels that are drawn may all go to its own.
func (c *compiler) sentTo(client *Client) (rate float64) {
	p := c.plan
	for i := range p.Publishers {
		pub := &p.Publishers[i]
		if slices.ContainsFunc(client.Subs, func(s Sub) bool {
			return pub.channel == "" || p.Channels[s.Channel] == pub.channel || s.Pattern && Match(p.Channels[s.Channel], pub.channel)
		}) {
			rate += highest(pub.entry.segments)
		}
	}
	for i := range p.Moments {
		if m := &p.Moments[i]; m.Do == "publish" { // all of it within a second
			rate += float64(m.Count * len(m.Victims))
		}
	}
	return rate
}

// beatWant checks a heartbeat expectation: both limits are longest times.
func (v *validator) beatWant(path string, e *ExpectSpec, h *BeatWant) {
	if h.ServerEvery.Op == "" && h.Reaps.Op == "" && v.sound(path) {
		v.fail(path, "found no limit, expected server-every, reaps-silent-within or both")
	}
	for key, l := range map[string]TimeLimit{"server-every": h.ServerEvery, "reaps-silent-within": h.Reaps} {
		if l.Op != "" && l.Op != "<" && l.Op != "<=" {
			v.fail(join(path, key), "found %s, expected the longest time, such as 10s", l.Text)
		}
	}
	if e.Channel != "" {
		v.fail(path, "found a channel with heartbeat, expected none: heartbeats belong to connections")
	}
}
