package assert

import (
	"fmt"
	"sort"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// Batches: what is published on a channel is gathered, and delivered several messages in
// one of the WebSocket. Nothing is left out, so what is lost, repeated or out of order is
// judged there by the rules that judge it anywhere. A batch is what came of one channel
// in one message of the WebSocket, live: what is replayed is framed as a target likes.
//
//   - No batch holds more than max messages (batch-oversized).
//   - None is there later than the wait after its publisher had the acknowledgement
//     (batch-held-too-long): until then the target has had it all the time. It is blamed
//     only if it answered some other publication meanwhile that was sent when the time
//     was over: so it was at work, and so was this machine. Nothing is judged of a client
//     whose reading or link the plan makes slow, or who listens over plain HTTP; of one
//     that came after the acknowledgement; while the plan does something to the target;
//     of a message without an acknowledgement, or with a late one; and of what comes once
//     more, or too late in its order, which other rules judge.
//   - Messages are gathered at all (not-batched). A target may send a batch before it is
//     full and before the wait is over. But if a message came alone although the next one
//     of its channel was with the target before the promised wait was over, that was a
//     chance to gather; a subscription that had batchChances of them, and was never sent
//     two messages at once, gets no batches.
//
// Where no message of the WebSocket held two, and there were not as many chances,
// batches were not exercised.
//
// What is late, and whether a chance was one, is known at the end only, when all
// acknowledgements are.

// batchChances is how many chances to gather must have been missed, and none taken.
const batchChances = 20

const (
	mostChances = 4 * batchChances // kept of one subscription
	mostLates   = 1 << 14          // kept of one expectation in one shard
	smallFrame  = 16 << 10         // bytes: what is larger, a target may send alone
)

// batching is what one shard keeps of batches.
type batching struct {
	folds   []batchFold
	serials []uint32                        // by client: messages of the WebSocket so far that brought deliveries
	waits   map[history.ChannelID]batchSize // that the target promises
}

// batchSize is what is promised of a channel; the zero value: nothing.
type batchSize struct {
	max  int32
	wait time.Duration
}

// batchFold is one expectation in one shard.
type batchFold struct {
	want    *want
	entry   int
	at      []int32 // by cursor: 1 + index into cursors; 0: none
	cursors []batchCursor
	lates   []lateMessage
	beyond  int64 // lates that are not kept
	judged  int64 // live messages
	timed   int64 // of these, whose time is judged, and who are not among lates
	frames  int64
	batches int64 // frames that held several
	largest int64
}

// batchCursor is what one subscription was sent last.
type batchCursor struct {
	cursor  int32
	serial  uint32 // of the message of the WebSocket
	life    int32
	segment int32
	size    int32
	frames  int32 // in this life and segment
	first   ident // of the message of the WebSocket; none: it had no stamp
	due     time.Duration
	small   bool

	tops map[uint64]uint64 // the latest of each publisher, where there are no offsets; nil: there are

	gathered bool // it was sent several at once
	chances  []chance
}

// chance is a message that came alone, and the next one, which may have been there in
// time to come with it.
type chance struct {
	first, next ident
	seen        time.Duration // when next came
	life        int32
	epoch       history.EpochID
	offset      uint64 // of next
}

// lateMessage is one that came so long after it was due that it may have waited too long.
type lateMessage struct {
	id            ident
	client        history.ClientID
	channel       history.ChannelID
	epoch         history.EpochID
	offset        uint64
	life          int32
	since         time.Duration // from when on it was owed
	arrived, seen time.Duration
}

func newBatching(w *wants) (b batching) {
	for i := range w.all {
		if x := &w.all[i]; x.Rule == "batch" {
			b.folds = append(b.folds, batchFold{want: x, entry: i})
		}
	}
	if len(b.folds) > 0 {
		b.waits = make(map[history.ChannelID]batchSize)
	}
	return b
}

// frame counts the messages of the WebSocket; every delivery passes by.
func (b *batching) frame(e *history.Event) {
	for int(e.Client) >= len(b.serials) {
		b.serials = append(b.serials, 0)
	}
	if e.Flags&history.FlagJoined == 0 {
		b.serials[e.Client]++
	}
}

// promised is what the target says of a channel.
func (b *batching) promised(j *Judge, ch history.ChannelID) batchSize {
	s, ok := b.waits[ch]
	if !ok {
		if p := j.brief.Promises.Batch(j.names.Name(int32(ch))); p != nil {
			s = batchSize{max: int32(p.Max), wait: p.Wait}
		}
		b.waits[ch] = s
	}
	return s
}

// add takes a delivery to a subscription.
func (b *batching) add(j *Judge, at int32, c *cursor, e *history.Event) {
	for i := range b.folds {
		if f := &b.folds[i]; f.want.covers(j, c) {
			f.add(j, b, f.cursor(at), c, e)
		}
	}
}

func (f *batchFold) cursor(at int32) *batchCursor {
	for int(at) >= len(f.at) {
		f.at = append(f.at, 0)
	}
	if f.at[at] == 0 {
		f.cursors = append(f.cursors, batchCursor{cursor: at})
		f.at[at] = int32(len(f.cursors))
	}
	return &f.cursors[f.at[at]-1]
}

func (f *batchFold) add(j *Judge, b *batching, k *batchCursor, c *cursor, e *history.Event) {
	id := identOf(e)
	if e.Flags&history.FlagCorrupt != 0 {
		id = ident{}
	}
	if e.Flags&history.FlagReplay != 0 {
		k.fresh(c, e, id)
		return
	}
	f.judged++
	p := &j.people[e.Client]
	if serial := b.serials[e.Client]; serial != k.serial || k.size == 0 {
		f.frames++
		before := *k
		if k.life != e.Life || k.segment != c.segment {
			k.frames = 0
		}
		k.serial, k.life, k.segment, k.size, k.first, k.due, k.small = serial, e.Life, c.segment, 0, id, e.Due, e.Bytes <= smallFrame
		k.frames++
		if k.frames > 2 && !k.gathered && before.size == 1 && len(k.chances) < mostChances && before.small && k.small && c.state == live && !p.hindered(e.Life) {
			// The first of a life may have come into the middle of a batch.
			if s := b.promised(j, e.Channel); s.max > 1 && before.first.seq != 0 && id.seq != 0 && e.Due < before.due+s.wait {
				k.chances = append(k.chances, chance{first: before.first, next: id, seen: e.Seen, life: e.Life, epoch: epochOf(e), offset: e.Offset})
			}
		}
	}
	k.size++
	f.largest = max(f.largest, int64(k.size))
	if k.size == 2 {
		f.batches++
		k.gathered, k.chances = true, nil
	}
	if int(k.size) == f.want.Batch.Max+1 {
		i := incident{anomaly: BatchOversized, came: true, epoch: epochOf(e), from: e.Offset, to: e.Offset, n: 1, id: id, entry: f.entry,
			said: fmt.Sprintf("it was number %d in one message of the WebSocket", k.size)}
		if i.epoch == withoutOffsets {
			i.from, i.to = e.Seq, e.Seq
		}
		j.report(i, e, c)
	}
	if k.fresh(c, e, id) { // else it has had its time
		f.time(p, c, e, id)
	}
}

// fresh reports whether a message comes for the first time, and not behind another one
// of its publisher: what is repeated was not waiting.
func (k *batchCursor) fresh(c *cursor, e *history.Event, id ident) bool {
	if e.Flags&history.FlagPositioned != 0 && c.positioned {
		return e.Epoch != c.epoch || e.Offset > c.last
	}
	if id.seq == 0 || id.fence {
		return true
	}
	if k.tops == nil {
		k.tops = make(map[uint64]uint64)
	}
	stream := streamKey(id.publisher, id.incarnation)
	if id.seq <= k.tops[stream] {
		return false
	}
	k.tops[stream] = id.seq
	return true
}

// time looks whether a message may have waited too long.
func (f *batchFold) time(p *person, c *cursor, e *history.Event, id ident) {
	arrived := min(e.Arrived, e.Seen)
	switch wait := f.want.Batch.Wait; {
	case wait == 0, id.seq == 0, e.Flags&history.FlagApart != 0, p.aside, p.hindered(e.Life), c.state != live:
	case arrived <= e.Due+wait:
		f.timed++
	case len(f.lates) == mostLates:
		f.beyond++
	default:
		f.lates = append(f.lates, lateMessage{
			id: id, client: e.Client, channel: e.Channel, epoch: epochOf(e), offset: e.Offset, life: e.Life, since: max(p.connectedAt, c.answered), arrived: arrived, seen: e.Seen,
		})
	}
}

// answers are the acknowledged publications, in the order in which they were sent.
type answers struct {
	sent    []time.Duration
	settled []time.Duration // the earliest of those sent then or later
}

// answersOf gathers them, of all channels.
func (s *settlement) answersOf() (a answers) {
	type pair struct{ sent, settled time.Duration }
	var all []pair
	add := func(m *publication) {
		if m.written && m.known() && !m.retried {
			all = append(all, pair{m.sent, m.settled})
		}
	}
	for _, c := range s.channels {
		for _, b := range c.outboxes {
			for i := range b.all {
				add(&b.all[i])
			}
			add(&b.fence)
		}
	}
	sort.Slice(all, func(i, k int) bool { return all[i].sent < all[k].sent })
	a.sent, a.settled = make([]time.Duration, len(all)), make([]time.Duration, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		a.sent[i], a.settled[i] = all[i].sent, all[i].settled
		if i+1 < len(all) {
			a.settled[i] = min(a.settled[i], a.settled[i+1])
		}
	}
	return a
}

// within reports whether something was both sent and answered between two times.
func (a *answers) within(from, to time.Duration) bool {
	i := sort.Search(len(a.sent), func(i int) bool { return a.sent[i] >= from })
	return i < len(a.sent) && a.settled[i] <= to
}

// batchSums is what the end makes of one expectation.
type batchSums struct {
	judged, timed, frames, batches, largest int64
	late, open, beyond, chances             int64
}

// judgeBatches decides what was late, and who gets no batches.
func (s *settlement) judgeBatches() {
	s.batches = make(map[int]*batchSums)
	var a *answers
	for part, p := range s.parts {
		for i := range p.batching.folds {
			f := &p.batching.folds[i]
			t := s.batches[f.entry]
			if t == nil {
				t = &batchSums{}
				s.batches[f.entry] = t
			}
			t.judged, t.timed, t.frames, t.batches = t.judged+f.judged, t.timed+f.timed, t.frames+f.frames, t.batches+f.batches
			t.largest, t.beyond = max(t.largest, f.largest), t.beyond+f.beyond
			if len(f.lates) > 0 && a == nil {
				all := s.answersOf()
				a = &all
			}
			for k := range f.lates {
				s.judgeLate(part, f, &f.lates[k], a, t)
			}
			for k := range f.cursors {
				s.judgeGathering(part, f, &f.cursors[k], t)
			}
		}
	}
}

// judgeLate decides about a message that may have waited too long.
func (s *settlement) judgeLate(part int, f *batchFold, l *lateMessage, a *answers, t *batchSums) {
	wait := f.want.Batch.Wait + clockTick
	m := s.publication(l.channel, l.id)
	switch {
	case m == nil || !m.known() || m.uncertain():
		t.open++
		return
	case m.settled < l.since:
		return
	case l.arrived <= m.settled+wait:
		t.timed++
		return
	case s.j.struck(m.sent, l.seen) || s.j.commanded(m.sent, l.seen) != nil || !a.within(m.settled+wait, l.arrived):
		t.open++
		return
	}
	t.timed++
	t.late++
	x := incident{
		anomaly: BatchHeldTooLong, late: true, client: l.client, channel: l.channel, epoch: l.epoch, life: l.life, from: l.offset, to: l.offset, n: 1,
		seen: l.seen, id: l.id, entry: f.entry, setting: setting{phase: "live", witness: -1},
		said: fmt.Sprintf("it was there %v after its acknowledgement", (l.arrived - m.settled).Round(time.Millisecond)),
	}
	if l.epoch == withoutOffsets {
		x.from, x.to = l.id.seq, l.id.seq
	}
	s.found = append(s.found, found{x, part})
}

// judgeGathering decides whether a subscription gets batches.
func (s *settlement) judgeGathering(part int, f *batchFold, k *batchCursor, t *batchSums) {
	p := s.parts[part]
	c := &p.ledger.all[k.cursor]
	if k.gathered || len(k.chances) == 0 || p.filters(c) {
		return
	}
	wait := p.batching.promised(p, c.channel).wait - clockTick
	n, last := int64(0), chance{}
	for _, x := range k.chances {
		m, next := s.publication(c.channel, x.first), s.publication(c.channel, x.next)
		if m == nil || next == nil || !m.known() || !next.known() || m.uncertain() || next.uncertain() ||
			next.settled >= m.sent+wait || s.j.struck(m.sent, x.seen) || s.j.commanded(m.sent, x.seen) != nil {
			continue
		}
		n, last = n+1, x
	}
	t.chances += n
	if n < batchChances {
		return
	}
	i := incident{
		anomaly: NotBatched, client: c.client, channel: c.channel, epoch: last.epoch, life: last.life, from: last.offset, to: last.offset, n: n,
		seen: last.seen, id: last.next, other: last.first, entry: f.entry, setting: setting{phase: "live", witness: -1},
		said: fmt.Sprintf("it came alone, as everything there did, although the target had it before the wait of the message before it was over; %d such were counted", n),
	}
	if i.epoch == withoutOffsets {
		i.from, i.to = last.next.seq, last.next.seq
	}
	s.found = append(s.found, found{i, part})
}

// batch judges one expectation.
func (s *settlement) batch(w *want, entry int, v *Verdict, end End) {
	t := s.batches[entry]
	if t == nil {
		t = &batchSums{}
	}
	v.add(true, "live messages", t.judged)
	v.add(true, "messages of the WebSocket", t.frames)
	v.add(true, "with several", t.batches)
	v.add(true, "most in one", t.largest)
	v.add(true, "of which the time is judged", t.timed)
	v.add(false, "late, and nothing tells whose fault it is", t.open)
	v.add(false, "further late ones not looked at", t.beyond)
	v.add(false, "chances missed", t.chances)
	s.sift(w, v, func(f *found) bool { return f.entry == entry && (!f.late || !end.Saturated) }, 0)
	promised := false
	for _, b := range s.j.brief.Promises.AllBatches() {
		promised = promised || w.Channel == "" || scenario.Overlap(b.Match, w.Channel)
	}
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case !promised:
		v.State = NotApplicable
		v.Reason = "the target promises no batch for these channels: write it under `target.gateway`, or under `target.promises.channels`"
	case t.judged == 0:
		v.Reason = "not exercised: no message was delivered live there; publish on a channel that somebody is subscribed to"
	case t.late > 0:
		v.Reason = fmt.Sprintf("%d messages came later than %v after their acknowledgement, but the generator was saturated: %s", t.late, w.Batch.Wait, end.Why)
	case t.batches == 0:
		v.Reason = "not exercised: no message of the WebSocket held more than one; publish more than one within the wait of a batch"
	case w.Batch.Wait > 0 && t.timed == 0:
		v.Reason = "not exercised: of no message is it known when the target had it; publish with ack: true, and let some readers be quick"
	case (t.open+t.beyond)*100 > t.timed+t.open+t.beyond:
		v.Reason = fmt.Sprintf("%d messages came late, and nothing tells whose fault it is: they had no acknowledgement, the plan had done something to the target, or it answered nothing meanwhile; publish more steadily", t.open+t.beyond)
	default:
		v.State = Pass
	}
}

// ungathered says why nothing excuses it.
func (s *settlement) ungathered(f *found) (out []string) {
	w := s.j.want.all
	if f.entry < 0 || f.entry >= len(w) {
		return nil
	}
	switch b := w[f.entry].Batch; f.anomaly {
	case BatchOversized:
		return append(out, fmt.Sprintf("a batch may hold %d", b.Max))
	case BatchHeldTooLong:
		return append(out, fmt.Sprintf("the limit is %v, and meanwhile the target answered a publication that was sent when that was over", b.Wait))
	}
	return append(out, "both were acknowledged, neither was large, no filter kept anything back, and the batch was not full")
}
