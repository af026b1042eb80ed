package assert

import (
	"time"

	"squall/assert/history"
)

// Presence: who asks is told who is there. A member of a channel is a user who is
// subscribed to it by its name, on one connection or several.
//
// What is true is known of the members themselves, each subscription being a stay:
//
//   - A user is surely there from when the answer to a subscribe was received until the
//     latest time at which something was sent on the same connection that the target has
//     answered. Stays that overlap are one.
//   - A user is possibly there from when the subscribe was sent until the answer to the
//     unsubscribe, or until the client saw the end of the connection. Where the client
//     vanished without a word the target needs its heartbeat to notice, so that is added;
//     without heartbeats there is no end. Neither is there one where a session may be
//     kept, until its client is back, or where the connection is over plain HTTP.
//   - Who comes back to a session that goes on is surely there again, from the answer that
//     says so, by the subscriptions that the session was to keep. Where an attempt got no
//     answer since, he is possibly there only: it may have begun the session anew.
//
// What is told is a view: of each subscription that asks, the lists and who comes and
// goes, in order, until it ends. The view is a set of names. Whatever was sent to the
// target after a time, and answered on the watcher's connection before something came, is
// a bound: that was told after this time. At each such moment, told after t0 and read by
// t, the view must hold everybody who was surely there throughout [t0 − within, t], and
// nobody who was not possibly there at any time of it. So it does not matter how slowly
// the watcher reads. What differs has a name, the first of these that fits:
//
//   - presence-late: what was told later puts it right, and the user has neither come nor
//     gone meanwhile.
//   - phantom-member: it names a user who had not been there until then.
//   - ghost-presence: it names one who has gone.
//   - presence-not-restored: it lacks one who had been lost, or had been there, before; or
//     somebody who has asked again has got no list.
//   - member-missing: it lacks one who is there for the first time, or there is no list.
//
// Nobody may be said to leave who surely stays (presence-flap): surely there throughout
// [t0 − within, t] again. What the view lacks from then on until he is said to come is the
// same, and has no other name, and that he leaves once more is none.
//
// Who is in the view may not come, and who is not may not leave: either it was told twice
// (presence-repeated), or, if a subscribe of the user was sent since the view had it
// otherwise, what he had done before was not told (presence-diff-race). The last list of a
// view, which is asked for when everybody must have been told, must equal the view; where
// the list itself is right as far as anybody knows, or where the list that another watcher
// got meanwhile was, something between the first list and now was not told
// (presence-diff-race), and where it is wrong the list is what is blamed.
//
// Where lists are told apart from who comes and goes (a dialect that tells of connections:
// see Brief.Apart), one may be ahead of the other. Then a list is held against what is true
// alone, and so is the view, at every answer but a pong, which may overtake both. And one
// connection's end may be told before another's beginning that was answered first, so
// only a stay that lasts all the time proves that its user was there.
//
// Nothing is judged of times around which the plan does something to the target, of what
// is told behind an announced gap, and of names of which nobody knows whose they are.
// Clients whose rights are taken away, whose token expires, or who break the protocol
// prove nothing from then on, and what they are told is not looked at.

// stay is one subscription of one connection, which makes its user a member.
type stay struct {
	client   history.ClientID
	channel  history.ChannelID
	life     int32
	asked    time.Duration // Sent of the subscribe
	answered time.Duration // Seen of the answer; 0: none
	proven   time.Duration // Sent of the latest that the target has answered, while the subscription was there
	until    time.Duration // possibly there so long
	over     time.Duration // when the client saw the end; 0: it is there when the run ends
	leaving  time.Duration // Sent of the unsubscribe; 0: none
	kept     bool          // the client relies on its session to go on with it
	torn     bool          // the connection ended
}

// move is somebody's coming or going, as one view was told.
type move struct {
	serial int32 // of what the client was told of who is there, all its views together
	member history.MemberID
	gone   bool
	after  time.Duration // it was told after this
	seen   time.Duration
}

// roster is one list of a view.
type roster struct {
	serial   int32
	from, to int32         // of its names, in members
	due      time.Duration // when it was asked for
	seen     time.Duration
}

// view is what one subscription was told.
type view struct {
	client    history.ClientID
	channel   history.ChannelID
	life      int32
	asked     time.Duration
	answered  time.Duration
	moves     []move
	rosters   []roster
	firstTick int32 // of the client's, from there to lastTick
	lastTick  int32
	again     bool // it was asked for before, on another connection
	last      bool // it is there when the run ends
	gap       int32
}

// instant is a moment of which a watcher's views must be true: what came by then was told
// after sent.
type instant struct {
	serial     int32 // of the latest that the client had been told
	sent, seen time.Duration
}

// attendee is one client, as presence sees it.
type attendee struct {
	life      int32
	serial    int32
	connected time.Duration // Seen of the answer to the connect
	proven    time.Duration // Sent of the latest that was answered on this connection; 0: nothing yet
	told      time.Duration // the same of what is answered behind all that was told before
	pinged    time.Duration // Sent of its latest own ping on this connection; 0: none yet
	expires   time.Duration // of what is sent from then on nothing is proven; 0: of everything something is
	outcast   bool
	aside     bool // over plain HTTP
	session   bool
	vanished  bool
	unheard   int8    // connections that were opened since the last connect that was answered, two at most
	stays     []int32 // of this connection, those that are not over
	held      []int32 // that a session may have kept
	views     []int32 // that are open
	ticks     []instant
	barrier   int                 // ticks before it stay as they are
	watched   []history.ChannelID // of which there was a view
	parted    []int32             // stays of the connection from which it vanished
	partedIn  int32
}

// presences is what one shard knows of who is there.
type presences struct {
	on       bool
	apart    bool // see Brief
	ended    bool
	wants    []*want
	grain    time.Duration // between two ticks
	all      []attendee
	stays    []stay
	views    []view
	members  []history.MemberID // of the lists
	reading  history.ClientID   // whose list comes; −1: nobody's
	overflow bool
	told     int64
	listed   int64
}

// mostMoves bounds what one shard remembers of who came and went, and of names in lists.
const mostMoves = 1 << 23

func newPresences(w *wants, clients int, apart bool) (x presences) {
	x.apart = apart
	for i := range w.all {
		if e := &w.all[i]; e.Rule == "presence" {
			x.wants, x.on = append(x.wants, e), true
			if x.grain == 0 || e.Within/10 < x.grain {
				x.grain = max(e.Within/10, time.Millisecond)
			}
		}
	}
	if x.on {
		x.all = make([]attendee, clients)
	}
	x.reading = -1
	return x
}

// about reports whether an expectation is about who is in a channel.
func (x *presences) about(j *Judge, ch history.ChannelID) bool {
	return anyAbout(x.wants, ch) && !j.claims.pattern(j, ch)
}

func (x *presences) of(c history.ClientID) *attendee {
	for int(c) >= len(x.all) {
		x.all = append(x.all, attendee{})
	}
	return &x.all[c]
}

// add takes every event of the shard.
func (x *presences) add(j *Judge, e *history.Event) {
	if e.Client < 0 {
		if e.Kind == history.Phase && e.Note == history.PhaseEnd && !x.ended {
			x.end()
		}
		return
	}
	if x.ended {
		return
	}
	switch e.Kind {
	case history.Deliver, history.Publish:
	case history.Outcome:
		if e.Result != history.Unknown && e.Flags&history.FlagPosted == 0 {
			x.prove(e, e.Sent)
		}
	case history.Beat:
		sent := e.Due
		if a := x.of(e.Client); a.pinged > 0 { // who was frozen counts from the thaw, and the ping is older
			sent = min(sent, a.pinged)
		}
		if x.apart { // of a pong nobody knows what it has overtaken
			x.answered(e, sent)
			return
		}
		x.prove(e, sent)
	case history.Probe:
		x.prove(e, e.Due)
	case history.Member:
		if x.reading == e.Client {
			a := x.of(e.Client)
			x.members = append(x.members, e.Epoch)
			v := &x.views[a.views[x.view(a, e.Channel)]]
			v.rosters[len(v.rosters)-1].to++
		}
	case history.Present, history.Joined, history.Left:
		x.tell(e)
	default:
		x.rare(j, e)
	}
}

// rare takes what does not come often.
func (x *presences) rare(j *Judge, e *history.Event) {
	a := x.of(e.Client)
	switch e.Kind {
	case history.Pinging:
		a.pinged = e.Sent
	case history.Open:
		a.unheard = min(a.unheard+1, 2)
		if a.aside = e.Offset != uint64(history.WebSocket); !a.outcast {
			a.expires = 0
		}
	case history.Expires:
		if !a.outcast {
			a.expires = e.Sent
		}
	case history.Connected:
		x.connected(a, e)
	case history.Subscribe:
		if x.about(j, e.Channel) && !e.Has(history.FlagForbidden) {
			x.subscribe(a, e)
		}
	case history.Subscribed:
		if !x.about(j, e.Channel) || e.Flags&(history.FlagForbidden|history.FlagServer) != 0 {
			return
		}
		x.prove(e, e.Sent)
		if s := x.stay(a, e.Channel, false); s != nil && s.answered == 0 {
			s.answered = e.Seen
		}
		if i := x.view(a, e.Channel); i >= 0 && x.views[a.views[i]].answered == 0 {
			x.views[a.views[i]].answered = e.Seen
		}
	case history.Denied:
		if e.Channel >= 0 && x.about(j, e.Channel) {
			if s := x.stay(a, e.Channel, false); s != nil {
				x.leave(a, s, e.Seen)
			}
			x.close(a, e.Channel)
		}
	case history.Unsubscribe:
		if x.about(j, e.Channel) {
			if s := x.stay(a, e.Channel, false); s != nil {
				s.leaving, s.proven = e.Sent, a.proven
			}
			x.close(a, e.Channel)
		}
	case history.Unsubscribed:
		if x.about(j, e.Channel) {
			x.unsubscribed(a, e)
		}
	case history.Gap:
		if i := x.view(a, e.Channel); i >= 0 {
			if v := &x.views[a.views[i]]; v.gap == 0 {
				v.gap = a.serial + 1
			}
		}
	case history.FaultBegin:
		switch {
		case e.Note == "disconnect vanish":
			a.vanished = true
		case e.Note == "revoke":
			a.outcast, a.expires = true, e.Seen
			x.closeAll(a)
		case isAbuse(e.Note):
			if a.expires == 0 || e.Seen < a.expires {
				a.expires = e.Seen
			}
		}
	case history.Closed:
		x.closed(j, a, e)
	case history.Displaced:
		if a.partedIn == e.Life {
			for _, i := range a.parted {
				x.stays[i].until = min(x.stays[i].until, e.Seen)
			}
		}
	}
}

// connected begins a connection. What a session kept goes on, or is over.
func (x *presences) connected(a *attendee, e *history.Event) {
	a.life, a.connected, a.proven, a.told, a.pinged, a.vanished = e.Life, e.Seen, 0, 0, 0, false
	a.session = e.Has(history.FlagSession)
	heard := a.unheard == 1 // of no other
	if a.unheard = 0; !a.session {
		return
	}
	for _, i := range a.held {
		old := x.stays[i]
		x.stays[i].until = min(old.until, e.Seen)
		if !e.Has(history.FlagResumed) {
			continue
		}
		s := stay{client: e.Client, channel: old.channel, life: e.Life, asked: e.Seen, until: noEnd, kept: old.kept}
		if heard && old.kept && old.answered > 0 && old.leaving == 0 {
			s.answered = e.Seen
		}
		a.stays = append(a.stays, int32(len(x.stays)))
		x.stays = append(x.stays, s)
	}
	a.held = a.held[:0]
}

// stay finds the client's stay in a channel that it has not given up, or the first one
// that it has.
func (x *presences) stay(a *attendee, ch history.ChannelID, leaving bool) *stay {
	for _, i := range a.stays {
		if s := &x.stays[i]; s.channel == ch && (s.leaving > 0) == leaving {
			return s
		}
	}
	return nil
}

// view finds the client's view of a channel; −1: there is none.
func (x *presences) view(a *attendee, ch history.ChannelID) int {
	for k, i := range a.views {
		if x.views[i].channel == ch {
			return k
		}
	}
	return -1
}

func (x *presences) subscribe(a *attendee, e *history.Event) {
	if s := x.stay(a, e.Channel, false); s != nil { // begun anew: it may leave, and come again
		s.proven = a.proven
		x.leave(a, s, e.Seen)
		s.torn = true
	}
	a.stays = append(a.stays, int32(len(x.stays)))
	x.stays = append(x.stays, stay{client: e.Client, channel: e.Channel, life: e.Life, asked: e.Sent, until: noEnd, kept: e.Has(history.FlagKept)})
	x.close(a, e.Channel)
	if !e.Has(history.FlagPresence) {
		return
	}
	v := view{client: e.Client, channel: e.Channel, life: e.Life, asked: e.Sent, firstTick: int32(len(a.ticks))}
	for _, ch := range a.watched {
		v.again = v.again || ch == e.Channel
	}
	if !v.again {
		a.watched = append(a.watched, e.Channel)
	}
	a.barrier = len(a.ticks)
	a.views = append(a.views, int32(len(x.views)))
	x.views = append(x.views, v)
}

func (x *presences) unsubscribed(a *attendee, e *history.Event) {
	if e.Has(history.FlagServer) {
		if s := x.stay(a, e.Channel, false); s != nil {
			s.proven = a.proven
			x.leave(a, s, e.Seen)
			s.torn = true
		}
		x.close(a, e.Channel)
		return
	}
	if s := x.stay(a, e.Channel, true); s != nil && s.life == e.Life {
		if a.expires == 0 || s.leaving < a.expires {
			s.proven = max(s.proven, s.leaving)
		}
		x.leave(a, s, e.Seen)
	}
}

// leave ends a stay.
func (x *presences) leave(a *attendee, s *stay, until time.Duration) {
	s.until, s.over = until, until
	for k, i := range a.stays {
		if &x.stays[i] == s {
			a.stays = append(a.stays[:k], a.stays[k+1:]...)
			return
		}
	}
}

// close ends the view of a channel.
func (x *presences) close(a *attendee, ch history.ChannelID) {
	if k := x.view(a, ch); k >= 0 {
		a.barrier = len(a.ticks)
		x.views[a.views[k]].lastTick = int32(len(a.ticks))
		a.views = append(a.views[:k], a.views[k+1:]...)
	}
}

func (x *presences) closeAll(a *attendee) {
	for len(a.views) > 0 {
		x.close(a, x.views[a.views[0]].channel)
	}
}

// closed ends all that a connection has.
func (x *presences) closed(j *Judge, a *attendee, e *history.Event) {
	if e.Life != a.life {
		return
	}
	x.closeAll(a)
	until := e.Seen
	if p := j.person(e.Client); p.linking != 0 || p.linkLife == e.Life {
		until += longestLink
	}
	if beat := j.brief.Promises.Heartbeat; a.vanished && (beat.Every == 0 || beat.Timeout == 0) || a.session || a.aside {
		until = noEnd
	} else if a.vanished {
		until += beat.Every + beat.Timeout
	}
	if a.vanished {
		a.parted, a.partedIn = append(a.parted[:0], a.stays...), e.Life
	}
	if a.session {
		a.held = append(a.held, a.stays...)
	}
	for _, i := range a.stays {
		s := &x.stays[i]
		if s.leaving == 0 {
			s.proven, s.torn = a.proven, true
		}
		s.until, s.over = until, e.Seen
	}
	a.stays = a.stays[:0]
}

// prove notes that the target has answered something on the client's connection, behind
// all that it had been told there.
func (x *presences) prove(e *history.Event, sent time.Duration) {
	if a := x.of(e.Client); x.answered(e, sent) {
		a.told = max(a.told, sent)
		if len(a.views) > 0 {
			x.tick(a, e.Seen)
		}
	}
}

// answered notes that the connection worked when that was sent.
func (x *presences) answered(e *history.Event, sent time.Duration) bool {
	a := x.of(e.Client)
	if e.Life != a.life || sent < a.connected || a.expires > 0 && sent >= a.expires {
		return false
	}
	a.proven = max(a.proven, sent)
	return true
}

// tick notes a moment, in the place of the latest one if that is of the same and close to
// the one before.
func (x *presences) tick(a *attendee, seen time.Duration) {
	t := instant{serial: a.serial, sent: a.told, seen: seen}
	if n := len(a.ticks); n >= a.barrier+2 && a.ticks[n-1].serial == t.serial && a.ticks[n-2].serial == t.serial && a.ticks[n-1].sent < a.ticks[n-2].sent+x.grain {
		a.ticks[n-1] = t
		return
	}
	a.ticks = append(a.ticks, t)
}

// tell takes what a view is told.
func (x *presences) tell(e *history.Event) {
	x.reading = -1
	a := x.of(e.Client)
	k := x.view(a, e.Channel)
	if k < 0 || e.Life != a.life || a.expires > 0 && e.Seen >= a.expires {
		return
	}
	if len(x.members)+int(x.told) >= mostMoves {
		x.overflow = true
		return
	}
	v := &x.views[a.views[k]]
	a.serial++
	if e.Kind != history.Present {
		x.told++
		v.moves = append(v.moves, move{serial: a.serial, member: e.Epoch, gone: e.Kind == history.Left, after: max(v.asked, a.told), seen: e.Seen})
		return
	}
	x.listed++
	at := int32(len(x.members))
	v.rosters = append(v.rosters, roster{serial: a.serial, from: at, to: at, due: max(v.asked, e.Due), seen: e.Seen})
	x.reading = e.Client
	x.prove(e, e.Due)
}

// end is the end of the run: whoever is there stays.
func (x *presences) end() {
	x.ended = true
	for i := range x.all {
		a := &x.all[i]
		for _, s := range a.stays {
			if x.stays[s].leaving == 0 {
				x.stays[s].proven = a.proven
			}
		}
		for _, v := range a.views {
			x.views[v].last = a.expires == 0
		}
		x.closeAll(a)
	}
}
