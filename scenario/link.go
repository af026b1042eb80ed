package scenario

import (
	"strings"
	"time"
)

// Link is the network of one client: what it reads and what it writes takes Delay
// longer, changed by up to Jitter either way each time, and passes at no more than
// Rate bytes a second in each direction. The zero value is the machine's own.
type Link struct {
	Delay  time.Duration
	Jitter time.Duration
	Rate   float64 // bytes per second; 0: any number
}

// longestDelay bounds a delay and a jitter: beyond it no answer comes in time.
const longestDelay = 5 * time.Second

// Limited reports whether the clients of a group read slowly, or have a link of
// their own, for their whole life. Their times are then their own as well.
func (g *Group) Limited() bool { return g.Read > 0 || g.Linked }

// limits takes over what a group says of its clients' reading and links.
func (c *compiler) limits(g *Group, spec *GroupSpec) {
	g.Read = spec.Read.PerSecond
	if spec.Link != nil {
		g.Linked, g.linkText = true, spec.Link.text()
	}
}

// link draws the link of one client.
func (c *compiler) link(client *Client, n int, spec *GroupSpec) {
	client.Slowed = client.Slowed || spec.Read.Given
	if l := spec.Link; l != nil {
		r := Rand(c.plan.Seed, "link", n, 0)
		client.Link = &Link{Delay: l.Delay.draw(r), Jitter: l.Jitter.draw(r), Rate: l.Rate.PerSecond}
		client.Slowed = client.Slowed || l.Rate.Given
	}
}

// degrade makes the moment at which links become worse. What it leaves out stays
// as each link has it.
func (c *compiler) degrade(i, k int, d *DegradeSpec) Moment {
	x := Moment{Do: "degrade", For: d.For.Duration, Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)}
	for v := range x.Victims {
		client := &c.plan.Clients[x.Victims[v].Client]
		var l Link
		if client.Link != nil {
			l = *client.Link
		}
		r := Rand(c.plan.Seed, "degrade "+itoa(i), x.Victims[v].Client, k)
		if d.Delay.Given {
			l.Delay = d.Delay.draw(r)
		}
		if d.Jitter.Given {
			l.Jitter = d.Jitter.draw(r)
		}
		if d.Rate.Given {
			l.Rate, client.Slowed = d.Rate.PerSecond, true
		}
		x.Victims[v].Link = l
	}
	x.Summary = "degrade " + c.crowd(d.Who, d.Share) + " to " + (&LinkSpec{Delay: d.Delay, Jitter: d.Jitter, Rate: d.Rate}).text()
	x.Summary += d.For.lasting()
	return x
}

// text is a link for people.
func (l *LinkSpec) text() string {
	var parts []string
	if l.Delay.Given {
		parts = append(parts, "delay "+l.Delay.Text)
	}
	if l.Jitter.Given {
		parts = append(parts, "jitter "+l.Jitter.Text)
	}
	if l.Rate.Given {
		parts = append(parts, bytesPerSecond(l.Rate.PerSecond))
	}
	return strings.Join(parts, ", ")
}

// limits refuses a reading and a link that can't be.
func (v *validator) limits(path string, g *GroupSpec) {
	if g.Read.Given && g.Read.PerSecond < 1 {
		v.fail(join(path, "read"), "found less than 1B/s, expected more")
	}
	if g.Link != nil {
		v.link(join(path, "link"), g.Link)
	}
}

func (v *validator) link(path string, l *LinkSpec) {
	if !l.Delay.Given && !l.Jitter.Given && !l.Rate.Given && v.sound(path) {
		v.fail(path, "found nothing that changes a link, expected delay, jitter or rate")
	}
	if l.Delay.Hi > longestDelay {
		v.fail(join(path, "delay"), "found %s, expected at most %v", l.Delay.Text, longestDelay)
	}
	if l.Jitter.Hi > longestDelay {
		v.fail(join(path, "jitter"), "found %s, expected at most %v", l.Jitter.Text, longestDelay)
	}
	if l.Rate.Given && l.Rate.PerSecond < 1 {
		v.fail(join(path, "rate"), "found less than 1B/s, expected more; a disconnect with how: freeze lets nothing through")
	}
}
