package assert

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// The twin of isolation reads the whole history again for every delivery. It
// shares nothing with the rule but history.Event.

// objections count what the twin, or the rule, objects to.
type objections struct{ leaks, granted, refused, early int64 }

// twinTopic is what one client's dealings with one topic have come to.
type twinTopic struct {
	state string // "", asked, live, ended, left (unanswered), released, denied
	life  int32
	at    time.Duration
	ever  bool // was granted once
	fails bool // must be refused
}

// twinMatch is scenario.Match, said otherwise.
func twinMatch(pattern, channel string) bool {
	p, c := strings.Split(pattern, "."), strings.Split(channel, ".")
	for i, s := range p {
		switch {
		case s == "**":
			return len(c) > i
		case i >= len(c), s != "*" && s != c[i]:
			return false
		}
	}
	return len(p) == len(c)
}

// twinIsolation judges all deliveries. sent tells when a message was.
func twinIsolation(names *history.Names, events []history.Event) (o objections) {
	type msg struct {
		ch  history.ChannelID
		seq uint64
	}
	sent := map[msg]time.Duration{}
	for _, e := range events {
		if e.Kind == history.Publish {
			sent[msg{e.Channel, e.Seq}] = e.Sent
		}
	}
	for k, d := range events {
		switch {
		case d.Kind == history.Subscribed && d.Has(history.FlagForbidden), d.Kind == history.Connected && d.Has(history.FlagForbidden):
			o.granted++
		case d.Kind == history.Denied && !d.Has(history.FlagForbidden):
			o.refused++
		}
		if d.Kind != history.Deliver {
			continue
		}
		name := names.Name(int32(d.Channel))
		topics := map[history.ChannelID]*twinTopic{} // that bring the channel, as they stand at the delivery
		given := false
		for i, e := range events {
			if e.Client != d.Client {
				continue
			}
			if i > k {
				break
			}
			if e.Kind == history.Closed {
				for _, t := range topics {
					if !t.fails && (t.state == "asked" || t.state == "live") {
						t.state = "ended"
					}
				}
			}
			if !strings.Contains(names.Name(int32(e.Channel)), "*") && e.Channel != d.Channel || !twinMatch(names.Name(int32(e.Channel)), name) {
				continue
			}
			if e.Kind == history.Subscribed && e.Has(history.FlagServer) {
				given = true
				continue
			}
			t := topics[e.Channel]
			if t == nil {
				t = &twinTopic{}
			}
			switch e.Kind {
			case history.Subscribe:
				topics[e.Channel] = t
				t.state, t.life, t.fails = "asked", e.Life, e.Has(history.FlagForbidden)
			case history.Subscribed:
				t.state, t.ever = "live", true
			case history.Denied:
				t.state, t.at = "denied", e.Seen
			case history.Unsubscribe:
				t.state = "left"
			case history.Unsubscribed:
				if e.Has(history.FlagServer) {
					t.state = "ended"
				} else if t.state == "left" {
					t.state, t.at = "released", e.Seen
				}
			}
		}
		if given {
			continue
		}
		fine, gone := false, false
		var last time.Duration
		barred := 0
		for _, t := range topics {
			if t.fails {
				continue
			}
			switch {
			case t.state == "denied" && !t.ever:
				barred++
			case t.state == "denied", t.state == "released":
				gone, last = true, max(last, t.at)
			default:
				fine = true
			}
		}
		switch {
		case fine:
			continue
		case gone:
			if sent[msg{d.Channel, d.Seq}] > last {
				o.leaks++
			}
			continue
		case barred > 0:
			o.leaks++
			continue
		}
		// Nothing of its own: a topic that must be refused may have been granted.
		leak := true
		for _, t := range topics {
			leak = leak && !(t.life == d.Life && t.state == "live")
		}
		if leak {
			o.leaks++
		}
	}
	o.early = twinEarly(names, events)
	return o
}

// twinEarly counts the refusals of what was never granted before which something
// of the channel had come, with an offset, that no pattern could have brought.
func twinEarly(names *history.Names, events []history.Event) (n int64) {
	for k, d := range events {
		if d.Kind != history.Denied || d.Has(history.FlagForbidden) || strings.Contains(names.Name(int32(d.Channel)), "*") {
			continue
		}
		clean, came := true, false
		for _, e := range events[:k] {
			if e.Client != d.Client {
				continue
			}
			switch {
			case e.Kind == history.Subscribed && e.Channel == d.Channel && !e.Has(history.FlagServer):
				clean = false
			case e.Kind == history.Subscribe && e.Channel != d.Channel && !e.Has(history.FlagForbidden) && strings.Contains(names.Name(int32(e.Channel)), "*") && twinMatch(names.Name(int32(e.Channel)), names.Name(int32(d.Channel))):
				clean = false
			case e.Kind == history.Subscribe && e.Channel == d.Channel:
				came = false
			case e.Kind == history.Deliver && e.Channel == d.Channel && e.Has(history.FlagPositioned) && e.Life == d.Life:
				came = true
			}
		}
		if clean && came {
			n++
		}
	}
	return n
}

// errand is what a client has asked its server and not been answered.
type errand struct {
	topic history.ChannelID
	id    int
	off   bool
}

type wanderer struct {
	life    int32
	open    bool
	errands []errand
	topics  map[history.ChannelID]*wandererTopic
}

type wandererTopic struct {
	state string // "", asked, active, denied, leaving
	id    int    // of its last subscribe
	off   int    // of its last unsubscribe
	fails bool
}

// wander is a history of clients that keep to their protocol, and of a server that
// answers, delivers and takes away as chance has it.
func wander(seed uint64, steps int, positioned bool) (*history.Names, []history.Event) {
	r := rand.New(rand.NewPCG(seed, 3))
	names := history.NewNames([]string{"a", "b.1", "b.2", "b.*", "**", "e"})
	const channels, topics, epoch, teller = 3, 5, 5, 4
	now := time.Second
	var events []history.Event
	emit := func(e history.Event) {
		now += time.Millisecond
		e.Seen, e.Arrived = now, now
		events = append(events, e)
	}
	var said [channels]uint64
	var when [channels][]time.Duration
	all := make([]wanderer, teller)
	for i := range all {
		all[i].topics = map[history.ChannelID]*wandererTopic{}
		for t := range topics {
			all[i].topics[history.ChannelID(t)] = &wandererTopic{fails: r.IntN(4) == 0}
		}
	}
	next := 0
	ask := func(i int, ch history.ChannelID) {
		c := &all[i]
		t := c.topics[ch]
		next++
		t.state, t.id = "asked", next
		e := history.Event{Kind: history.Subscribe, Client: history.ClientID(i), Life: c.life, Channel: ch, Sent: now}
		if t.fails {
			e.Flags = history.FlagForbidden
		}
		c.errands = append(c.errands, errand{ch, next, false})
		emit(e)
	}
	emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseActive})
	for range steps {
		i := r.IntN(len(all))
		c, id := &all[i], history.ClientID(i)
		ch := history.ChannelID(r.IntN(topics))
		switch x := r.IntN(100); {
		case !c.open:
			if x < 60 {
				c.life++
				c.open, c.errands = true, nil
				emit(history.Event{Kind: history.Dial, Client: id, Life: c.life, Channel: -1})
				emit(history.Event{Kind: history.Open, Client: id, Life: c.life, Channel: -1})
				emit(history.Event{Kind: history.Connected, Client: id, Life: c.life, Channel: -1})
				for t := range history.ChannelID(topics) { // what it had it wants again
					if s := c.topics[t].state; s == "asked" || s == "active" || s == "denied" {
						ask(i, t)
					}
				}
			}
		case x < 4:
			c.open = false
			emit(history.Event{Kind: history.Closed, Client: id, Life: c.life, Channel: -1, Who: history.Fault})
		case x < 20:
			if s := c.topics[ch].state; s == "" || s == "leaving" {
				ask(i, ch)
			}
		case x < 30:
			t := c.topics[ch]
			if t.state == "denied" {
				t.state = "" // and no word of it
			} else if !t.fails && (t.state == "asked" || t.state == "active") {
				t.state = "leaving"
				next++
				t.off = next
				c.errands = append(c.errands, errand{ch, next, true})
				emit(history.Event{Kind: history.Unsubscribe, Client: id, Life: c.life, Channel: ch, Sent: now})
			}
		case x < 55:
			if len(c.errands) == 0 {
				break
			}
			q := c.errands[0]
			c.errands = c.errands[1:]
			t := c.topics[q.topic]
			e := history.Event{Client: id, Life: c.life, Channel: q.topic}
			if t.fails {
				e.Flags = history.FlagForbidden
			}
			switch {
			case q.off && t.off != q.id: // a session waits for the answer to the last one only
				continue
			case q.off:
				e.Kind = history.Unsubscribed
			case t.state != "asked" || t.id != q.id: // nobody waits for it any more
				continue
			case r.IntN(3) == 0:
				e.Kind, t.state = history.Denied, "denied"
			default:
				e.Kind, t.state = history.Subscribed, "active"
				if t.fails {
					t.state = "denied"
				} else if positioned && q.topic < channels {
					e.Flags |= history.FlagPositioned
					e.Epoch, e.Offset = epoch, said[q.topic]
				}
			}
			emit(e)
		case x < 57:
			if t := c.topics[ch]; t.state == "active" {
				emit(history.Event{Kind: history.Unsubscribed, Client: id, Life: c.life, Channel: ch, Flags: history.FlagServer})
				ask(i, ch)
			}
		case x < 58 && ch < channels && r.IntN(3) == 0:
			emit(history.Event{Kind: history.Subscribed, Client: id, Life: c.life, Channel: ch, Flags: history.FlagServer})
		case x < 75:
			ch %= channels
			said[ch]++
			when[ch] = append(when[ch], now)
			m := history.Event{Kind: history.Publish, Client: teller, Life: 1, Channel: ch, Incarnation: 1, Seq: said[ch], Sent: now, Due: now}
			emit(m)
			m.Kind, m.Result = history.Outcome, history.OK
			emit(m)
		default:
			ch %= channels
			if said[ch] == 0 {
				break
			}
			n := said[ch]
			if r.IntN(2) == 0 {
				n = 1 + r.Uint64N(n)
			}
			m := history.Event{Kind: history.Deliver, Client: id, Life: c.life, Channel: ch, Incarnation: 1, Seq: n, Flags: history.FlagStamped, Due: when[ch][n-1]}
			if positioned {
				m.Flags |= history.FlagPositioned
				m.Epoch, m.Offset = epoch, n
			}
			emit(m)
		}
	}
	return names, events
}

// ruleIsolation is what the rule makes of a history.
func ruleIsolation(names *history.Names, events []history.Event, shards int) (o objections) {
	b := &Brief{
		Groups:     []BriefGroup{{Name: "all", Count: 4}, {Name: "tellers", First: 4, Count: 1}},
		Publishers: []BriefPublisher{{Client: 4}},
		Promises:   scenario.Promises{Delivery: "at-most-once", Order: "none"},
		Expect:     []scenario.Expectation{{Rule: "isolation", Name: "isolation", Want: "strict"}},
	}
	for _, f := range merged(b, names, events, shards).settle().found {
		switch {
		case f.anomaly.Define().Owner != "isolation":
		case f.anomaly == WronglyRefused:
			o.refused++
		case f.said == "was granted" || f.said == "was let in":
			o.granted++
		case f.said == "before the refusal":
			o.early++
		case f.came:
			o.leaks += f.n
		}
	}
	return o
}

// TestIsolationTwinAgrees: on histories of whatever a server may do, rule and twin
// object to the same.
func TestIsolationTwinAgrees(t *testing.T) {
	var sum objections
	var fine int
	compare := func(t interface{ Fatalf(string, ...any) }, seed uint64, steps, shards int, positioned bool) {
		names, events := wander(seed, steps, positioned)
		want, got := twinIsolation(names, events), ruleIsolation(names, events, shards)
		if got != want {
			var b strings.Builder
			for i, e := range events {
				if e.Kind != history.Outcome {
					fmt.Fprintf(&b, "%3d %v client %d #%d kind %d %s seq %d flags %b sent %v\n", i, e.Seen, e.Client, e.Life, e.Kind, names.Name(int32(e.Channel)), e.Seq, e.Flags, e.Sent)
				}
			}
			t.Fatalf("seed %d, %d steps: the rule says %+v, the twin %+v\n%s", seed, steps, got, want, b.String())
		}
		sum.leaks, sum.granted, sum.refused, sum.early = sum.leaks+want.leaks, sum.granted+want.granted, sum.refused+want.refused, sum.early+want.early
		for _, e := range events {
			if e.Kind == history.Deliver {
				fine++
			}
		}
	}
	for seed := range uint64(100) { // enough of everything, also where few are drawn
		compare(t, seed, 120, 1, seed%2 == 0)
	}
	rapid.Check(t, func(t *rapid.T) {
		compare(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(20, 300).Draw(t, "steps"), rapid.IntRange(1, 3).Draw(t, "shards"), rapid.Bool().Draw(t, "positioned"))
	})
	if sum.leaks < 50 || sum.granted < 20 || sum.refused < 50 || sum.early == 0 || int64(fine) < sum.leaks+100 {
		t.Errorf("not exercised: %+v of %d deliveries", sum, fine)
	}
}
