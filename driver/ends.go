package driver

import (
	"sync"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// ends follows, on the channels that the target thins out, what each publisher has
// said last and what each subscription has received last: the drain waits until they
// meet. Whether they should have, and in time, is for the judge to say.
type ends struct {
	names    *history.Names
	promises *scenario.Promises
	known    map[history.ChannelID]*scenario.Shape // nil: it is not shaped
	subs     map[endKey]end
	said     map[saidKey]lastSaid
	over     time.Duration // when the last window of the channels that are added up is
}

type endKey struct {
	client  history.ClientID
	channel history.ChannelID
}

// end is what a subscription has come to.
type end struct {
	answered time.Duration // since when it gets what is published; 0: no answer was seen yet
	filtered bool          // and not all of it
	message  messageKey
}

type messageKey struct {
	publisher   int32
	incarnation uint32
	seq         uint64
}

type saidKey struct {
	publisher int32
	channel   history.ChannelID
}

// lastSaid is what a publisher has said last on a channel.
type lastSaid struct {
	message messageKey
	sent    time.Duration
	settled time.Duration // when it was acknowledged; 0: not known
}

func newEnds(plan *scenario.Plan, names *history.Names) *ends {
	if len(plan.Promises.AllShapes()) == 0 {
		return nil
	}
	return &ends{
		names: names, promises: &plan.Promises, known: make(map[history.ChannelID]*scenario.Shape),
		subs: make(map[endKey]end), said: make(map[saidKey]lastSaid),
	}
}

// shaped is how a channel is thinned out; nil: it is not.
func (x *ends) shaped(ch history.ChannelID) *scenario.Shape {
	if x == nil || ch < 0 {
		return nil
	}
	s, ok := x.known[ch]
	if !ok {
		s = x.promises.Shape(x.names.Name(int32(ch)))
		x.known[ch] = s
	}
	return s
}

// add takes what happened to a client of the shard.
func (x *ends) add(e *history.Event) {
	switch e.Kind {
	case history.Deliver, history.Publish, history.Outcome, history.Subscribe, history.Subscribed, history.Unsubscribe, history.Unsubscribed:
	default:
		return
	}
	s := x.shaped(e.Channel)
	if s != nil && s.Kind == scenario.Aggregate && (e.Kind == history.Publish || e.Kind == history.Outcome) {
		x.over = max(x.over, e.Seen+s.Every+windowSlack)
	}
	if s == nil || !s.Settles() {
		return
	}
	key := endKey{e.Client, e.Channel}
	m := messageKey{e.Publisher, e.Incarnation, e.Seq}
	switch e.Kind {
	case history.Deliver:
		k := x.subs[key]
		if k.answered == 0 { // by a pattern, or ahead of the answer
			k.answered = e.Seen
		}
		if e.Has(history.FlagStamped) {
			k.message = m
		}
		x.subs[key] = k
	case history.Subscribe:
		if e.Publisher > 0 {
			k := x.subs[key]
			k.filtered = true
			x.subs[key] = k
		}
	case history.Subscribed:
		if k := x.subs[key]; k.answered == 0 || !e.Has(history.FlagRecovered) {
			k.answered = e.Seen
			x.subs[key] = k
		}
	case history.Unsubscribe, history.Unsubscribed:
		delete(x.subs, key)
	case history.Publish:
		x.said[saidKey{e.Publisher, e.Channel}] = lastSaid{message: m, sent: e.Sent}
	case history.Outcome:
		at := saidKey{e.Publisher, e.Channel}
		l := x.said[at]
		switch {
		case l.message != m:
		case e.Result == history.Failed:
			delete(x.said, at)
		case e.Result == history.OK:
			l.settled = e.Seen
			x.said[at] = l
		}
	}
}

// windowSlack is how much later than a window is over its sums are waited for.
const windowSlack = time.Second + lastLook

// windowsOver is when the sums of all that was published should be here. No message tells:
// a target says nothing of a window in which nothing came.
func (f *fleet) windowsOver() (over time.Duration) {
	if f.shards[0].ends == nil {
		return 0
	}
	var mu sync.Mutex
	f.each(func(s *shard) {
		mu.Lock()
		defer mu.Unlock()
		over = max(over, s.ends.over)
	})
	return over
}

// lasts are the messages, by channel, one of which every subscriber is to come to:
// the last of each publisher, but for those that were acknowledged before another one
// was sent.
func (f *fleet) lasts() map[history.ChannelID][]lastSaid {
	if f.shards[0].ends == nil {
		return nil
	}
	var mu sync.Mutex
	all := make(map[history.ChannelID][]lastSaid)
	f.each(func(s *shard) {
		mu.Lock()
		defer mu.Unlock()
		for k, l := range s.ends.said {
			all[k.channel] = append(all[k.channel], l)
		}
	})
	for ch, list := range all {
		all[ch] = admitted(list)
	}
	return all
}

// admitted leaves of what publishers have said last what may be the last of all.
func admitted(list []lastSaid) []lastSaid {
	newest := time.Duration(0)
	for _, l := range list {
		newest = max(newest, l.sent)
	}
	kept := list[:0]
	for _, l := range list {
		if l.settled == 0 || l.settled >= newest {
			kept = append(kept, l)
		}
	}
	return kept
}

// shapedLook is how long the run listens on where channels are thinned out: what was
// held back for a time may come so much later, and once more.
func (f *fleet) shapedLook(lasts map[history.ChannelID][]lastSaid) (look time.Duration) {
	for ch := range lasts {
		if s := f.plan.Promises.Shape(f.cfg.Names.Name(int32(ch))); s != nil {
			look = max(look, 2*s.Longest()+lastLook)
		}
	}
	return look
}

// unsettled counts the subscriptions that have not come to a last value although one
// was sent after their answer.
func (f *fleet) unsettled(lasts map[history.ChannelID][]lastSaid) (n int) {
	if len(lasts) == 0 {
		return 0
	}
	var mu sync.Mutex
	f.each(func(s *shard) {
		mine := 0
		for k, x := range s.ends.subs {
			i := int(k.client) - s.index
			if c := &s.clients[i/len(s.fleet.shards)]; !c.Connected() {
				continue
			}
			if x.awaits(lasts[k.channel]) {
				mine++
			}
		}
		mu.Lock()
		n += mine
		mu.Unlock()
	})
	return n
}

// awaits reports whether a subscription has none of these, and is to get one.
func (x *end) awaits(list []lastSaid) bool {
	if x.filtered {
		return false
	}
	owed := false
	for i := range list {
		if list[i].message == x.message {
			return false
		}
		owed = owed || list[i].sent > x.answered
	}
	return owed
}
