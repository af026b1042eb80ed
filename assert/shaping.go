package assert

import (
	"fmt"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// Shaped channels. A target that thins a channel out sends some of its messages to
// nobody, so what is missing there says nothing: delivery, recovery and queue leave
// these channels out. Order holds for what comes, and what comes is judged by the
// rule of the shape:
//
//   - throttle: not more messages in a time than so many. When the target sent a
//     message nobody knows, but it was after its publisher meant to and before it was
//     received. The rule takes the earliest schedule that is possible: a message was
//     sent when it was due, or when the time was over since the one so many before,
//     whichever is later. If that is later than the receipt there were too many. What
//     is replayed, or kept by a session, is exempt; each answer to a subscribe begins
//     anew.
//   - debounce: none comes before the quiet time is over after it was published, and
//     none that another one had followed within that time: one that was sent when the
//     first had been acknowledged, or behind it on the same connection, and was itself
//     acknowledged before the time was over.
//   - both: whoever was subscribed when the last message was sent comes to it, and
//     stays there; whoever comes back and recovers, too.
//
// A target's clock may count in whole milliseconds: one is granted.
const clockTick = time.Millisecond

// shaping is what one shard keeps of channels that are thinned out, and of those whose
// last state is expected.
type shaping struct {
	on      bool // there is something to keep
	names   *history.Names
	brief   *Brief
	paces   []pace
	quiets  []quietFold
	states  []*filter
	known   []shapedChannel // by channel number
	tails   []tail          // by cursor
	dropped int64           // receipts beyond what is kept

	folds    []*filter // of the states, those by key
	received []streams // by cursor, where a state by key is expected: every message
}

// shapedChannel is what is known of a channel.
type shapedChannel struct {
	asked bool
	keep  bool // its last messages
	all   bool // and which messages come
	shape *scenario.Shape
}

// tail is what a subscription has received last.
type tail struct {
	last   ident         // by arrival
	seen   time.Duration // when that came first
	replay bool          // in a recovery
	bare   bool          // it had no stamp
	apart  bool          // it came over a link that the plan limits, or was published over one
	any    bool          // there was one
	high   ident         // the one that was due last
	due    time.Duration // when that was
	top    ident         // by offset
	place  uint64        // that offset
	epoch  history.EpochID
	gap    time.Duration // when the server last announced a gap
}

// pace is the fold of a throttle expectation.
type pace struct {
	want    *want
	entry   int
	cursors []pacer
	times   []time.Duration // of each cursor, its latest: as many as may come in the time
	judged  int64
}

// pacer is the schedule of one subscription.
type pacer struct {
	segment int32
	n       int // messages in this segment
}

// quietFold is the fold of a debounce expectation.
type quietFold struct {
	want   *want
	entry  int
	first  map[missIdent]incident // the first receipt of each message
	judged int64
}

// mostFirsts bounds how many different messages of debounced channels are kept, of
// which there are few where the target is right.
const mostFirsts = 1 << 16

func newShaping(w *wants, b *Brief, names *history.Names) shaping {
	x := shaping{names: names, brief: b, on: len(b.Promises.AllShapes()) > 0}
	for i := range w.all {
		switch e := &w.all[i]; e.Rule {
		case scenario.Throttle:
			x.paces = append(x.paces, pace{want: e, entry: i})
		case scenario.Debounce:
			x.quiets = append(x.quiets, quietFold{want: e, entry: i, first: make(map[missIdent]incident)})
		case "state":
			if x.states, x.on = append(x.states, &e.filter), true; e.Book != nil {
				x.folds = append(x.folds, &e.filter)
			}
		}
	}
	return x
}

// channel is what is known of a channel.
func (x *shaping) channel(ch history.ChannelID) *shapedChannel {
	for int(ch) >= len(x.known) {
		x.known = append(x.known, shapedChannel{})
	}
	k := &x.known[ch]
	if !k.asked {
		k.asked, k.shape = true, x.brief.Promises.Shape(x.names.Name(int32(ch)))
		k.keep = k.shape != nil
		for _, f := range x.states {
			k.keep = k.keep || f.channel(ch)
		}
		for _, f := range x.folds {
			k.all = k.all || f.channel(ch)
		}
	}
	return k
}

func (x *shaping) tail(at int32) *tail {
	for int(at) >= len(x.tails) {
		x.tails = append(x.tails, tail{})
	}
	return &x.tails[at]
}

// weighs reports whether payloads on a channel are to be those that were published.
func (x *shaping) weighs(ch history.ChannelID) bool { return x.on && x.channel(ch).all }

// receivedBy is all that a subscription has received.
func (x *shaping) receivedBy(at int32) *streams {
	for int(at) >= len(x.received) {
		x.received = append(x.received, streams{})
	}
	return &x.received[at]
}

// deliver takes a receipt to a subscription, after its cursor has.
func (x *shaping) deliver(j *Judge, at int32, e *history.Event) {
	if e.Flags&history.FlagFence != 0 {
		return
	}
	k := x.channel(e.Channel)
	if !k.keep {
		return
	}
	c := &j.ledger.all[at]
	if c.state != live && c.state != asked || e.Life != c.life {
		return // nothing explains it
	}
	replay := e.Flags&history.FlagReplay != 0 || c.resumed && c.kept && e.Due < c.answered
	x.tail(at).receive(e, replay)
	if k.all && e.Flags&(history.FlagStamped|history.FlagCorrupt) == history.FlagStamped {
		x.receivedBy(at).of(e.Publisher, e.Incarnation).mark(e.Seq)
	}
	if k.shape == nil {
		return
	}
	for i := range x.paces {
		if p := &x.paces[i]; k.shape.Kind == scenario.Throttle && !replay && p.want.covers(j, c) {
			p.add(j, at, c, e)
		}
	}
	for i := range x.quiets {
		if q := &x.quiets[i]; k.shape.Kind == scenario.Debounce && e.Flags&history.FlagStamped != 0 && q.want.covers(j, c) {
			q.add(j, x, c, e)
		}
	}
}

// covers reports whether an expectation is about a subscription.
func (w *want) covers(j *Judge, c *cursor) bool {
	return w.filter.channel(c.channel) && w.filter.client(&j.people[c.client])
}

func (t *tail) receive(e *history.Event, replay bool) {
	id := identOf(e)
	if t.any = true; id != t.last || id.seq == 0 {
		t.last, t.seen, t.replay, t.apart = id, e.Seen, replay, e.Flags&history.FlagApart != 0
	}
	if t.bare = id.seq == 0; t.bare {
		return
	}
	if e.Due >= t.due {
		t.high, t.due = id, e.Due
	}
	if e.Flags&history.FlagPositioned == 0 || e.Epoch != t.epoch || e.Offset >= t.place {
		t.top, t.epoch, t.place = id, e.Epoch, e.Offset
	}
}

// gap takes the server's word that something will not come.
func (x *shaping) gap(at int32, e *history.Event) {
	if x.on && x.channel(e.Channel).keep {
		x.tail(at).gap = e.Seen
	}
}

// add takes a live message of a throttled channel.
func (p *pace) add(j *Judge, at int32, c *cursor, e *history.Event) {
	most := p.want.Shape.Count
	for int(at) >= len(p.cursors) {
		p.cursors = append(p.cursors, pacer{})
	}
	for len(p.times) < len(p.cursors)*most {
		p.times = append(p.times, 0)
	}
	s := &p.cursors[at]
	if s.segment != c.segment {
		*s = pacer{segment: c.segment}
	}
	slot := &p.times[int(at)*most+s.n%most]
	earliest := time.Duration(0)
	if e.Flags&history.FlagStamped != 0 {
		earliest = e.Due
	}
	if s.n >= most {
		p.judged++
		earliest = max(earliest, *slot+p.want.Shape.Per-clockTick)
	}
	s.n++
	if earliest > e.Seen {
		j.report(incident{
			anomaly: ThrottleExceeded, came: true, epoch: epochOf(e), from: e.Offset, to: e.Offset, n: 1, id: identOf(e), entry: p.entry,
			said: fmt.Sprintf("it came %v before it can have been let through", (earliest - e.Seen).Round(100*time.Microsecond)),
		}, e, c)
		earliest = e.Seen
	}
	*slot = earliest
}

func epochOf(e *history.Event) history.EpochID {
	if e.Flags&history.FlagPositioned == 0 {
		return withoutOffsets
	}
	return e.Epoch
}

// add takes a message of a debounced channel.
func (q *quietFold) add(j *Judge, x *shaping, c *cursor, e *history.Event) {
	q.judged++
	quiet := q.want.Shape.Quiet - clockTick
	if e.Seen < e.Due+quiet {
		j.report(incident{
			anomaly: DebouncedEarly, came: true, epoch: epochOf(e), from: e.Offset, to: e.Offset, n: 1, id: identOf(e), entry: q.entry,
			said: fmt.Sprintf("it came %v after it was published", (e.Seen - e.Due).Round(100*time.Microsecond)),
		}, e, c)
		return
	}
	key := missIdent{e.Channel, identOf(e)}
	if _, known := q.first[key]; known {
		return
	}
	if len(q.first) >= mostFirsts {
		x.dropped++
		return
	}
	q.first[key] = incident{
		anomaly: DebouncedSuperseded, came: true, client: e.Client, channel: e.Channel, epoch: epochOf(e), life: e.Life, from: e.Offset, to: e.Offset, n: 1,
		seen: e.Seen, id: identOf(e), entry: q.entry, setting: j.setting(e, c),
	}
}
