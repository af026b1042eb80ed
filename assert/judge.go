package assert

import (
	"strings"
	"time"

	"squall/assert/history"
	"squall/assert/latency"
)

// Judge is the fold of one shard. It belongs to one goroutine until Merge.
type Judge struct {
	brief *Brief
	names *history.Names
	want  wants

	evidence     evidence
	ledger       ledger
	claims       claims
	strays       strays
	rights       rights
	expiry       expiry
	plain        plain
	copies       copies
	logs         []*log
	logIDs       map[uint64]int32
	publications publications
	incidents    incidents
	refusals     []refusal
	people       []person
	meters       meters
	returns      returns
	causal       causal
	sessions     sessions
	retention    retention
	snaps        snapshots
	wills        wills
	takeovers    takeovers
	beats        beats
	errors       errors
	outages      outages
	departures   departures
	cuts         int64 // announced gaps: the target cuts backlogs
	closes       closes
	abuses       abuses
	shaping      shaping
	sums         sumFold
	lastReady    time.Duration // when some client had its subscriptions answered last
	traffic      tally
	clock        clock
	weighed      weighed
	urgency      []urgency // by expectation of priority
	sluggish     []sluggish
	batching     batching
	presences    presences

	parts []*Judge // of a merged judge: all of them, itself first
}

// clock is what the phases tell.
type clock struct {
	phase  string
	active time.Duration // when it began; −1 before
	probe  time.Duration
	drain  time.Duration // when the publishers had stopped; 0: not yet
	ended  bool
}

// tally counts what no rule needs.
type tally struct {
	open, peak              int
	dials                   int64
	opens                   [history.Transports]int64
	delivered, stray, bytes int64
}

// End says how a run ended.
type End struct {
	Saturated   bool   // the generator broke its budget: timing can't be judged
	Why         string // what broke
	Stopped     string // which limit of the plan ended the run early; "" otherwise
	Interrupted bool   // the run was ended early
	Lost        string // why the target was lost or could not be used; "" otherwise
}

// NewJudge returns the judge of one shard. Brief and names are shared and only
// read (names grow under their own lock).
func NewJudge(b *Brief, names *history.Names) *Judge {
	clients, subs := 0, 0
	for _, g := range b.Groups {
		clients = max(clients, g.First+g.Count)
		subs += g.Subs
	}
	j := &Judge{
		brief: b, names: names, want: newWants(b, names),
		evidence: newEvidence(evidenceSize),
		ledger:   newLedger(min(subs, 1<<16)),
		people:   make([]person, clients),
		clock:    clock{phase: history.PhaseArrivals, active: -1, probe: -1},
	}
	for i := range j.people {
		j.people[i] = j.want.stranger(i)
	}
	if b.Memory > 0 {
		j.publications.most = b.Memory / 2 / publicationBytes
	}
	j.evidence.pattern = func(ch history.ChannelID) bool { return j.claims.pattern(j, ch) }
	j.meters = newMeters(&j.want)
	j.abuses.expected = j.want.abuse
	j.retention.on = j.want.retained || j.want.will
	j.wills.on = j.want.will && b.Wills > 0
	j.weighed.on = j.want.transform
	j.urgency = newUrgency(&j.want, b)
	j.batching = newBatching(&j.want)
	j.beats = newBeats(&j.want, clients)
	j.shaping = newShaping(&j.want, b, names)
	j.sums = newSums(&j.want)
	j.presences = newPresences(&j.want, clients, j.brief.Apart)
	j.snaps = newSnapshots(&j.want)
	j.parts = []*Judge{j}
	return j
}

// Merge takes over what o has seen; o must not be used afterwards.
func (j *Judge) Merge(o *Judge) { j.parts = append(j.parts, o.parts...) }

// Add takes the next event of the shard. A delivery costs no allocation once
// its subscription and its channel are known.
func (j *Judge) Add(e history.Event) {
	if e.Kind == history.Row { // there may be many: the evidence would be full of them
		j.snaps.row(&e)
		return
	}
	j.evidence.add(&e)
	if j.presences.on {
		j.presences.add(j, &e)
	}
	switch e.Kind {
	case history.Deliver:
		j.deliver(&e)
	case history.Publish:
		j.publications.publish(&e, j.nodeOf(e.Client))
		j.beats.wrote(j, &e)
		if e.Flags&(history.FlagFence|history.FlagRetry) == 0 {
			ready := e.Due
			if e.Has(history.FlagPosted) { // the answer to the one before is the target's business
				ready = e.Arrived
			}
			j.meters.sample(j, &e, latency.Lag, e.Sent-ready)
		}
	case history.Outcome:
		j.publications.outcome(&e)
		if e.Flags&(history.FlagFence|history.FlagRetry) == 0 && e.Result == history.OK {
			j.meters.sample(j, &e, latency.PublishAck, e.Seen-e.Due)
		}
	case history.Told:
		if j.sums.on {
			j.sums.told(j, &e)
		}
	case history.Booked:
		j.publications.booked(&e)
	case history.Phase:
		j.turn(&e)
	default:
		if e.Client >= 0 {
			j.rare(&e)
		} else {
			j.target(&e)
		}
	}
}

// turn notes a phase.
func (j *Judge) turn(e *history.Event) {
	j.clock.phase = e.Note
	switch e.Note {
	case history.PhaseActive:
		j.clock.active = e.Seen
	case history.PhaseDrain:
		j.clock.drain = e.Seen
	case history.PhaseProbe:
		j.clock.probe = e.Seen
	case history.PhaseEnd:
		if !j.clock.ended {
			j.beats.end(j, e.Seen)
		}
		j.clock.ended = true
		for i := range j.people {
			j.people[i].stayed = j.people[i].open
		}
	}
}

// rare takes everything that is about a client and is not a message.
func (j *Judge) rare(e *history.Event) {
	p := j.person(e.Client)
	j.beats.add(j, e)
	j.retention.add(j, p, e)
	j.wills.add(j, p, e)
	j.snaps.add(j, p, e)
	for i := range j.urgency {
		j.urgency[i].answer(e)
	}
	if j.rights.add(j, p, e) {
		return
	}
	switch e.Kind {
	case history.Dial:
		j.traffic.dials++
		p.life = e.Life
		p.node, p.dialled, p.announced, p.resumes = e.Code, e.Sent, false, false
		p.nodes |= nodeBit(e.Code)
		j.returns.dialled(p, e)
	case history.Refused:
		j.errors.add(j, e)
	case history.Open:
		p.life, p.open, p.outlived, p.aside = e.Life, true, 0, e.Offset != uint64(history.WebSocket)
		if p.slowing != 0 {
			p.slow(e.Life, e.Seen)
		}
		if p.linking != 0 {
			p.linkLife = e.Life
		}
		j.traffic.open++
		if e.Offset < uint64(history.Transports) {
			j.traffic.opens[e.Offset]++
		}
		j.traffic.peak = max(j.traffic.peak, j.traffic.open)
	case history.Connected:
		j.meters.sample(j, e, latency.Connect, e.Seen-e.Due)
		j.returns.connected(j, p, e)
		j.connected(p, e)
		j.passes(p)
		p.connectedAt = e.Seen
		j.strays.connected(j, e)
	case history.Ready:
		p.futile, j.lastReady = 0, e.Seen
		j.returns.ready(j, p, e)
	case history.Resynced:
		j.meters.sample(j, e, latency.Resync, e.Seen-e.Due)
		j.resynced(p, e)
	case history.Closed:
		j.closed(p, e)
	case history.Subscribe:
		p.resumes = p.resumes || e.Has(history.FlagRecover)
		if !j.claims.subscribe(j, p, e) {
			j.subscribe(p, e)
		}
	case history.Subscribed:
		j.meters.sample(j, e, latency.Subscribe, e.Seen-e.Due)
		if !j.claims.subscribed(j, p, e) {
			j.subscribed(p, e)
		}
	case history.Unsubscribe, history.Unsubscribed:
		if !j.claims.unsubscribed(j, p, e) {
			j.unsubscribed(e)
		}
	case history.Gap:
		j.gap(p, e)
	case history.Passed:
		j.passed(e)
	case history.Missed:
		// never written: nobody is owed it
	case history.Beat:
		j.meters.sample(j, e, latency.Pong, e.Seen-e.Due)
	case history.Probe:
		p.probe, p.probed, p.probeIn = e.Due, e.Seen, e.Life
	case history.FaultBegin:
		p.fault, p.faultAt, p.faultIn = j.evidence.note(e.Note), e.Seen, p.life
		if slows(e.Note, e.Code) {
			p.slow(p.life, e.Seen)
			p.slowing |= slownessOf(e.Note, e.Code)
		}
		if p.linking |= linksOf(e.Note); p.linking != 0 {
			p.linkLife = p.life
		}
		if e.Note == "scale" || e.Note == "revoke" {
			j.leave(p, e)
		}
		j.abuses.begin(e)
		j.reading(p, e)
	case history.FaultEnd:
		j.abuses.over(j, p, e)
		p.slowing &^= slownessOf(e.Note, 1)
		p.linking &^= linksOf(e.Note)
		j.reading(p, e)
		if e.Note == "scale" {
			p.gone = false
		}
		if p.away && (strings.HasPrefix(e.Note, "disconnect") || e.Note == "session" || e.Note == "switch") {
			p.wanting = e.Seen
		}
	case history.Problem:
		j.errors.add(j, e)
		j.abuses.problem(j, p, e)
	case history.Announced:
		p.announced, p.told = true, e.Seen
	case history.Leftover, history.Displaced:
		j.leftover(p, e)
	case history.Caused:
		j.caused(e)
	case history.Expires:
		j.expires(p, e)
	case history.Revoked:
		j.revoked(p, e)
	case history.Altered:
		j.altered(e)
	}
}

func (j *Judge) person(c history.ClientID) *person {
	for int(c) >= len(j.people) {
		j.people = append(j.people, j.want.stranger(len(j.people)))
	}
	return &j.people[c]
}

// closed ends a life: the tails of its subscriptions stay open until the next
// answers.
func (j *Judge) closed(p *person, e *history.Event) {
	if p.open {
		p.open = false
		j.traffic.open--
	}
	if j.clock.ended {
		return // the run is over and everybody goes home
	}
	drained := j.parting(p, e)
	j.futile(p, e)
	p.torn, p.cut = p.torn || p.gapIn == e.Life, p.cut || p.slowLife == e.Life
	if p.left == 0 {
		if p.left = e.Seen; e.Who == history.Fault && p.faultIn == e.Life {
			p.left = p.faultAt // what the client said goodbye with may be there long before the answer
		}
	}
	j.hushed(p)
	j.expiry.closed(j, p, e)
	if !j.abuses.closed(j, p, e) {
		j.departures.leaving(j, p, e)
	}
	j.returns.lost(j, p, e)
	j.claims.lost(p, e)
	for at := p.first; at >= 0; at = j.ledger.all[at].next {
		c := &j.ledger.all[at]
		if (c.state == live || c.state == asked) && c.life == e.Life {
			c.state, c.prevEnd, c.returnedAt, c.drained = ended, e.Seen, e.Seen, drained
			j.plain.close(j, c, e.Seen, false)
		}
	}
}

// setting says where the client of e stands, for an incident that e revealed.
func (j *Judge) setting(e *history.Event, c *cursor) setting {
	p := &j.people[e.Client]
	s := setting{phase: "live", fault: p.fault, witness: -1}
	switch {
	case j.clock.phase == history.PhaseDrain, j.clock.phase == history.PhaseFences, j.clock.phase == history.PhaseProbe:
		s.phase = "draining"
	case c == nil:
		s.phase = "connecting"
	case c.state == asked:
		s.phase = "subscribing"
	case c.recovered && c.inLive == 0:
		s.phase = "replaying"
	}
	if p.fault != 0 {
		s.ago = e.Seen - p.faultAt
	}
	return s
}

// report keeps an incident that e revealed, with its witness if there is room.
func (j *Judge) report(i incident, e *history.Event, c *cursor) {
	i.client, i.channel, i.life, i.seen = e.Client, e.Channel, e.Life, e.Seen
	if i.epoch == 0 {
		i.epoch = e.Epoch
	}
	i.setting = j.setting(e, c)
	i.setting.witness = j.witness(i.anomaly, &i.setting, e.Client, e.Channel)
	j.incidents.add(i)
}

func (j *Judge) witness(a Anomaly, s *setting, client history.ClientID, channel history.ChannelID) int32 {
	g := sign{a, s.phase, s.fault}
	if !j.incidents.wants(g) {
		return -1
	}
	return j.incidents.keep(g, j.evidence.cut(client, channel, a.Define().harm&leaks != 0))
}
