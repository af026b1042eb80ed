package scenario

import (
	"math"
	"strings"
)

// Rough prices, for the preflight and for people.
const (
	cursorBytes      = 48 // of the ledger, each subscription
	publicationBytes = 64 // of the ledger, each publication
	spareDescriptors = 64 // beside the connections: loops, files, terminal

	// Resident memory of one connection, as the benchmarks Idle and IdleTLS measure
	// it.
	epollBytes = 2 << 10
	tlsBytes   = 20 << 10

	// EmbeddedLimit is the number of clients from which on the embedded gateway
	// runs in a process of its own.
	EmbeddedLimit = 9000
)

// peaks adds up what the plan will need at its highest. Rates assume that everybody
// is there at once, sums that clients are there as they are scaled.
func (c *compiler) peaks() {
	p := c.plan
	k := &p.Peaks
	k.Connections = p.most()
	there := p.presence()
	subscribers, subs := c.subscribers(nil)
	present, _ := c.subscribers(there)
	mean, usually := make(map[*entry]float64), make(map[*entry]float64)
	known := make(map[*entry]bool)
	var published, delivered, all, out float64
	for i := range p.Publishers {
		pub := &p.Publishers[i]
		e := pub.entry
		reach, usual := 0.0, 0.0
		if pub.channel != "" {
			id := c.channels[pub.channel]
			reach, usual = subscribers[id], present[id]
		} else {
			if !known[e] {
				known[e], mean[e], usually[e] = true, c.reach(pub, subscribers), c.reach(pub, present)
			}
			reach, usual = mean[e], usually[e]
		}
		top, sum := highest(e.segments), total(e.segments)*there[pub.Client]
		through := p.Promises.through(pub.channel, top)
		published += top
		delivered += top * through * reach
		all += sum
		out += sum * through * usual
	}
	burst := 0.0
	for i := range p.Moments {
		m := &p.Moments[i]
		if m.Do != "publish" {
			continue
		}
		n := float64(m.Count * len(m.Victims))
		rate := n
		if m.Rate > 0 {
			rate = min(n, m.Rate*float64(len(m.Victims)))
		}
		reach := 0.0
		if m.Channel != "" {
			reach = subscribers[c.channels[m.Channel]]
		} else if len(m.Victims) > 0 && published > 0 {
			reach = delivered / published
		}
		all, out = all+n, out+n*reach
		burst = max(burst, rate)
		delivered += rate * reach
	}
	k.Published, k.Delivered = published+burst, delivered
	k.Publications, k.Deliveries = int64(math.Round(all)), int64(math.Round(out))
	k.LedgerBytes = int64(cursorBytes*subs) + publicationBytes*k.Publications
	k.Engine, k.ConnectionBytes = "epoll on Linux, otherwise portable", int64(epollBytes*k.Connections)
	if len(p.Target.URLs) > 0 && strings.HasPrefix(p.Target.URLs[0], "wss:") {
		k.Engine, k.ConnectionBytes = "portable, because of wss", int64(tlsBytes*k.Connections)
	}
	k.Ports = k.Connections
	k.Descriptors = k.Connections + p.MostPosts() + spareDescriptors
	if p.Target.Embedded && k.Connections <= EmbeddedLimit {
		k.Descriptors += k.Connections
	}
}

// reach is how many subscribers a publication of pub has on the mean, found by
// composing some.
func (c *compiler) reach(pub *Publisher, subscribers []float64) float64 {
	const n = 200
	sum := 0.0
	for k := range int64(n) {
		m, err := pub.Compose(k, 0, c.o.Run)
		if err != nil {
			return 0
		}
		if id, ok := c.channels[m.Channel]; ok && int(id) < len(subscribers) {
			sum += subscribers[id]
		}
	}
	return sum / n
}
