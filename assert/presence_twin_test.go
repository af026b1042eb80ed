package assert

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// What the twin's world is made of: six clients with four users, one channel, facts at
// different times, 10 ms apart at least.
const (
	twinWithin = time.Second
	twinReap   = 700 * time.Millisecond // of the heartbeat
	twinMoment = 5 * time.Millisecond
)

var twinUsers = []string{"a", "a", "b", "b", "c", "d"}

// twinStay is one subscription, as the twin finds it: by looking through the history from
// its subscribe on.
type twinStay struct {
	user                                   string
	asked, answered, proven, until, closed time.Duration
}

// proof is when what an event answers was sent; −1: it answers nothing.
func proof(e *history.Event) time.Duration {
	switch e.Kind {
	case history.Subscribed:
		return e.Sent
	case history.Beat, history.Probe, history.Present:
		return e.Due
	}
	return -1
}

func twinStays(events []history.Event) (all []twinStay) {
	for i := range events {
		sub := &events[i]
		if sub.Kind != history.Subscribe {
			continue
		}
		s := twinStay{user: twinUsers[sub.Client], asked: sub.Sent, until: noEnd}
		var leaving, vanished time.Duration
		done := false
		for k := range events {
			e := &events[k]
			if e.Client != sub.Client || e.Life != sub.Life || done {
				continue
			}
			if at := proof(e); at >= 0 && leaving == 0 { // also what came before it
				s.proven = max(s.proven, at)
			}
			if k <= i {
				continue
			}
			switch e.Kind {
			case history.Subscribed:
				s.answered = e.Seen
			case history.FaultBegin:
				vanished = e.Seen
			case history.Unsubscribe:
				leaving = e.Sent
			case history.Unsubscribed:
				s.proven, s.until, s.closed, done = max(s.proven, leaving), e.Seen, e.Seen, true
			case history.Closed:
				s.until, s.closed, done = e.Seen, e.Seen, true
				if vanished > 0 && e.Who == history.Fault && events[k-1].Note == "disconnect vanish" {
					s.until += twinReap
				}
			}
		}
		all = append(all, s)
	}
	return all
}

// twinTruth looks at every moment by itself.
type twinTruth []twinStay

func (all twinTruth) sure(user string, from, to time.Duration) bool {
	for at := from; at <= to; at += twinMoment {
		here := false
		for _, s := range all {
			here = here || s.user == user && s.answered > 0 && s.answered <= at && at < s.proven
		}
		if !here {
			return false
		}
	}
	return true
}

func (all twinTruth) may(user string, from, to time.Duration) bool {
	for at := from; at <= to; at += twinMoment {
		for _, s := range all {
			if s.user == user && s.asked <= at && at <= s.until {
				return true
			}
		}
	}
	return false
}

func (all twinTruth) any(user string, is func(*twinStay) bool) bool {
	return slices.ContainsFunc(all, func(s twinStay) bool { return s.user == user && is(&s) })
}

// missing is what it is called that a user is not named at a time.
func (all twinTruth) missing(user string, at time.Duration) Anomaly {
	var latest *twinStay
	for i := range all {
		if s := &all[i]; s.user == user && s.asked <= at && (latest == nil || s.asked > latest.asked) {
			latest = s
		}
	}
	if all.any(user, func(s *twinStay) bool { return s.asked < latest.asked && s.closed > 0 && s.closed <= latest.asked }) {
		return PresenceNotRestored
	}
	return MemberMissing
}

func (all twinTruth) extra(user string, at time.Duration) Anomaly {
	if all.any(user, func(s *twinStay) bool { return s.asked <= at }) {
		return GhostPresence
	}
	return PhantomMember
}

// twinState is what a view says of one user, since when, and what is wrong with it.
type twinState struct {
	in, flapped, listed bool
	after, seen         time.Duration
	wrong               time.Duration // when something was answered and it was not true, for the first time; 0: never
	told                time.Duration // and after when that was told
}

// presenceTwin replays each view, and asks at each answer for each user, and of each
// moment of the time before, whether it is true.
func presenceTwin(events []history.Event, names *history.Names, apart bool) (blamed []string) {
	all := twinTruth(twinStays(events))
	sure := all.sure
	if apart { // one that ends may be told before another that has begun
		sure = func(user string, from, to time.Duration) bool {
			return slices.ContainsFunc(all, func(s twinStay) bool { return twinTruth{s}.sure(user, from, to) })
		}
	}
	lists := twinLists(events, names)
	users := []string{"a", "b", "c", "d", "x"}
	for i := range events {
		sub := &events[i]
		if sub.Kind != history.Subscribe || !sub.Has(history.FlagPresence) {
			continue
		}
		blame := func(a Anomaly, user string) {
			blamed = append(blamed, fmt.Sprintf("%d#%d %s %s", sub.Client, sub.Life, a, user))
		}
		var view map[string]*twinState
		var last map[string]bool // of the latest list but the first
		var first roster
		sent, answered, ended, bare := time.Duration(0), time.Duration(0), false, false
		look := func(now time.Duration) {
			for _, u := range users {
				switch h := view[u]; {
				case h.wrong > 0 || h.flapped:
				case h.in && !all.may(u, sent-twinWithin, now), !h.in && sure(u, sent-twinWithin, now):
					h.wrong, h.told = now, sent
				}
			}
		}
		for k := range events {
			e := &events[k]
			if e.Client != sub.Client || e.Life != sub.Life || ended {
				continue
			}
			at := proof(e)
			if apart && e.Kind == history.Beat { // it may have overtaken anything
				at = -1
			}
			sent = max(sent, at)
			if k <= i {
				continue
			}
			name := names.Name(int32(e.Epoch))
			switch e.Kind {
			case history.Subscribed:
				answered = e.Seen
			case history.Unsubscribe, history.Closed:
				ended = true
			case history.Present:
				named := lists[k].named
				if view == nil {
					first = roster{due: e.Due, seen: e.Seen}
					view = make(map[string]*twinState)
					for _, u := range users {
						view[u] = &twinState{in: named[u], listed: true, after: e.Due, seen: e.Seen}
					}
					break
				}
				last = named
				for _, u := range users {
					switch h := view[u]; {
					case named[u] && !h.in && !h.flapped:
						if !all.may(u, e.Due-twinWithin, e.Seen) {
							blame(all.extra(u, e.Seen), u)
						} else if !apart {
							blame(PresenceDiffRace, u)
						}
					case !named[u] && h.in && sure(u, e.Due-twinWithin, e.Seen):
						blame(all.missing(u, e.Seen), u)
					case !named[u] && h.in && !apart:
						blame(PresenceDiffRace, u)
					}
				}
			case history.Joined, history.Left:
				if view == nil {
					break
				}
				h, come := view[name], e.Kind == history.Joined
				after := max(sub.Sent, sent)
				now := &twinState{in: come, after: after, seen: e.Seen}
				anew := func(from time.Duration) bool {
					return all.any(name, func(s *twinStay) bool { return s.asked > from && s.asked <= e.Seen })
				}
				switch {
				case !come && !h.in && h.flapped:
					now.flapped = true
				case come == h.in:
					again := anew(h.seen)
					if !come && h.listed {
						again = all.any(name, func(s *twinStay) bool { return s.asked <= e.Seen && (s.answered == 0 || s.answered >= h.after) })
					}
					if again {
						blame(PresenceDiffRace, name)
					} else {
						blame(PresenceRepeated, name)
					}
				case come && !all.any(name, func(s *twinStay) bool { return s.asked <= e.Seen }):
					blame(PhantomMember, name)
				case h.wrong > 0 && !anew(h.wrong):
					blame(PresenceLate, name)
				case h.wrong > 0 && come:
					blame(all.missing(name, h.wrong), name)
				case h.wrong > 0:
					blame(all.extra(name, h.wrong), name)
				}
				if !come && h.in && sure(name, after-twinWithin, e.Seen) {
					blame(PresenceFlap, name)
					now.flapped = true
				}
				view[name] = now
			}
			switch {
			case at < 0:
			case view != nil:
				look(e.Seen)
			case answered > 0 && sent >= answered+twinWithin && !bare:
				bare = true
			}
		}
		if view == nil && bare {
			again := slices.ContainsFunc(events[:i], func(e history.Event) bool {
				return e.Kind == history.Subscribe && e.Client == sub.Client && e.Has(history.FlagPresence)
			})
			if again {
				blame(PresenceNotRestored, "")
			} else {
				blame(MemberMissing, "")
			}
		}
		for _, u := range users {
			if view == nil || view[u].wrong == 0 || last != nil && !apart && last[u] != view[u].in {
				continue
			}
			h := view[u]
			a := all.extra(u, h.wrong)
			if !h.in {
				a = all.missing(u, h.wrong)
			}
			from := first.due - twinWithin
			badly := h.listed && (h.in && !all.may(u, from, first.seen) || !h.in && sure(u, from, first.seen))
			if last == nil && a != PhantomMember && !badly {
				for _, l := range lists {
					from, to := min(l.due, h.told)-twinWithin, max(l.seen, h.wrong)
					right := h.in && !l.named[u] && !all.may(u, from, to) || !h.in && l.named[u] && sure(u, from, to)
					if l.seen >= first.seen && right {
						a = PresenceDiffRace
					}
				}
			}
			blame(a, u)
		}
	}
	slices.Sort(blamed)
	return blamed
}

// twinList is a list with its names.
type twinList struct {
	named     map[string]bool
	due, seen time.Duration
}

// twinLists are the lists of a history, by their places.
func twinLists(events []history.Event, names *history.Names) map[int]twinList {
	all := make(map[int]twinList)
	for i := range events {
		if e := &events[i]; e.Kind == history.Present {
			l := twinList{make(map[string]bool), e.Due, e.Seen}
			for k := i + 1; k <= i+int(e.Code); k++ {
				l.named[names.Name(int32(events[k].Epoch))] = true
			}
			all[i] = l
		}
	}
	return all
}

// twinConn is a connection, as the server sees it.
type twinConn struct {
	client     int
	life       int32
	subscribed bool
	watches    bool
	counted    bool
	turn       int           // which of its subscriptions
	gone       time.Duration // when the server notices its end; 0: not yet
	up         []twinWord
	down       []twinWord
}

// twinWord is something that client or server says.
type twinWord struct {
	kind  history.Kind
	sent  time.Duration
	due   time.Duration
	user  string
	named []string
}

// twinBelated is a word that the server says late.
type twinBelated struct {
	at   time.Duration
	to   *twinConn
	word twinWord
	turn int
}

// twinWorld makes a history: clients come, subscribe, ask who is there, ping, leave, are
// lost and vanish, and a server that knows who is there, and tells it wrongly now and
// then.
type twinWorld struct {
	r        *rand.Rand
	names    *history.Names
	now      time.Duration
	events   []history.Event
	conns    []*twinConn
	live     []*twinConn // by client; nil: it has none
	lives    []int32
	stage    []int // 0 nothing, 1 subscribe sent, 2 subscribed, 3 unsubscribe sent
	mischief float64
	count    map[string]int
	belated  []twinBelated
	apart    bool          // pongs overtake, and lists but the first come when they come
	slow     []twinBelated // such lists
}

func (w *twinWorld) chance(p float64) bool { return w.r.Float64() < p }

func (w *twinWorld) emit(e history.Event) {
	e.Seen, e.Arrived = w.now, w.now
	w.events = append(w.events, e)
}

func (w *twinWorld) say(c *twinConn, word twinWord) { c.down = append(c.down, word) }

func (w *twinWorld) told(kind history.Kind, user string) {
	for _, c := range w.conns {
		if !c.watches || w.chance(w.mischief) {
			continue
		}
		word := twinWord{kind: kind, user: user}
		if w.chance(w.mischief) {
			w.belated = append(w.belated, twinBelated{w.now + 2*twinWithin, c, word, c.turn})
			continue
		}
		w.say(c, word)
		if w.chance(w.mischief) {
			w.say(c, word)
		}
	}
}

func (w *twinWorld) enter(c *twinConn) {
	if c.subscribed = true; w.chance(w.mischief) {
		return
	}
	c.counted = true
	user := twinUsers[c.client]
	if w.count[user]++; w.count[user] == 1 {
		w.told(history.Joined, user)
	}
}

func (w *twinWorld) leave(c *twinConn) {
	c.watches = false
	if !c.subscribed || !c.counted || w.chance(w.mischief) {
		c.subscribed = false
		return
	}
	c.subscribed = false
	user := twinUsers[c.client]
	if w.count[user]--; w.count[user] == 0 {
		w.told(history.Left, user)
	}
}

func (w *twinWorld) list() (named []string) {
	for _, u := range []string{"a", "b", "c", "d", "x"} {
		if here := w.count[u] > 0; here != w.chance(w.mischief/2) {
			named = append(named, u)
		}
	}
	return named
}

// serve obeys what has come, and notices who is lost.
func (w *twinWorld) serve() {
	for len(w.belated) > 0 && w.belated[0].at <= w.now {
		w.say(w.belated[0].to, w.belated[0].word)
		w.belated = w.belated[1:]
	}
	w.slow = slices.DeleteFunc(w.slow, func(b twinBelated) bool {
		if b.at <= w.now && b.to.watches && b.to.turn == b.turn {
			w.say(b.to, b.word)
		}
		return b.at <= w.now
	})
	for _, c := range w.conns {
		if c.gone > 0 && w.now >= c.gone {
			w.leave(c)
			c.gone, c.up = -1, nil
		}
		if len(c.up) == 0 || c.gone != 0 || w.chance(0.5) {
			continue
		}
		word := c.up[0]
		c.up = c.up[1:]
		switch word.kind {
		case history.Subscribe:
			c.turn++
			w.say(c, twinWord{kind: history.Subscribed, sent: word.sent})
			if w.enter(c); word.user == "who" && !w.chance(w.mischief) {
				c.watches = true
				w.say(c, twinWord{kind: history.Present, due: word.sent, named: w.list()})
			}
		case history.Unsubscribe:
			w.leave(c)
			w.say(c, twinWord{kind: history.Unsubscribed})
		case history.Pinging:
			if w.say(c, twinWord{kind: history.Beat, due: word.sent}); w.apart {
				at := w.r.IntN(len(c.down))
				c.down = slices.Insert(c.down[:len(c.down)-1], at, c.down[len(c.down)-1])
			}
		case history.Present:
			list := twinWord{kind: history.Present, due: word.sent, named: w.list()}
			if c.watches && w.apart {
				w.slow = append(w.slow, twinBelated{w.now + time.Duration(w.r.IntN(60))*10*time.Millisecond, c, list, c.turn})
			} else if c.watches {
				w.say(c, list)
			}
		}
	}
}

// hear tells one word of the server's.
func (w *twinWorld) hear(i int) bool {
	c := w.live[i]
	if c == nil || len(c.down) == 0 {
		return false
	}
	word := c.down[0]
	c.down = c.down[1:]
	e := history.Event{Kind: word.kind, Client: history.ClientID(i), Life: c.life, Sent: word.sent, Due: word.due}
	switch word.kind {
	case history.Subscribed:
		if w.stage[i] == 1 {
			w.stage[i] = 2
		}
	case history.Unsubscribed:
		w.stage[i] = 0
	case history.Joined, history.Left:
		if e.Epoch = history.MemberID(w.names.ID(word.user)); w.stage[i] != 2 {
			return true
		}
	case history.Present:
		if w.stage[i] != 2 {
			return true
		}
		e.Code = int32(len(word.named))
		w.emit(e)
		for _, u := range word.named {
			w.emit(history.Event{Kind: history.Member, Client: e.Client, Life: e.Life, Epoch: history.MemberID(w.names.ID(u))})
		}
		return true
	}
	w.emit(e)
	return true
}

// act lets one client do something.
func (w *twinWorld) act(i int, last bool) {
	c := w.live[i]
	who := history.Event{Client: history.ClientID(i), Sent: w.now, Due: w.now}
	if c == nil {
		if last || w.chance(0.7) {
			return
		}
		w.lives[i]++
		c = &twinConn{client: i, life: w.lives[i]}
		w.conns, w.live[i], w.stage[i] = append(w.conns, c), c, 0
		who.Life, who.Kind = c.life, history.Open
		w.emit(who)
		who.Kind = history.Connected
		w.emit(who)
		return
	}
	who.Life = c.life
	switch x := w.r.IntN(20); {
	case w.stage[i] == 0 && x < 12 && !last:
		who.Kind = history.Subscribe
		word := twinWord{kind: who.Kind, sent: w.now}
		if i < 4 && w.chance(0.7) {
			who.Flags, word.user = history.FlagPresence, "who"
		}
		c.up, w.stage[i] = append(c.up, word), 1
		w.emit(who)
	case w.apart && x < 13 && w.stage[i] == 2 && !last: // the watchers of such a server ask again and again
		c.up = append(c.up, twinWord{kind: history.Present, sent: w.now})
	case x < 15:
		c.up = append(c.up, twinWord{kind: history.Pinging, sent: w.now})
	case last:
	case x == 15 && w.stage[i] == 2:
		who.Kind = history.Unsubscribe
		c.up, w.stage[i] = append(c.up, twinWord{kind: who.Kind, sent: w.now}), 3
		w.emit(who)
	case x == 16 && w.chance(0.5): // lost
		w.live[i], c.gone = nil, w.now+time.Duration(w.r.IntN(90)+1)*10*time.Millisecond
		who.Kind, who.Who = history.Closed, history.Fault
		w.emit(who)
	case x == 17 && w.chance(0.3):
		w.live[i], c.gone = nil, w.now+twinReap+time.Duration(w.r.IntN(90)+1)*10*time.Millisecond
		who.Kind, who.Note = history.FaultBegin, "disconnect vanish"
		w.emit(who)
		who.Kind, who.Who, who.Note = history.Closed, history.Fault, ""
		w.emit(who)
	}
}

func twinPresence(r *rand.Rand, apart bool) (events []history.Event, names *history.Names, mischief bool) {
	n := len(twinUsers)
	w := &twinWorld{r: r, apart: apart, names: history.NewNames([]string{"room"}), live: make([]*twinConn, n), lives: make([]int32, n), stage: make([]int, n), count: make(map[string]int)}
	if mischief = r.IntN(4) > 0; mischief {
		w.mischief = 0.01 + 0.1*r.Float64()
	}
	busy := 1 + r.IntN(4)
	end := time.Duration(2+r.IntN(8)) * time.Second
	for asked := false; w.now < end+4*time.Second; {
		w.now += 10 * time.Millisecond
		w.serve()
		i := w.r.IntN(n)
		if !w.hear(i) && w.r.IntN(busy) == 0 {
			w.act(i, w.now > end)
		}
		if !asked && w.now > end+2200*time.Millisecond {
			asked = true
			for _, c := range w.live {
				if c != nil && w.chance(0.8) {
					c.up = append(c.up, twinWord{kind: history.Present, sent: w.now})
				}
			}
		}
	}
	for i := range w.live {
		for w.live[i] != nil && w.hear(i) {
			w.now += 10 * time.Millisecond
		}
	}
	w.now += 10 * time.Millisecond
	w.emit(history.Event{Kind: history.Phase, Client: -1, Note: history.PhaseEnd})
	return w.events, w.names, mischief
}

// TestPresenceTwin: the rule blames what the twin blames, by the same names, and nobody
// whose server did nothing wrong.
func TestPresenceTwin(t *testing.T) { checkPresence(t, false) }

// TestPresenceTwinApart: the same where lists and changes are told apart, and pongs
// overtake both.
func TestPresenceTwinApart(t *testing.T) { checkPresence(t, true) }

func checkPresence(t *testing.T, apart bool) {
	met := make(map[Anomaly]int)
	clean := 0
	rapid.Check(t, func(t *rapid.T) {
		events, names, mischief := twinPresence(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 7)), apart)
		b := &Brief{
			Apart:  apart,
			Groups: []BriefGroup{{Name: "people", Count: len(twinUsers), Subs: len(twinUsers)}}, Members: twinUsers,
			Promises: scenario.Promises{Heartbeat: scenario.Heartbeat{Every: 500 * time.Millisecond, Timeout: 200 * time.Millisecond}},
			Expect:   []scenario.Expectation{{Rule: "presence", Name: "presence", Channel: "room", Within: twinWithin}},
		}
		shards := 1 + len(events)%3
		js := make([]*Judge, shards)
		for i := range js {
			js[i] = NewJudge(b, names)
			js[i].presences.grain = 1 // every answer is looked at
		}
		for _, e := range events {
			for i, j := range js {
				if e.Client < 0 || int(e.Client)%shards == i {
					j.Add(e)
				}
			}
		}
		for _, j := range js[1:] {
			js[0].Merge(j)
		}
		var got []string
		for _, f := range js[0].settle().found {
			if f.anomaly.Define().harm == misleads {
				got = append(got, fmt.Sprintf("%d#%d %s %s", f.client, f.life, f.anomaly, names.Name(int32(f.member))))
				met[f.anomaly]++
			}
		}
		slices.Sort(got)
		if want := presenceTwin(events, names, apart); !slices.Equal(got, want) {
			for i := range events {
				e := &events[i]
				t.Logf("%v %d#%d kind %d %s due %v sent %v code %d %s", e.Seen, e.Client, e.Life, e.Kind, names.Name(int32(e.Epoch)), e.Due, e.Sent, e.Code, e.Note)
			}
			t.Fatalf("the rule says\n%q\nits twin\n%q", got, want)
		}
		if !mischief && len(got) > 0 {
			t.Fatalf("a server that did nothing wrong is blamed: %q", got)
		} else if len(got) == 0 {
			clean++
		}
	})
	t.Logf("met %v, %d clean", met, clean)
	for a := GhostPresence; a <= PresenceLate; a++ {
		if met[a] == 0 && !testing.Short() {
			t.Errorf("no history showed %s", a)
		}
	}
}
