package driver

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"squall/assert/history"
	"squall/driver/detour"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/fault"
	"squall/driver/session"
	"squall/scenario"
)

// client is one logical client in its shard.
type client struct {
	session.Session
	conn    engine.Conn
	shape   *shape        // limits of its reading and its link; nil: none
	watch   *watch        // what its faults wait for; nil: nothing
	apart   time.Duration // what was due before is measured apart; 0: nothing
	away    time.Duration // after the fault that is ending this connection
	again   time.Duration // when it was to come again, if that was before it had left; 0: no
	dialled time.Duration // when its latest attempt began
	node    int32         // of the target, of that
	id      int32         // number in the run
	pubs    int32         // index of its first publisher in the shard
	turns   int32         // of steady churn that it has begun
	churn   bool          // its latest connection ended with a turn
	faulty  bool          // a fault of the plan is ending this connection
	deaf    bool          // a fault has struck this connection: what came with it is not heard
	hit     bool          // counted in the storm until resynced
	gone    bool          // a `scale` has sent it home
	late    bool          // a `scale` has let it come: its publishers don't wait for the others
	revoked bool          // the target is asked to take its rights away: it says nothing more
	outlaw  bool          // and has done so

	blocked   time.Duration // until when the plan refuses its upgrades; 0: it doesn't
	barred    bool          // its latest attempt is refused by the plan
	switching bool          // its latest connection ended to try WebSocket again
}

// shard owns some clients and serves their loop. All methods run on the loop.
type shard struct {
	fleet   *fleet
	index   int
	loop    engine.Loop
	sink    Sink
	wheel   *engine.Wheel
	clients []client
	pubs    []publisher
	steps   steps

	offences  map[int32]*offence      // by client, while their outcome is awaited
	overdue   map[int32][]*offence    // by client: commands whose outcome was not waited for any longer
	asides    map[engine.Token]*aside // connections on which clients do something wrong beside their own
	tokens    map[int32]string        // by client, of those that have one for each connection: the latest
	asided    int32
	named     map[[2]int32]bool          // (client, client): whose session it has named
	leftovers map[engine.Token]*leftover // connections that clients left open behind them
	outboxes  map[int32]*outbox          // by client, while there is something in them

	roads *detour.Roads // for those that can't have a WebSocket

	names     *history.Cache
	mostNames int                          // that a server may invent, before it is taken for garbage
	hashes    []uint32                     // of channel names, by number
	byHash    map[uint32]history.ChannelID // the way back; made when a cause is met
	dec       dialect.Decoder
	stream    dialect.Streamed // dec, if its messages may span those of the WebSocket
	rests     [][]byte         // of a streamed dialect, by client: the beginning of what is still to come
	msg       dialect.Message
	in        session.Incoming
	stamp     dialect.Stamp
	repeats   repeats
	weighing  weighing           // of a plan that expects transformations
	sums      sums               // of a plan that expects sums
	members   []history.MemberID // scratch
	digests   []uint64           // likewise
	roster    dialect.Cursor     // likewise
	out       session.Out
	sprung    []step // triggers whose moment has come
	opcode    byte
	frame     []byte        // scratch for commands
	body      []byte        // scratch for stamped payloads
	plain     []engine.Dial // by node
	small     []engine.Dial // for clients that the plan slows: a small receive buffer

	active     bool          // time 0 has come
	zero       time.Duration // when it came
	publishing bool
	settled    int // clients that arrived and got their answers, or gave up
	published  int64
	delivered  int64
	errors     int64
	unexcused  int64       // of errors
	operations []operation // of the plan, on the target
	skipped    int64
	dials      int64
	opens      int64
	fenceOK    int
	fenceBad   []history.ChannelID
	reach      map[history.ChannelID][]history.ChannelID // pattern → the fenced channels that it matches
	filters    map[history.ChannelID]uint64              // those that concern a channel
	books      map[history.ChannelID][]int               // those that a channel is entered in
	ends       *ends                                     // of shaped channels; nil: there are none
	came       time.Duration                             // when somebody last came to a channel, or left one, where it is judged who is there
	lag        time.Duration
	setbacks   setbacks
	last       setback // the latest
	lastOpen   time.Duration
}

func newShard(f *fleet, index, shards int) *shard {
	s := &shard{
		fleet: f, index: index, loop: f.cfg.Loops[index], sink: f.cfg.Sinks[index],
		names: history.NewCache(f.cfg.Names), mostNames: 4*f.cfg.Names.Len() + inventedNames, dec: f.cfg.Dialect.Decoder(),
		opcode: 1, setbacks: make(setbacks), publishing: true, repeats: repeats{seed: maphash.MakeSeed()},
	}
	if f.about.Binary {
		s.opcode = 2
	}
	s.roads = &detour.Roads{Loop: s.loop, Handler: s, Open: f.cfg.Open, Go: f.errand}
	s.plain = append([]engine.Dial{f.cfg.Dial}, f.cfg.More...)
	s.small = slices.Clone(s.plain)
	for i := range s.small {
		s.small[i].ReadBuffer = 64 << 10
	}
	plan := f.plan
	if s.fleet.settles > 0 {
		s.mostNames += len(plan.Clients)
	}
	s.ends = newEnds(plan, f.cfg.Names)
	s.weighing.on = plan.Compares()
	n := (len(plan.Clients) - index + shards - 1) / shards
	s.clients = make([]client, n)
	if s.stream, _ = s.dec.(dialect.Streamed); s.stream != nil {
		s.rests = make([][]byte, len(s.clients))
	}
	var subs []session.Sub
	var numbers []int32
	for i := range s.clients {
		id := index + i*shards
		p := &plan.Clients[id]
		subs, numbers = subs[:0], numbers[:0]
		for _, sub := range p.Subs {
			subs = append(subs, f.sub(sub))
		}
		c := &s.clients[i]
		c.id, c.away, c.pubs = int32(id), -1, int32(len(s.pubs))
		for j, num := range p.Pubs {
			numbers = append(numbers, int32(num))
			s.pubs = append(s.pubs, newPublisher(plan, num, int32(i), int32(j)))
		}
		c.Init(&f.sessions[p.Group], history.ClientID(id), subs, numbers)
		c.NameSession(p.Session)
		if p.Arrive >= 0 {
			s.steps.add(step{at: p.Arrive, kind: stepArrive, client: int32(i)})
		}
	}
	s.wheel = engine.NewWheel(f.cfg.Loops[index].Now())
	s.lookOut()
	return s
}

func (s *shard) plan(c *client) *scenario.Client { return &s.fleet.plan.Clients[c.id] }

// Wake does what is due: steps, deadlines of sessions, publications.
func (s *shard) Wake(now time.Duration) time.Duration {
	for {
		x, ok := s.steps.next()
		if !ok || x.at > now {
			break
		}
		s.steps.pop()
		s.do(x, now)
	}
	s.wheel.Advance(now, func(key int32) {
		if int(key) < len(s.clients) {
			c := &s.clients[key]
			c.Tick(now, &s.out)
			s.flush(c, key)
			s.arm(c, key)
			return
		}
		s.publishDue(&s.pubs[int(key)-len(s.clients)], now)
	})
	next := now + time.Hour
	if x, ok := s.steps.next(); ok {
		next = min(next, x.at)
	}
	if due, ok := s.wheel.Next(now); ok {
		next = min(next, due)
	}
	return next
}

// arm sets the client's one timer to its session's next deadline.
func (s *shard) arm(c *client, i int32) {
	if at, ok := c.Deadline(); ok {
		s.wheel.Set(i, at)
	} else {
		s.wheel.Clear(i)
	}
}

// flush does and tells what a step of c left in s.out.
func (s *shard) flush(c *client, i int32) {
	for k := range s.out.Events {
		s.tell(c, &s.out.Events[k])
	}
	s.out.Events = s.out.Events[:0]
	// Doing may lead to further steps (a dial that fails at once), so the list is
	// walked by index and emptied at the end.
	for k := 0; k < len(s.out.Do); k++ {
		s.perform(c, i, &s.out.Do[k])
	}
	s.out.Do = s.out.Do[:0]
	if len(s.sprung) > 0 {
		s.spring(s.loop.Now())
	}
}

func (s *shard) tell(c *client, e *history.Event) {
	if s.ends != nil {
		s.ends.add(e)
	}
	if s.fleet.settles > 0 {
		s.changed(e)
	}
	if e.Note != "" {
		e.Note = clip(s.fleet.masked(s.hide(c, e.Note)), mostNote)
	}
	switch e.Kind {
	case history.Deliver:
		s.delivered++
	case history.Dial:
		c.node = int32(s.fleet.plan.Node(int(c.id), int(e.Life)))
		e.Code, c.dialled = c.node, e.Sent
	case history.Problem:
		s.trouble(c, e)
		if c.State() < session.Live {
			s.setback(setback{kind: problem, text: e.Note})
		}
	case history.Refused:
		s.trouble(c, e)
	case history.Connected:
		s.flushSoon(c, e.Seen)
		if len(s.leftovers) > 0 {
			s.readOn(s.number(c))
		}
	case history.Ready:
		s.turn(c, e.Seen)
		s.detoured(c, e.Seen)
		s.beginAtOnce(c, e.Seen)
		if c.Complete() {
			s.healed(c, e.Seen)
		}
	case history.Publish:
		s.published++
		s.lag = max(s.lag, e.Sent-e.Due)
	case history.Outcome:
		if e.Has(history.FlagFence) {
			if e.Result == history.OK {
				s.fenceOK++
			} else {
				s.fenceBad = append(s.fenceBad, e.Channel)
			}
		}
	case history.Resynced:
		if s.fleet.storm.during(e.Seen, e.Seen) {
			e.Flags |= history.FlagStorm
		}
		s.healed(c, e.Seen)
	case history.Open:
		s.opens++
		s.lastOpen = e.Seen
	}
	if c.apart > e.Due {
		s.markApart(e)
	}
	if s.fleet.tracing && int(c.id) == s.fleet.cfg.TraceClient {
		s.fleet.trace(e)
	}
	s.sink.Add(*e)
	if c.watch != nil {
		s.watched(c, e)
	}
}

// mostNote bounds what is kept of a server's words, bytes.
const mostNote = 600

func (s *shard) setback(b setback) {
	b.text = clip(s.fleet.masked(b.text), mostNote)
	s.setbacks.add(b)
	s.last = b
}

func (s *shard) healed(c *client, now time.Duration) {
	if c.hit {
		c.hit = false
		s.fleet.storm.healed(now)
	}
}

func (s *shard) perform(c *client, i int32, d *session.Do) {
	switch d.Kind {
	case session.Dial:
		s.dials++
		how := &s.plain[c.node]
		if s.plan(c).Slowed {
			how = &s.small[c.node]
		}
		c.faulty, c.deaf, c.away = false, false, -1
		s.parted(i)
		c.conn = s.call(c, i, s.with(c, how))
		s.imprint(c)
	case session.Send:
		s.say(c, &d.Command)
	case session.WirePing:
		c.conn.Send(9, nil)
	case session.Close:
		c.conn.Close(d.Code, d.Reason)
	case session.Completed:
		s.settled++
	}
}

// say encodes and sends a command that carries no payload.
func (s *shard) say(c *client, m *session.Command) {
	cmd := dialect.Command{
		Verb: m.Verb, ID: m.ID, Recover: m.Recover, Offset: m.Offset, Quality: m.Quality,
	}
	switch m.Verb {
	case dialect.Connect:
		p := s.plan(c)
		cmd.Token, cmd.User = p.Token, p.User
		if p.Renewal > 0 {
			cmd.Token = s.renew(c)
		}
		if m.Named {
			cmd.Session = s.fleet.session(c.id)
			cmd.Keep, cmd.Fresh, cmd.Received, cmd.Began = m.Keep, m.Fresh, m.Received, m.Began
		}
		cmd.KeepFor = s.fleet.keepFor
		s.bequeath(c, &cmd)
		cmd.Client, cmd.KeepAlive = s.fleet.session(c.id), s.fleet.plan.Groups[p.Group].Heartbeat.Every
	case dialect.Subscribe, dialect.Unsubscribe, dialect.Who:
		cmd.Channel, cmd.Pattern = s.fleet.cfg.Names.Name(int32(m.Channel)), m.Pattern
		if m.Recover {
			cmd.Epoch = s.fleet.cfg.Names.Name(int32(m.Epoch))
		}
		cmd.Presence = m.Watch
		cmd.Snapshot = m.Rows
		if m.Filter > 0 {
			cmd.Filter = s.fleet.plan.Filters[m.Filter-1].Text
		}
	}
	s.send(c, &cmd)
}

func (s *shard) send(c *client, cmd *dialect.Command) {
	s.encode(cmd)
	if s.fleet.tracing && int(c.id) == s.fleet.cfg.TraceClient {
		s.fleet.traceFrame("send", c.Life(), s.frame, cmd.Token, s.loop.Now())
	}
	c.conn.Send(s.opcode, s.frame)
}

// encode puts a command into s.frame.
func (s *shard) encode(cmd *dialect.Command) {
	var err error
	s.frame, err = s.fleet.cfg.Dialect.Append(s.frame[:0], cmd)
	if err != nil {
		// The plan refuses what the dialect can't say, so this is a defect of ours
		// and must not look like one of the target.
		panic(fmt.Sprintf("driver: %s can't say verb %d: %v", s.fleet.about.Name, cmd.Verb, err))
	}
}

func token(client, life int32) engine.Token {
	return engine.Token(uint64(uint32(client))<<32 | uint64(uint32(life)))
}

// of finds the client of a token; nil if its connection is an old one.
func (s *shard) of(t engine.Token) (*client, int32) {
	i := int32(t >> 32)
	c := &s.clients[i]
	if c.Life() != int32(uint32(t)) {
		return nil, i
	}
	return c, i
}

// Open implements engine.Handler.
func (s *shard) Open(t engine.Token, at engine.Stamp) {
	c, i := s.of(t)
	if c == nil {
		s.asideOpened(t)
		return
	}
	now := s.loop.Now()
	c.Opened(now, &s.out)
	s.flush(c, i)
	s.arm(c, i)
}

// Closed implements engine.Handler.
func (s *shard) Closed(t engine.Token, end engine.End) {
	c, i := s.of(t)
	if c == nil || s.leftovers[t] != nil {
		s.displaced(t, end)
		s.asideClosed(t, end)
		return
	}
	now := s.loop.Now()
	end.Text = s.hide(c, end.Text)
	l := session.Loss{Who: history.Server, Away: -1, Note: end.Text, Code: int32(end.Code), Overdue: end.Cause == engine.TimedOut}
	switch end.Cause {
	case engine.NotUpgraded:
		l.Code = int32(end.Status)
	case engine.EOF, engine.Reset:
		if l.Note == "" {
			l.Note = map[engine.Cause]string{engine.EOF: "FIN without a close frame", engine.Reset: "connection reset"}[end.Cause]
		}
	case engine.Violation:
		e := history.Event{Kind: history.Problem, Client: history.ClientID(c.id), Life: c.Life(), Seen: now, Arrived: now, Note: "broken WebSocket: " + end.Text}
		if end.Broken {
			e.Flags |= history.FlagBroken
		}
		s.tell(c, &e)
		l.Who = history.Client
	case engine.Local:
		l.Who = history.Client
	}
	if c.faulty {
		l.Who, l.Away, l.Excused = history.Fault, c.away, true
		s.steps.add(step{at: now + c.away, kind: stepBack, client: i})
	}
	if c.gone && !c.faulty && end.Cause == engine.Local {
		l.Who, l.Excused = history.Fault, true
	}
	l.Refused = c.State() == session.Dialing && !c.faulty
	l.NoUpgrade = end.Cause == engine.NotUpgraded && end.Status != 0
	barred := c.bar(&l)
	if l.Refused && c.slowDial(&end) {
		l.Excused = true
	}
	switch {
	case barred:
	case l.Refused && c.gone && end.Cause == engine.Local:
		l.Note = "given up: it is sent home"
	case l.Refused && end.Cause == engine.Local:
		l.Excused, l.Note = true, "given up at the end of the run"
	case l.Refused:
		if l.Note == "" {
			l.Note = "no upgrade"
		}
		b := setback{cause: end.Cause, status: end.Status, text: l.Note}
		if end.Status != 0 {
			b.text = end.Text
		}
		s.setback(b)
	case l.Who == history.Server && c.State() < session.Live:
		s.setback(hangUp(c.State(), end))
	}
	l.Chance = scenario.Rand(s.fleet.plan.Seed, "reconnect", int(c.id), int(c.Life())).Float64()
	delete(s.offences, i)
	delete(s.overdue, i)
	c.faulty, c.conn = false, closedConn{}
	c.Session.Closed(l, now, &s.out)
	s.flush(c, i)
	s.arm(c, i)
	if c.State() == session.Gone {
		s.departed(c, i, now)
	}
}

// closedConn stands for no connection: a session that acts on a connection
// which has just ended acts on nothing.
type closedConn struct{}

func (closedConn) Send(byte, []byte)    {}
func (closedConn) Close(uint16, string) {}
func (closedConn) Fault(fault.Action)   {}
