package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// The heartbeat rule judges what only silence shows.
//
// server-every: on a connection that reads, no more time than the limit passes
// from the handshake to the first ping, between two pings, and from the last one
// to the end. reaps-silent-within: the server ends a connection at the latest so
// long after the last bytes that its client wrote; a client is silent while its
// pongs are muted and nothing else is said, or while it is frozen. And, whatever
// the limits are: nobody is closed for silence who answered the last ping at once.
// An answer that needs the server's whole patience for its way proves nothing, so
// that is judged only where connecting took no more than half of it.
//
// The end of a frozen connection is seen only when the client reads again, so a
// freeze shows too late a reaping only if there was none at all. What becomes of
// the old connection of a client that vanished can't be seen.
//
// Connections over plain HTTP are left out: a pong waits there for the answers to all
// requests before it.
//
// These are times: a limit is broken when it is exceeded by a tenth, and by half a
// second at least, and nothing is judged of a saturated generator.

// beats is the fold of every heartbeat expectation.
type beats struct{ all []beatFold }

type beatFold struct {
	want    *want
	entry   int
	clients []beat
	beatCounts
}

type beatCounts struct {
	pings, answered, intervals        int64
	silences, reaped, short, vanished int64
	slowest                           time.Duration // interval
}

// beat is what the rule knows of one client.
type beat struct {
	life     int32
	open     bool
	blind    hindrance     // the faults that keep it from reading in time
	muted    bool          // its pongs are
	frozen   bool          // it neither reads nor writes
	prompt   bool          // the last ping was answered at once, and no other can be waiting unread
	opened   time.Duration // when the upgrade was accepted
	trip     time.Duration // from there to the answer to the connect
	pinged   time.Duration // the last ping, or the handshake; −1: unknown
	wrote    time.Duration // last bytes to the server
	clear    time.Duration // from then on what is read is read in time
	thawed   time.Duration // end of a freeze beyond the limit whose outcome is awaited; 0: none
	hadFault time.Duration // length of that silence
}

// recovers is how long after a fault what is read may still be old, and how long
// a connection may take to show that it was ended meanwhile.
const recovers = 5 * time.Second

func newBeats(w *wants, clients int) (b beats) {
	for i := range w.all {
		if w.all[i].Rule == "heartbeat" {
			b.all = append(b.all, beatFold{want: &w.all[i], entry: i, clients: make([]beat, clients)})
		}
	}
	return b
}

// over is by how much a limit may be exceeded before that is a breach.
func over(limit time.Duration) time.Duration { return limit + max(limit/10, 500*time.Millisecond) }

// bound is a limit as a time; 0: there is none.
func bound(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// wrote notes that a client wrote a publication.
func (b *beats) wrote(j *Judge, e *history.Event) {
	for i := range b.all {
		b.all[i].said(j, e, e.Sent)
	}
}

// add takes everything that is about a client and is not a message.
func (b *beats) add(j *Judge, e *history.Event) {
	for i := range b.all {
		f := &b.all[i]
		if f.want.filter.client(j.person(e.Client)) {
			f.add(j, e)
		}
	}
}

// target takes what the plan does to the target: meanwhile nothing is judged.
func (b *beats) target(e *history.Event) {
	for i := range b.all {
		for c := range b.all[i].clients {
			x := &b.all[i].clients[c]
			switch e.Kind {
			case history.FaultBegin:
				trouble := troubled
				if isCommand(e.Note) {
					trouble = overruled
				}
				x.blind, x.pinged, x.thawed, x.prompt = x.blind|trouble, -1, 0, false
			case history.FaultEnd:
				if isCommand(e.Note) {
					continue
				}
				x.blind, x.clear = x.blind&^troubled, e.Seen+recovers
			}
		}
	}
}

// end is the end of the run.
func (b *beats) end(j *Judge, now time.Duration) {
	for i := range b.all {
		f := &b.all[i]
		for c := range f.clients {
			if x := &f.clients[c]; x.open {
				e := history.Event{Client: history.ClientID(c), Life: x.life, Seen: now, Arrived: now}
				f.pause(j, x, &e)
				f.thaw(j, x, &e)
			}
		}
	}
}

func (f *beatFold) add(j *Judge, e *history.Event) {
	for int(e.Client) >= len(f.clients) {
		f.clients = append(f.clients, beat{})
	}
	b := &f.clients[e.Client]
	switch e.Kind {
	case history.Open:
		b.opened = e.Seen
		if b.blind &^= aside; e.Offset != uint64(history.WebSocket) {
			b.blind |= aside
		}
	case history.Connected:
		*b = beat{life: e.Life, open: true, opened: b.opened, trip: e.Seen - b.opened, blind: b.blind, muted: b.muted, pinged: e.Seen, wrote: e.Seen, clear: b.clear}
		if j.commanded(j.people[e.Client].dialled, e.Seen) == nil {
			b.blind &^= overruled
		}
		if b.blind != 0 {
			b.pinged = -1
		}
	case history.Subscribe, history.Unsubscribe, history.Pinging:
		f.said(j, e, e.Sent)
	case history.Pinged:
		f.pinged(j, b, e)
	case history.FaultBegin:
		switch {
		case e.Note == "mute pongs":
			b.muted, b.pinged, b.prompt = true, -1, false
		case e.Note == "disconnect freeze":
			f.pause(j, b, e)
			b.frozen, b.blind, b.pinged, b.prompt = true, b.blind|frozen, -1, false
		case e.Note == "disconnect vanish":
			f.vanished++
		case isAbuse(e.Note):
			if o, _ := scenario.OffenceOf(strings.TrimPrefix(e.Note, abusePrefix)); !o.Aside { // wrong words are a sign of life, too
				f.said(j, e, e.Sent)
			}
		case hinders(e.Note) != 0:
			f.pause(j, b, e)
			b.blind, b.pinged, b.prompt = b.blind|hinders(e.Note), -1, false
			if b.thawed > 0 { // what has become of it may be read late
				b.thawed = 0
				f.short++
			}
		}
	case history.FaultEnd:
		f.healed(j, b, e)
	case history.Closed:
		f.closed(j, b, e)
	}
}

// hindrance is a set of faults that keep a client from reading or writing in time.
type hindrance uint8

const (
	frozen hindrance = 1 << iota
	slowed
	limited // for its whole life
	degraded
	linked
	troubled  // the plan does something to the target
	aside     // its connection is over plain HTTP: what it says waits for what it said before
	overruled // a command may have done something to it; until a connection begun after it
)

// hinders says which of them a fault of that name is; 0: none.
func hinders(note string) hindrance {
	switch {
	case note == "degrade":
		return degraded
	case note == "link":
		return linked
	case note == "read":
		return limited
	case slows(note, 1):
		return slowed
	}
	return 0
}

// healed is the end of a fault, and of the silence that it was.
func (f *beatFold) healed(j *Judge, b *beat, e *history.Event) {
	switch {
	case e.Note == "mute pongs":
		if b.open {
			f.silence(j, b, e, e.Seen)
		}
		b.muted, b.clear = false, e.Seen+recovers
	case e.Note == "disconnect freeze":
		if limit := bound(f.want.Reaps.A); b.open && b.frozen && f.want.Reaps.Op != "" {
			f.silences++
			if b.hadFault = e.Seen - b.since(); b.blind&^frozen == 0 && b.hadFault > over(limit) {
				b.thawed = e.Seen
			} else {
				f.short++
			}
		}
		b.frozen, b.blind, b.clear = false, b.blind&^frozen, e.Seen+recovers
	case hinders(e.Note) != 0:
		b.blind, b.clear = b.blind&^hinders(e.Note), e.Seen+recovers
	}
}

// since is when the silence of a client began, as far as the server can be held to
// it: with the last bytes, or when whatever kept the client from reading had been over
// for a while. Before that a ping may have waited behind what it did not read.
func (b *beat) since() time.Duration { return max(b.wrote, b.clear) }

// said notes that bytes were written at a time, which ends a silence.
func (f *beatFold) said(j *Judge, e *history.Event, at time.Duration) {
	if int(e.Client) >= len(f.clients) {
		return
	}
	b := &f.clients[e.Client]
	if !b.open || b.life != e.Life || b.frozen {
		return
	}
	if b.muted {
		f.silence(j, b, e, at)
	}
	b.wrote = max(b.wrote, at)
}

// silence judges a silence of a muted client that has lasted until now, its
// connection open.
func (f *beatFold) silence(j *Judge, b *beat, e *history.Event, now time.Duration) {
	limit := bound(f.want.Reaps.A)
	if f.want.Reaps.Op == "" || b.blind != 0 || b.thawed > 0 || now-b.since() < limit/2 {
		return
	}
	f.silences++
	if now-b.since() <= over(limit) { // or its end is here, unread
		f.short++
		return
	}
	f.report(j, ZombieConnection, e, now-b.since(), limit)
}

func (f *beatFold) pinged(j *Judge, b *beat, e *history.Event) {
	f.pings++
	f.thaw(j, b, e)
	f.pause(j, b, e)
	if b.muted || b.blind != 0 {
		b.pinged = -1
	} else {
		b.pinged = e.Arrived
	}
	b.prompt = false
	if e.Sent == 0 {
		return
	}
	b.wrote = max(b.wrote, e.Sent)
	half := j.brief.Promises.Heartbeat.Timeout / 2
	if half <= 0 {
		half = time.Second
	}
	if b.prompt = b.blind == 0 && e.Seen >= b.clear && e.Sent-e.Arrived <= half && b.trip <= half; b.prompt {
		f.answered++
	}
}

// pause judges the time since the last ping.
func (f *beatFold) pause(j *Judge, b *beat, e *history.Event) {
	if f.want.ServerEvery.Op == "" || !b.open || b.blind != 0 || b.muted || b.pinged < 0 {
		return
	}
	took, limit := e.Arrived-b.pinged, bound(f.want.ServerEvery.A)
	if e.Kind == history.Pinged || took > over(limit) {
		f.intervals++
		f.slowest = max(f.slowest, took)
	}
	if took > over(limit) {
		f.report(j, LateHeartbeat, e, took, limit)
	}
}

// thaw judges a connection that is still open after a freeze beyond the limit.
func (f *beatFold) thaw(j *Judge, b *beat, e *history.Event) {
	if b.thawed > 0 && e.Seen > b.thawed+recovers {
		b.thawed = 0
		f.report(j, ZombieConnection, e, b.hadFault, bound(f.want.Reaps.A))
	}
}

func (f *beatFold) closed(j *Judge, b *beat, e *history.Event) {
	if !b.open || b.life != e.Life {
		return
	}
	server := e.Who == history.Server
	blamed := server && (e.Code == 0 || j.brief.Silence == 0 || e.Code == int32(j.brief.Silence))
	limit := bound(f.want.Reaps.A)
	switch {
	case j.clock.ended:
	case b.thawed > 0 && blamed && e.Seen <= b.thawed+recovers:
		f.reaped++
	case b.thawed > 0 && server:
		f.short++ // another end: it proves nothing
	case b.muted && b.blind == 0 && f.want.Reaps.Op != "" && e.Seen-b.since() > over(limit):
		f.silences++
		f.report(j, ZombieConnection, e, e.Seen-b.since(), limit)
	case b.muted && b.blind == 0 && f.want.Reaps.Op != "" && blamed:
		f.silences++
		f.reaped++
	case server && j.brief.Silence != 0 && e.Code == int32(j.brief.Silence) && b.prompt && !b.muted && b.blind == 0:
		f.report(j, FalseLivenessKill, e, e.Arrived-b.wrote, j.brief.Promises.Heartbeat.Timeout)
	}
	if !j.clock.ended && !server {
		f.pause(j, b, e)
	}
	b.open, b.thawed, b.frozen, b.prompt = false, 0, false, false
}

// report keeps a breach; took and limit say by how much.
func (f *beatFold) report(j *Judge, a Anomaly, e *history.Event, took, limit time.Duration) {
	at := *e
	at.Channel = -1
	i := incident{
		anomaly: a, client: e.Client, channel: -1, life: e.Life, seen: e.Seen,
		n: 1, entry: f.entry, from: uint64(max(took, 0)), to: uint64(limit), setting: j.setting(&at, nil),
	}
	if i.setting.phase == "connecting" {
		i.setting.phase = "live"
	}
	i.setting.witness = j.witness(a, &i.setting, e.Client, -1)
	j.incidents.add(i)
}

// beat says in one line what is wrong with a heartbeat.
func (i *incident) beat() string {
	took, limit := time.Duration(i.from).Round(time.Millisecond), time.Duration(i.to)
	switch i.anomaly {
	case ZombieConnection:
		return fmt.Sprintf("silent for %v, and the connection was still open; the limit is %v", took, limit)
	case FalseLivenessKill:
		return fmt.Sprintf("closed for silence %v after the client had answered a ping; the server promises to wait %v", took, limit)
	}
	return fmt.Sprintf("no ping for %v; the limit is %v", took, limit)
}

// heartbeat gives the verdict.
func (s *settlement) heartbeat(w *want, entry int, v *Verdict, end End) {
	var n beatCounts
	for _, p := range s.parts {
		for i := range p.beats.all {
			if f := &p.beats.all[i]; f.entry == entry {
				n.add(&f.beatCounts)
			}
		}
	}
	s.sift(w, v, func(f *found) bool { return f.entry == entry }, 0)
	v.add(true, "pings", n.pings)
	v.add(true, "answered at once", n.answered)
	if w.ServerEvery.Op != "" {
		v.add(true, "intervals", n.intervals)
		v.add(true, "longest interval ms", n.slowest.Milliseconds())
	}
	if w.Reaps.Op != "" {
		v.add(true, "silences", n.silences)
		v.add(true, "reaped", n.reaped)
		v.add(false, "too short to tell", n.short)
		v.add(false, "vanished, unseen", n.vanished)
	}
	switch {
	case end.Saturated:
		v.Reason = "the generator was saturated: " + end.Why
	case len(v.Findings) > 0:
		v.State = Fail
	case w.ServerEvery.Op != "" && n.intervals == 0:
		v.Reason = "not exercised: no client was pinged in time to tell; make the run longer than `server-every`"
	case w.Reaps.Op != "" && n.reaped == 0:
		v.Reason = "not exercised: nobody was silent for longer than the limit; `mute` the pongs of clients that say nothing else, or `freeze` some"
	default:
		v.State = Pass
	}
}

func (n *beatCounts) add(o *beatCounts) {
	n.pings += o.pings
	n.answered += o.answered
	n.intervals += o.intervals
	n.silences += o.silences
	n.reaped += o.reaped
	n.short += o.short
	n.vanished += o.vanished
	n.slowest = max(n.slowest, o.slowest)
}
