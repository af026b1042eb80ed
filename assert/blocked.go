package assert

import (
	"fmt"
	"time"

	"squall/assert/history"
	"squall/assert/latency"
)

// Head-of-line-block: while one client reads slowly, or not at all, the others wait.
//
// Whether deliveries are too late is for the limit of a latency expectation to say. It
// is broken by head-of-line-block, and not by what else makes a target slow, if
//
//   - of what was due while somebody read slowly, more is beyond the limit than the
//     limit allows, at clients that nothing of their own makes late;
//   - and of what was due at other times no more is than that.
//
// The times are taken in slots, by when messages were due. What goes on being late
// behind a slow time, without a slot in which nothing is, belongs to it: a queue that
// has grown must go down again.

// slotTime is how long a slot is. A day of them is remembered, and no more.
const (
	slotTime  = 100 * time.Millisecond
	mostSlots = int(24 * time.Hour / slotTime)
)

// contrast is how many deliveries at other times there must be, to be compared with.
const contrast = 20

// promptness is how one limit of one latency expectation was kept in one shard.
type promptness struct {
	entry  int // of the expectation
	which  int // of its limits
	during string
	filter *filter
	share  float64 // of the deliveries that may be later
	limit  time.Duration
	slots  []slot
}

// slot is what was due in one stretch of time.
type slot struct {
	all, late int64
	latest    *tardy
}

// tardy is a delivery that came late.
type tardy struct {
	client  history.ClientID
	channel history.ChannelID
	epoch   history.EpochID
	life    int32
	offset  uint64
	id      ident
	due     time.Duration
	seen    time.Duration
	by      time.Duration
	setting setting
}

// sluggish is a time in which a client read slowly.
type sluggish struct {
	client   history.ClientID
	from, to time.Duration // to is 0: until the end
}

func newPromptness(w *wants) (all []promptness) {
	for i := range w.all {
		x := &w.all[i]
		if x.Rule != "latency" || x.Latency.Of != "delivery" {
			continue
		}
		for k, q := range x.Latency.P {
			if q.Key != "mean" && (q.Limit.Op == "<" || q.Limit.Op == "<=") {
				all = append(all, promptness{entry: i, which: k, during: x.Latency.During, filter: &x.filter,
					share: 1 - q.Q, limit: time.Duration(q.Limit.A * float64(time.Second))})
			}
		}
	}
	return all
}

// add takes a live delivery that came `by` after it was due.
func (m *promptness) add(j *Judge, e *history.Event, d latency.During, by time.Duration) {
	p := j.person(e.Client)
	if m.during == "healthy" && d != latency.Healthy || m.during == "storm" && d != latency.Storm {
		return
	}
	if p.hindered(e.Life) || !m.filter.client(p) || !m.filter.channel(e.Channel) {
		return
	}
	at := int(max(e.Due, 0) / slotTime)
	if at >= mostSlots {
		return
	}
	for at >= len(m.slots) {
		m.slots = append(m.slots, slot{})
	}
	s := &m.slots[at]
	if s.all++; by <= m.limit {
		return
	}
	s.late++
	if s.latest == nil || by > s.latest.by {
		if s.latest == nil {
			s.latest = new(tardy)
		}
		*s.latest = tardy{e.Client, e.Channel, e.Epoch, e.Life, e.Offset, identOf(e), e.Due, e.Seen, by, j.setting(e, nil)}
		if e.Flags&history.FlagPositioned == 0 {
			s.latest.epoch, s.latest.offset = withoutOffsets, e.Seq
		}
	}
}

// reading notes when clients read slowly.
func (j *Judge) reading(p *person, e *history.Event) {
	if len(j.meters.prompt) == 0 {
		return
	}
	switch {
	case e.Kind == history.FaultBegin && slows(e.Note, e.Code):
		j.sluggish = append(j.sluggish, sluggish{client: e.Client, from: e.Seen})
	case e.Kind == history.FaultEnd && slows(e.Note, 1) && p.slowing == 0:
		for i := len(j.sluggish) - 1; i >= 0; i-- {
			if s := &j.sluggish[i]; s.client == e.Client && s.to == 0 {
				s.to = e.Seen
			}
		}
	}
}

// blocked looks for what head-of-line-block is in one limit of an expectation that was
// broken; nil: it is something else.
func (s *settlement) blocked(entry, which int) *found {
	var slots []slot
	part := make(map[*tardy]int)
	var m *promptness
	for i, p := range s.parts {
		for k := range p.meters.prompt {
			x := &p.meters.prompt[k]
			if x.entry != entry || x.which != which {
				continue
			}
			m = x
			for len(slots) < len(x.slots) {
				slots = append(slots, slot{})
			}
			for at := range x.slots {
				from, to := &x.slots[at], &slots[at]
				to.all += from.all
				to.late += from.late
				if from.latest != nil {
					part[from.latest] = i
					if to.latest == nil || from.latest.by > to.latest.by {
						to.latest = from.latest
					}
				}
			}
		}
	}
	if m == nil {
		return nil
	}
	slow := make([]bool, len(slots))
	for _, p := range s.parts {
		for _, x := range p.sluggish {
			last := len(slots) - 1
			if x.to > 0 {
				last = min(last, int(x.to/slotTime))
			}
			for at := int(max(x.from, 0) / slotTime); at <= last; at++ {
				slow[at] = true
			}
		}
	}
	var in, out slot
	for at := range slots {
		if at > 0 && slow[at-1] && slots[at].late > 0 {
			slow[at] = true
		}
		to := &out
		if slow[at] {
			to = &in
		}
		to.all += slots[at].all
		to.late += slots[at].late
		if x := slots[at].latest; x != nil && (to.latest == nil || x.by > to.latest.by) {
			to.latest = x
		}
	}
	beyond := func(x *slot) bool { return float64(x.late) > m.share*float64(x.all) }
	if in.late == 0 || !beyond(&in) || out.all < contrast || beyond(&out) {
		return nil
	}
	x := in.latest
	return &found{incident{
		anomaly: HeadOfLineBlock, client: x.client, channel: x.channel, epoch: x.epoch, life: x.life, from: x.offset, to: x.offset,
		n: 1, seen: x.seen, id: x.id, came: true, setting: x.setting, entry: entry,
		said: fmt.Sprintf("of %d that were due while others read slowly %d came later than %v, this one %v; at other times %d of %d",
			in.all, in.late, m.limit, x.by.Round(time.Millisecond), out.late, out.all),
	}, part[x]}
}
