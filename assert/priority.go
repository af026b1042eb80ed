package assert

import (
	"fmt"
	"sort"
	"time"

	"squall/assert/history"
)

// Priority: an urgent message overtakes what waits for a subscriber on other channels.
//
// When the answer to an urgent publication is there, the target has it. Of whatever of
// lesser priority a subscriber receives live after that time, and before the urgent
// message, all was still on its way then: in the target, where it should have been
// overtaken, or in the buffers of the sockets, for which some bytes are allowed. More
// than these is urgent-behind-backlog. What the kernel here had by then, and the client
// had not read yet, nothing could overtake: it does not count, where the kernel tells.
// Nothing is judged
//
//   - of one that was not acknowledged, or came in a replay;
//   - inside one channel, where order wins: an urgent message on a channel that others
//     share is left out;
//   - at a subscriber who came after the answer, or whose link the plan makes slow;
//   - of what came before an answer to the subscriber about its subscriptions: such
//     answers keep their places, and what is behind them does.
//
// A fair target lets something by, so that nothing starves: for each other urgent
// message that came in that time, one of the largest of the others is allowed as well.
//
// It was exercised only where more than what is allowed waited at that time: what had
// been acknowledged before, and was received after, whether before the urgent message
// or behind it.
//
// A saturated generator leaves more in its own sockets than is allowed: then nothing is
// blamed.
//
// What is received is noted in steps, as a river of bytes for each client, so that
// memory does not grow with every message. A stretch between two notes is shorter than
// what came, never longer.

// urgency is one expectation in one shard.
type urgency struct {
	want   *want
	at     int    // of the expectation
	levels []int8 // by publisher: 1 urgent, 0 is overtaken, −1 neither
	step   int64
	rivers map[history.ClientID]*river
}

// river is what one client received of what is to be overtaken.
type river struct {
	bytes    int64
	largest  int64         // of its messages
	urgent   int64         // how many urgent ones came beside it
	answered time.Duration // Seen of the latest answer about a subscription
	next     int64         // when they reach it, the next note is due
	step     int64
	notes    []riverNote
	arrivals []landing
	beyond   int64 // arrivals that are not kept
}

// riverNote says how far a river had come.
type riverNote struct {
	seen    time.Duration
	arrived time.Duration // at this machine, before seen
	bytes   int64
	life    int32
	channel history.ChannelID
	id      ident // the message that brought it there
}

// landing is an urgent message at its subscriber.
type landing struct {
	seen    time.Duration
	since   time.Duration // from when on it was owed
	answer  time.Duration // Seen of the latest answer about a subscription before it
	bytes   int64
	nth     int64 // of the urgent ones of its subscriber
	life    int32
	channel history.ChannelID
	id      ident
	epoch   history.EpochID
	offset  uint64
}

const (
	mostArrivals   = 4096 // of one client
	mostRiverNotes = 4096
)

func newUrgency(w *wants, b *Brief) (all []urgency) {
	for i := range w.all {
		x := &w.all[i]
		if x.Rule != "priority" {
			continue
		}
		u := urgency{want: x, at: i, step: max(int64(x.Allow)/16, 1), rivers: make(map[history.ClientID]*river)}
		for _, p := range b.Publishers {
			level := int8(0)
			switch {
			case p.Priority == "urgent":
				level = 1
			case p.Priority == "" && x.Want == "low":
				level = -1
			}
			u.levels = append(u.levels, level)
		}
		all = append(all, u)
	}
	return all
}

// add takes a delivery to a subscription.
func (u *urgency) add(j *Judge, c *cursor, e *history.Event) {
	if e.Flags&(history.FlagStamped|history.FlagFence|history.FlagCorrupt|history.FlagReplay) != history.FlagStamped || int(e.Publisher) >= len(u.levels) {
		return
	}
	level := u.levels[e.Publisher]
	if level < 0 {
		return
	}
	p := &j.people[e.Client]
	if !u.want.filter.client(p) {
		return
	}
	r := u.rivers[e.Client]
	if r == nil {
		r = &river{step: u.step}
		u.rivers[e.Client] = r
	}
	if level == 0 {
		r.flow(e)
		return
	}
	r.urgent++
	switch {
	case !u.want.filter.channel(e.Channel):
	case p.linkLife == e.Life && e.Life != 0:
	case len(r.arrivals) == mostArrivals:
		r.beyond++
	default:
		r.arrivals = append(r.arrivals, landing{
			seen: e.Seen, since: max(p.connectedAt, c.answered), answer: r.answered, bytes: r.bytes, nth: r.urgent, life: e.Life, channel: e.Channel, id: identOf(e), epoch: e.Epoch, offset: e.Offset,
		})
	}
}

// answer takes what a target says about subscriptions.
func (u *urgency) answer(e *history.Event) {
	switch e.Kind {
	case history.Connected, history.Subscribed, history.Unsubscribed, history.Denied, history.Problem, history.Announced, history.Revoked:
		if r := u.rivers[e.Client]; r != nil {
			r.answered = max(r.answered, e.Seen)
		}
	}
}

func (r *river) flow(e *history.Event) {
	r.largest = max(r.largest, int64(e.Bytes))
	if r.bytes += int64(e.Bytes); r.bytes < r.next {
		return
	}
	r.next = r.bytes + r.step
	if len(r.notes) == mostRiverNotes { // wider steps: every other note goes
		kept := r.notes[:0]
		for i := 0; i < len(r.notes); i += 2 {
			kept = append(kept, r.notes[i])
		}
		r.notes, r.step = kept, 2*r.step
	}
	r.notes = append(r.notes, riverNote{seen: e.Seen, arrived: min(e.Arrived, e.Seen), bytes: r.bytes, life: e.Life, channel: e.Channel, id: identOf(e)})
}

// leeway is what a fair target may let by before the i-th arrival.
func (r *river) leeway(i int, acked time.Duration) int64 {
	others := r.arrivals[i].nth - 1
	if n := sort.Search(i, func(k int) bool { return r.arrivals[k].seen > acked }); n > 0 {
		others -= r.arrivals[n-1].nth
	}
	return max(others, 0) * r.largest
}

// behind is how much provably came before an urgent message and after its
// acknowledgement and the latest answer.
func (r *river) behind(a *landing, acked time.Duration) (bytes int64) {
	answer := max(acked, a.answer)
	from := int64(-1)
	for i := range r.notes {
		n := &r.notes[i]
		if n.life != a.life || n.seen <= answer || n.arrived <= acked || n.bytes > a.bytes {
			continue
		}
		if from < 0 {
			from = n.bytes
		}
		bytes = n.bytes - from
	}
	return bytes
}

// waiting is how much provably waited at the time when an urgent message was
// acknowledged.
func (s *settlement) waiting(r *river, a *landing, acked time.Duration) (bytes int64) {
	last := int64(-1)
	for i := range r.notes {
		n := &r.notes[i]
		if n.life != a.life || n.seen <= max(acked, a.answer) || n.arrived <= acked {
			continue
		}
		m := s.publication(n.channel, n.id)
		switch {
		case m == nil || !m.known():
		case m.settled <= acked:
			if last >= 0 {
				bytes += n.bytes - last
			}
		case m.sent > acked && n.bytes > a.bytes:
			return bytes
		}
		last = n.bytes
	}
	return bytes
}

// urgencies is what the end makes of one expectation.
type urgencies struct {
	judged, exercised, open, apart, beyond int64
}

// judgeUrgency looks at every urgent message that came.
func (s *settlement) judgeUrgency() {
	mixed := make(map[history.ChannelID]bool)
	s.urgent = make(map[int]*urgencies)
	for part, p := range s.parts {
		for k := range p.urgency {
			u := &p.urgency[k]
			t := s.urgent[u.at]
			if t == nil {
				t = &urgencies{}
				s.urgent[u.at] = t
			}
			for _, client := range sorted(u.rivers) {
				r := u.rivers[client]
				t.beyond += r.beyond
				for i := range r.arrivals {
					a := &r.arrivals[i]
					m := s.publication(a.channel, a.id)
					if _, known := mixed[a.channel]; !known {
						mixed[a.channel] = s.shared(u, a.channel)
					}
					switch {
					case mixed[a.channel]:
						t.apart++
						continue
					case m == nil || !m.known() || m.uncertain():
						t.open++
						continue
					case m.settled < a.since:
						continue
					}
					t.judged++
					allow := int64(u.want.Allow) + r.leeway(i, m.settled)
					behind := r.behind(a, m.settled)
					if behind > allow {
						t.exercised++
						x := incident{
							anomaly: UrgentBehindBacklog, client: client, channel: a.channel, epoch: a.epoch, life: a.life, from: a.offset, to: a.offset,
							n: 1, seen: a.seen, id: a.id, setting: setting{phase: "live", witness: -1}, entry: u.at,
							said: fmt.Sprintf("it came %v after its acknowledgement, behind %d bytes of others that came in that time", (a.seen - m.settled).Round(time.Millisecond), behind),
						}
						if a.epoch == 0 && a.offset == 0 {
							x.epoch, x.from, x.to = withoutOffsets, a.id.seq, a.id.seq
						}
						s.found = append(s.found, found{x, part})
					} else if s.waiting(r, a, m.settled) > allow {
						t.exercised++
					}
				}
			}
		}
	}
}

// shared reports whether others than urgent messages are published on a channel.
func (s *settlement) shared(u *urgency, ch history.ChannelID) bool {
	for _, b := range s.channel(ch).outboxes {
		if int(b.publisher) < len(u.levels) && u.levels[b.publisher] != 1 {
			return true
		}
	}
	return false
}

// priority judges whether urgent messages overtake a backlog.
func (s *settlement) priority(w *want, entry int, v *Verdict, end End) {
	t := s.urgent[entry]
	if t == nil {
		t = &urgencies{}
	}
	v.add(true, "urgent deliveries", t.judged)
	v.add(true, "with a backlog", t.exercised)
	v.add(false, "without an acknowledgement", t.open)
	v.add(false, "on a channel that others share", t.apart)
	v.add(false, "further ones not looked at", t.beyond)
	behind := 0
	orphan := s.sift(w, v, func(f *found) bool {
		if f.anomaly == UrgentBehindBacklog && f.entry == entry {
			behind++
		}
		return f.entry == entry && !end.Saturated
	}, invents)
	switch {
	case behind > 0 && end.Saturated:
		v.Reason = fmt.Sprintf("the generator was saturated (%s): it may itself have left in its sockets what came before %d urgent messages; give it more CPU, or less to do", end.Why, behind)
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case t.judged == 0:
		v.Reason = "not exercised: no urgent message was acknowledged and delivered live; publish with priority: urgent, on a channel of its own, to somebody who is subscribed"
	case t.exercised == 0:
		v.Reason = fmt.Sprintf("not exercised: whenever an urgent message was acknowledged, at most %d bytes of others waited for its subscribers; slow some of them while much is published, or lower `allow`", w.Allow)
	default:
		v.State = Pass
	}
	v.orphaned(orphan)
}
