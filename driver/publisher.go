package driver

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/session"
	"squall/scenario"
)

// publisher is one `publish` entry of one client, with its schedule.
type publisher struct {
	plan   *scenario.Publisher
	pacer  *scenario.Pacer
	client int32         // in the shard
	index  int32         // among the client's publishers
	k      int64         // publications so far, missed ones included
	due    time.Duration // of the next, in time of the run
	origin time.Duration // of the pacer's times
	begun  bool
	keys   map[string]struct{} // used so far, with their channels

	flying  bool          // a request over HTTP is not answered yet
	waiting bool          // and something is due
	freed   time.Duration // when the last answer was there
}

func newPublisher(p *scenario.Plan, number int, client, index int32) publisher {
	return publisher{plan: &p.Publishers[number], pacer: p.Pacer(number), client: client, index: index}
}

func (s *shard) key(p *publisher) int32 {
	return int32(len(s.clients)) + s.clients[p.client].pubs + p.index
}

// begin starts the schedule of p, whose time 0 is origin.
func (s *shard) begin(p *publisher, origin time.Duration) {
	p.origin, p.begun = origin, true
	s.schedule(p)
}

// beginAtOnce starts the publishers of a client that don't wait for the others,
// when it is ready for the first time since it came.
func (s *shard) beginAtOnce(c *client, now time.Duration) {
	for i := range s.plan(c).Pubs {
		if p := &s.pubs[int(c.pubs)+i]; (!p.plan.Together || c.late) && !p.begun && !c.gone && !c.revoked {
			// Time 0 is not known before everybody has arrived; until then the plan's
			// own end of the arrivals stands for it (see activate).
			origin := s.fleet.plan.Arrivals
			if s.active {
				origin = s.zero
			}
			p.pacer.Begin(now - origin)
			s.begin(p, origin)
		}
	}
}

func (s *shard) schedule(p *publisher) {
	due, ok := p.pacer.Next()
	if !ok {
		s.wheel.Clear(s.key(p))
		return
	}
	p.due = p.origin + due
	s.wheel.Set(s.key(p), p.due)
}

// mostAtOnce is how much a late publisher catches up before the loop looks at
// its sockets again. Without a bound a rate that is too high for the loop would
// keep it from everything else, for longer each time.
const mostAtOnce = 256

// publishDue writes what is due; a late loop catches up and each message keeps
// its own due time.
func (s *shard) publishDue(p *publisher, now time.Duration) {
	if !s.publishing {
		return
	}
	for range mostAtOnce {
		if s.busy(p) {
			if p.waiting = p.plan.HTTP; !p.waiting {
				s.wheel.Set(s.key(p), now+windowWait)
			}
			return
		}
		s.publish(p, p.due, "")
		due, ok := p.pacer.Next()
		if !ok {
			return
		}
		p.due = p.origin + due
		if p.due > now {
			s.wheel.Set(s.key(p), p.due)
			return
		}
	}
	s.wheel.Set(s.key(p), now+1)
}

// publish composes, stamps and writes one message. channel replaces the entry's
// own if it is not empty.
func (s *shard) publish(p *publisher, due time.Duration, channel string) {
	c := &s.clients[p.client]
	k := p.k
	p.k++
	m, err := p.plan.Compose(k, due, s.fleet.runID)
	if err != nil {
		e := history.Event{Kind: history.Problem, Client: history.ClientID(c.id), Life: c.Life(), Seen: s.loop.Now(), Note: "composing a publication: " + err.Error()}
		s.tell(c, &e)
		return
	}
	if channel != "" {
		m.Channel = channel
	}
	if p.plan.HTTP {
		s.post(p, m, due, false)
		return
	}
	if s.stash(p, said{pub: p.index, k: k, due: due, channel: m.Channel}) {
		return
	}
	s.publishNow(p, c, m, k, due, 0)
}

// publishNow writes one message, if the client is connected.
func (s *shard) publishNow(p *publisher, c *client, m scenario.Publication, k int64, due time.Duration, flags history.Flags) {
	id := history.ChannelID(s.names.ID([]byte(m.Channel)))
	now := s.loop.Now()
	if m.Key != "" && !s.firstUse(p, m) {
		c.Miss(int(p.index), id, due, now, "its key was used before", &s.out)
		s.flush(c, p.client)
		return
	}
	pub, ok := c.Publish(int(p.index), id, due, now, p.plan.Ack, &s.out)
	if ok {
		e := &s.out.Events[len(s.out.Events)-1]
		if e.Flags |= flags; m.Retain {
			e.Flags |= history.FlagRetain
		}
		e.Offset = s.passes(id, m.Payload)
		s.out.Events = append(s.out.Events, s.enter(*e, m.Payload)...)
		if m.Key != "" && s.fleet.plan.Promises.Idempotency && pub.ID != 0 {
			c.Repeats(k)
		}
		s.write(c, id, m, pub, due, false)
	}
	s.flush(c, p.client)
	if ok && pub.ID != 0 && c.Pending() == 1 {
		s.arm(c, p.client)
	}
}

// write stamps and sends; what the session wants told is in s.out already.
func (s *shard) write(c *client, id history.ChannelID, m scenario.Publication, pub session.Publication, due time.Duration, fence bool) {
	st := dialect.Stamp{
		Run: s.fleet.cfg.Run, Publisher: pub.Publisher, Incarnation: pub.Incarnation, Seq: pub.Seq,
		Due: due, Channel: s.hash(id), Fence: fence, Cause: s.causeOf(pub.Cause),
	}
	s.body = dialect.AppendStamped(s.body[:0], m.Payload, s.numbered(st, id, &m), m.Size)
	s.send(c, &dialect.Command{Verb: dialect.Publish, ID: pub.ID, Channel: m.Channel, Key: s.wireKey(pub.Publisher, m.Key), Urgency: s.fleet.plan.Publishers[pub.Publisher].Priority, Payload: s.body, Quality: s.fleet.published(m.Channel, pub.ID != 0), Retain: m.Retain})
}

// fence repeats the last message of the client's publisher on a channel.
func (s *shard) fence(client, index int32, id history.ChannelID) {
	c := &s.clients[client]
	now := s.loop.Now()
	p := &s.pubs[c.pubs+index]
	if p.plan.HTTP && p.flying || !p.plan.HTTP && c.held(true) {
		s.steps.add(step{at: now + windowWait, kind: stepFence, client: client, pub: index, channel: id})
		return
	}
	m := scenario.Publication{Channel: s.fleet.cfg.Names.Name(int32(id))}
	m.Payload = s.fleet.plan.FencePayload(m.Channel)
	if p.plan.HTTP {
		s.post(p, m, now, true)
		return
	}
	pub, ok := c.Fence(int(index), id, now, &s.out)
	if !ok {
		s.fenceBad = append(s.fenceBad, id)
		return
	}
	s.out.Events[len(s.out.Events)-1].Offset = s.passes(id, m.Payload)
	s.write(c, id, m, pub, now, true)
	s.flush(c, client)
	s.arm(c, client)
	if pub.ID == 0 {
		s.fenceOK++
	}
}
