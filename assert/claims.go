package assert

import (
	"strings"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// claim is one client's subscription to a pattern. It has no position: what it
// is owed is judged by sequence numbers, in the windows between its answers and
// its ends, on every channel that it matches. A channel on which something came
// has a cursor; the end adds the cursors of those on which nothing ever did.
type claim struct {
	client   history.ClientID
	pattern  history.ChannelID
	next     int32 // next claim of the same client, or -1
	life     int32
	state    standing
	asked    time.Duration
	windows  []window
	released time.Duration // Seen of the answer to an unsubscribe, in state left; 0: none
	hasty    bool          // asked for before an unsubscribe was answered
	quick    bool          // given back before the subscribe was answered
	denied   bool          // in state left: the server has refused it
	filter   uint8         // number of its filter; 0: none
}

// claims of one shard.
type claims struct {
	all     []claim
	known   []int8 // by name: 0 not yet asked, 1 a pattern, −1 none
	matched map[uint64]bool
}

// pattern reports whether a name is one of a pattern: channels have no star.
func (x *claims) pattern(j *Judge, id history.ChannelID) bool {
	if id < 0 {
		return false
	}
	for int(id) >= len(x.known) {
		x.known = append(x.known, 0)
	}
	if x.known[id] == 0 {
		x.known[id] = -1
		if strings.Contains(j.names.Name(int32(id)), "*") {
			x.known[id] = 1
		}
	}
	return x.known[id] > 0
}

// matches reports whether a pattern stands for a channel.
func (x *claims) matches(j *Judge, pattern, channel history.ChannelID) bool {
	key := uint64(uint32(pattern))<<32 | uint64(uint32(channel))
	is, ok := x.matched[key]
	if !ok {
		if x.matched == nil {
			x.matched = make(map[uint64]bool)
		}
		is = scenario.Match(j.names.Name(int32(pattern)), j.names.Name(int32(channel)))
		x.matched[key] = is
	}
	return is
}

// of finds the claim of a client on a pattern, or adds it.
func (x *claims) of(p *person, e *history.Event) *claim {
	for at := p.claim; at >= 0; at = x.all[at].next {
		if x.all[at].pattern == e.Channel {
			return &x.all[at]
		}
	}
	x.all = append(x.all, claim{client: e.Client, pattern: e.Channel, next: p.claim})
	p.claim = int32(len(x.all) - 1)
	return &x.all[p.claim]
}

// holds reports whether some claim of a client stands for a channel now: one
// that was answered, or at least asked for.
func (x *claims) holds(j *Judge, p *person, ch history.ChannelID, life int32) (k *claim) {
	for at := p.claim; at >= 0; at = x.all[at].next {
		c := &x.all[at]
		if (c.state == live || c.state == asked) && c.life == life && x.matches(j, c.pattern, ch) && (k == nil || k.state == asked) {
			k = c
		}
	}
	return k
}

// subscribe takes the event if it is about a pattern; the same holds below.
func (x *claims) subscribe(j *Judge, p *person, e *history.Event) bool {
	if !x.pattern(j, e.Channel) {
		return false
	}
	k := x.of(p, e)
	if k.state == live {
		k.end(e.Sent, true)
	}
	k.hasty, k.denied, k.filter = false, false, uint8(max(e.Publisher, 0))
	k.state, k.life, k.asked, k.released = asked, e.Life, e.Sent, 0
	return true
}

func (x *claims) subscribed(j *Judge, p *person, e *history.Event) bool {
	if !x.pattern(j, e.Channel) {
		return false
	}
	k := x.of(p, e)
	k.state, k.life = live, e.Life
	k.windows = append(k.windows, window{life: e.Life, asked: k.asked, open: e.Seen, loose: true, hasty: k.hasty, filter: k.filter})
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		c := &j.ledger.all[at]
		if x.matches(j, k.pattern, c.channel) && (c.life != e.Life || c.state != live && (c.state != asked || c.patterned)) {
			j.plain.claim(c, k, e.Seen)
		}
	}
	return true
}

func (x *claims) unsubscribed(j *Judge, p *person, e *history.Event) bool {
	if !x.pattern(j, e.Channel) {
		return false
	}
	k := x.of(p, e)
	switch {
	case e.Kind == history.Unsubscribed && e.Flags&history.FlagServer == 0:
		if k.state == left && k.life == e.Life {
			k.released = e.Seen
		}
		k.hasty = k.state == asked || k.state == live
		return true
	case k.state != live && k.state != asked:
		return true
	}
	at, to, clean := e.Sent, left, true
	if e.Kind == history.Unsubscribed { // the server took it away
		at, to, clean = e.Seen, ended, false
	}
	k.quick = k.state == asked
	k.state = to
	k.end(at, clean)
	x.release(j, p, k, e.Life, at, to)
	return true
}

// release ends the cursors that only a pattern which has just ended was bringing.
func (x *claims) release(j *Judge, p *person, k *claim, life int32, at time.Duration, to standing) {
	for i := p.first; i >= 0; i = j.ledger.all[i].next {
		c := &j.ledger.all[i]
		if c.patterned && c.life == life && (c.state == live || c.state == asked) && x.matches(j, k.pattern, c.channel) && x.holds(j, p, c.channel, life) == nil {
			j.plain.close(j, c, at, to == left)
			c.state = to
		}
	}
}

// lost ends the claims of a life; their cursors end with all others.
func (x *claims) lost(p *person, e *history.Event) {
	for at := p.claim; at >= 0; at = x.all[at].next {
		if k := &x.all[at]; (k.state == live || k.state == asked) && k.life == e.Life {
			k.state = ended
			k.end(e.Seen, false)
		}
	}
}

// end closes the latest window, if it is open.
func (k *claim) end(at time.Duration, clean bool) {
	if n := len(k.windows); n > 0 && k.windows[n-1].close == 0 {
		k.windows[n-1].close, k.windows[n-1].clean = at, clean
	}
}

// admit finds or makes the cursor by which a delivery is judged that no
// subscription to its channel explains; −1 if no pattern does either.
func (x *claims) admit(j *Judge, e *history.Event) int32 {
	p := j.person(e.Client)
	k := x.holds(j, p, e.Channel, e.Life)
	if k == nil {
		return -1
	}
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 {
		at = j.ledger.add(e.Client, e.Channel, p.first)
		p.first = at
		c := &j.ledger.all[at]
		j.plain.inherit(c, k)
		return at
	}
	// The client's own subscription to the channel has ended; the pattern's goes on.
	c := &j.ledger.all[at]
	if k.state == asked {
		c.state, c.life, c.patterned, c.recovering = asked, e.Life, true, false
		return at
	}
	j.plain.claim(c, k, e.Seen)
	return at
}

// goOn opens a pattern's window on a channel whose own subscription the client
// has given back: from the answer on the pattern alone brings it.
func (x *claims) goOn(j *Judge, c *cursor, e *history.Event) {
	if k := x.holds(j, j.person(e.Client), c.channel, e.Life); k != nil && k.state == live {
		j.plain.claim(c, k, e.Seen)
	}
}

// absentees adds the cursors of channels on which a pattern was owed something
// and nothing came. Called once, at the end.
func (s *settlement) absentees() {
	channels := make(map[history.ChannelID]bool)
	for _, p := range s.parts {
		for _, b := range p.publications.all {
			channels[b.channel] = true
		}
	}
	ids := sorted(channels)
	for _, p := range s.parts {
		for at := range p.claims.all {
			k := &p.claims.all[at]
			if len(k.windows) == 0 {
				continue
			}
			for _, ch := range ids {
				if !p.claims.matches(p, k.pattern, ch) || p.ledger.find(k.client, ch) >= 0 {
					continue
				}
				who := p.person(k.client)
				c := p.ledger.add(k.client, ch, who.first)
				who.first = c
				p.plain.inherit(&p.ledger.all[c], k)
			}
		}
	}
}
