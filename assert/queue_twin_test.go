package assert

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/scenario"
)

// A hall is a small model of a server that keeps sessions: what a client missed
// comes, in order, behind the answer that resumes its session.
type hall struct {
	r      *rand.Rand
	now    time.Duration
	events []history.Event
	plain  bool // no offsets
	defect string
	hits   int
	tops   [2]uint64 // by channel
	seqs   [2]uint64
	seats  []*seat
	sends  int // so far, for what the defect strikes
}

// seat is one client and its session.
type seat struct {
	id       history.ClientID
	life     int32
	open     bool
	past     []history.Event // sent in this session, in order
	queue    []history.Event // on the way
	received int
}

func (h *hall) emit(e history.Event) {
	h.now += time.Duration(1+h.r.IntN(9)) * time.Millisecond
	e.Seen, e.Arrived = h.now, h.now
	if e.Sent == 0 {
		e.Sent = h.now
	}
	h.events = append(h.events, e)
}

func (h *hall) about(k history.Kind, s *seat, ch int, f history.Flags) history.Event {
	return history.Event{Kind: k, Client: s.id, Life: s.life, Channel: history.ChannelID(ch), Flags: f}
}

// enter connects a client; its session goes on if there is one, and nothing is wrong.
func (h *hall) enter(s *seat, first bool) {
	s.life, s.open, s.queue = s.life+1, true, nil
	h.emit(h.about(history.Dial, s, -1, 0))
	h.emit(h.about(history.Open, s, -1, 0))
	f := history.FlagSession
	resumed := !first
	if !first {
		f |= history.FlagRecover
	}
	if h.defect == "session-forgotten" && !first && h.r.IntN(3) == 0 {
		resumed = false
		h.hits++
	}
	if resumed {
		h.emit(h.about(history.Connected, s, -1, f|history.FlagResumed))
		h.emit(h.about(history.Ready, s, -1, 0))
		from := s.received
		if h.defect == "double-flush" && from > 1 && h.r.IntN(2) == 0 {
			from -= 2
			h.hits++
		}
		for _, e := range s.past[from:] {
			e.Flags |= history.FlagReplay
			s.queue = append(s.queue, e)
		}
		s.received = from // what comes again is counted again
		return
	}
	s.past, s.received = nil, 0
	h.emit(h.about(history.Connected, s, -1, f))
	for ch := range h.tops {
		h.emit(h.about(history.Subscribe, s, ch, history.FlagKept))
		e := h.about(history.Subscribed, s, ch, 0)
		if !h.plain {
			e.Flags, e.Offset = history.FlagPositioned, h.tops[ch]
		}
		h.emit(e)
	}
	h.emit(h.about(history.Ready, s, -1, 0))
}

func (h *hall) lose(s *seat) {
	h.emit(history.Event{Kind: history.FaultBegin, Client: s.id, Life: s.life, Channel: -1, Note: "disconnect reset"})
	h.emit(history.Event{Kind: history.Closed, Client: s.id, Life: s.life, Channel: -1, Who: history.Fault})
	s.open, s.queue = false, nil
}

func (h *hall) publish(ch int, fence bool) {
	var f history.Flags
	if fence {
		f = history.FlagFence
	} else {
		h.seqs[ch]++
	}
	p := history.Event{Kind: history.Publish, Client: history.ClientID(len(h.seats)), Life: 1, Channel: history.ChannelID(ch), Publisher: 0, Seq: h.seqs[ch], Flags: f}
	h.emit(p)
	sent := h.now
	h.tops[ch]++
	for _, s := range h.seats {
		e := history.Event{Kind: history.Deliver, Client: s.id, Channel: history.ChannelID(ch), Publisher: 0, Seq: h.seqs[ch], Due: sent, Flags: f | history.FlagStamped}
		if !h.plain {
			e.Flags, e.Offset = e.Flags|history.FlagPositioned, h.tops[ch]
		}
		h.sends++
		if !fence && (h.defect == "offline-queue-drop" && !s.open && h.sends%3 == 0 || h.defect == "lost-message" && s.open && h.sends%7 == 0) {
			h.hits++
			continue
		}
		s.past = append(s.past, e)
		if s.open {
			s.queue = append(s.queue, e)
		}
	}
	p.Kind, p.Result, p.Sent = history.Outcome, history.OK, sent
	h.emit(p)
}

func (h *hall) hear(s *seat) {
	if !s.open || len(s.queue) == 0 {
		return
	}
	e := s.queue[0]
	s.queue = s.queue[1:]
	e.Life = s.life
	s.received++
	h.emit(e)
}

func (h *hall) phase(name string) {
	h.emit(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: name})
}

func (h *hall) all() {
	for _, s := range h.seats {
		for len(s.queue) > 0 {
			h.hear(s)
		}
	}
}

func (h *hall) run(clients, steps int) {
	for i := range clients {
		h.seats = append(h.seats, &seat{id: history.ClientID(i)})
	}
	for _, s := range h.seats {
		h.enter(s, true)
	}
	h.phase(history.PhaseActive)
	for range steps {
		s := h.seats[h.r.IntN(len(h.seats))]
		switch x := h.r.IntN(20); {
		case x < 6:
			h.publish(h.r.IntN(len(h.tops)), false)
		case x < 16:
			h.hear(s)
		case x < 18 && s.open:
			h.lose(s)
		case !s.open:
			h.enter(s, false)
		}
	}
	h.phase(history.PhaseDrain)
	for _, s := range h.seats {
		if !s.open {
			h.enter(s, false)
		}
	}
	h.all()
	h.phase(history.PhaseFences)
	for ch := range h.tops {
		if h.seqs[ch] > 0 {
			h.publish(ch, true)
		}
	}
	h.all()
	h.now += 2 * time.Second
	h.phase(history.PhaseProbe)
	for _, s := range h.seats {
		due := h.now
		h.emit(history.Event{Kind: history.Probe, Client: s.id, Life: s.life, Channel: -1, Due: due})
	}
	h.phase(history.PhaseEnd)
}

func (h *hall) brief(clients int) *Brief {
	b := &Brief{
		Groups:     []BriefGroup{{Name: "phones", Count: clients, Subs: 2 * clients}, {Name: "writers", First: clients, Count: 1}},
		Publishers: []BriefPublisher{{Client: clients, Name: "notes"}},
		Promises:   scenario.Promises{Delivery: "exactly-once", Order: "per-channel", Queue: scenario.History{Size: 10_000, TTL: time.Hour}},
		Offsets:    !h.plain, Ack: true,
		Expect: []scenario.Expectation{
			{Rule: "delivery", Name: "delivery", Want: "exactly-once", Waived: scenario.Limit{Op: ">="}},
			{Rule: "queue", Name: "queue", Want: "complete"},
			{Rule: "order", Name: "order", Want: "per-channel"},
			{Rule: "recovery", Name: "recovery", Want: "honest"}, // owns what is missing behind the first answer
		},
	}
	return b
}

// queueTwin judges such histories the obvious way: a session is a stretch from the
// answer to its subscribe until the client comes back to it in vain, or the run
// ends; in it everything must come once that was sent after the answer was seen,
// but for what was still on its way when a session was forgotten.
func queueTwin(events []history.Event) (lost, repeated, forgotten int64) {
	type message struct {
		ch  history.ChannelID
		seq uint64
	}
	type stretch struct {
		open [2]time.Duration
		got  map[message]int
		most [2]uint64
		over bool
	}
	sent := make(map[message]time.Duration)
	sessions := make(map[history.ClientID][]*stretch)
	for _, e := range events {
		list := sessions[e.Client]
		m := message{e.Channel, e.Seq}
		switch {
		case e.Flags&history.FlagFence != 0:
		case e.Kind == history.Publish:
			sent[m] = e.Sent
		case e.Kind == history.Connected && e.Flags&history.FlagResumed == 0:
			if len(list) > 0 {
				list[len(list)-1].over = true
				forgotten++
			}
			sessions[e.Client] = append(list, &stretch{got: make(map[message]int)})
		case e.Kind == history.Subscribed:
			list[len(list)-1].open[e.Channel] = e.Seen
		case e.Kind == history.Deliver:
			s := list[len(list)-1]
			if s.got[m]++; s.got[m] > 1 {
				repeated++
			}
			s.most[e.Channel] = max(s.most[e.Channel], e.Seq)
		}
	}
	for _, list := range sessions {
		for _, s := range list {
			for m, at := range sent {
				if at > s.open[m.ch] && s.got[m] == 0 && (!s.over || m.seq < s.most[m.ch]) {
					lost++
				}
			}
		}
	}
	return lost, repeated, forgotten
}

// TestQueueTwinAgrees: random histories of sessions, with and without offsets, right
// and wrong, mean the same to the rules and to the twin.
func TestQueueTwinAgrees(t *testing.T) {
	var sum [3]int64
	rapid.Check(t, func(t *rapid.T) {
		clients, steps := rapid.IntRange(1, 4).Draw(t, "clients"), rapid.IntRange(20, 300).Draw(t, "steps")
		seed, shards := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 3).Draw(t, "shards")
		for _, defect := range []string{"", "offline-queue-drop", "double-flush", "session-forgotten", "lost-message"} {
			for _, plain := range []bool{false, true} {
				h := &hall{r: rand.New(rand.NewPCG(seed, 5)), plain: plain, defect: defect}
				h.run(clients, steps)
				lost, repeated, forgotten := queueTwin(h.events)
				names := history.NewNames([]string{"room", "hall"})
				j, vs := judgeEvents(h.brief(clients), names, h.events, shards)
				var got [3]int64
				for _, p := range j.parts {
					for _, i := range p.incidents.all {
						if i.anomaly == DuplicateDelivery || i.anomaly == DoubleFlush {
							got[1]++
						}
					}
				}
				for _, v := range vs {
					for _, c := range v.Counts {
						if c.Name == "messages lost" {
							got[0] += c.N
						}
					}
					for _, f := range v.Findings {
						if f.Anomaly == SessionForgotten.String() || f.Anomaly == RecoversOnlyOnce.String() {
							got[2] += f.Times
						}
					}
				}
				want := [3]int64{lost, repeated, forgotten}
				if got != want {
					t.Fatalf("defect %q, plain %v: the rules say %v lost, repeated, forgotten; the twin %v\n%s%s", defect, plain, got, want, dump(vs[0]), dump(vs[1]))
				}
				if defect == "" && want != ([3]int64{}) {
					t.Fatalf("the model is wrong without a defect: %v", want)
				}
				for i := range sum {
					sum[i] += want[i]
				}
			}
		}
	})
	if sum[0] == 0 || sum[1] == 0 || sum[2] == 0 {
		t.Errorf("not exercised: %v", sum)
	}
}
