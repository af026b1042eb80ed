package assert

import (
	"fmt"

	"squall/assert/history"
)

// Transform: what is delivered is what a transformation makes of what was published,
// field by field and by value. The driver compares each delivery that has a valid
// stamp, live or replayed, and says what is wrong:
//
//   - it is the published payload itself (transform-skipped);
//   - it is anything else (transform-wrong).
//
// A payload that the transformation leaves as it is proves nothing of the first. What
// can't be compared is counted: deliveries without a stamp, which a target that
// transforms has to carry through, and messages for which the transformation has no
// value. Fences, wills and what others publish are not meant.

// weighed counts what was compared, by cursor, where a transformation is expected.
type weighed struct {
	on bool
	of []weights
}

// weights are of one cursor.
type weights struct {
	judged   int64
	replayed int64 // of these
	bare     int64 // without a stamp
	vague    int64 // with one, and not compared
}

// add takes a delivery to a subscription.
func (x *weighed) add(j *Judge, at int32, e *history.Event) {
	for int(at) >= len(x.of) {
		x.of = append(x.of, weights{})
	}
	w := &x.of[at]
	switch {
	case e.Flags&history.FlagWeighed != 0:
		w.judged++
		if e.Flags&history.FlagReplay != 0 {
			w.replayed++
		}
	case e.Flags&(history.FlagFence|history.FlagCorrupt) != 0:
	case e.Flags&history.FlagStamped == 0:
		w.bare++
	case int(e.Publisher) < len(j.brief.Publishers):
		w.vague++
	}
}

// altered takes what is wrong with the payload of the latest delivery of a client.
func (j *Judge) altered(e *history.Event) {
	if !j.weighed.on && !j.shaping.weighs(e.Channel) {
		return
	}
	i := incident{anomaly: TransformWrong, from: e.Offset, to: e.Offset, n: 1, id: identOf(e), came: true, said: e.Note, epoch: e.Epoch}
	if e.Result == history.OK {
		i.anomaly, i.said = TransformSkipped, "it is the published one: "+e.Note
	}
	if !j.want.transforms(e.Channel) {
		i.anomaly = PayloadAltered
	}
	if e.Flags&history.FlagPositioned == 0 {
		i.epoch, i.from, i.to = withoutOffsets, e.Seq, e.Seq
	}
	var c *cursor
	if at := j.ledger.find(e.Client, e.Channel); at >= 0 {
		c = &j.ledger.all[at]
	}
	i.client, i.channel, i.life, i.seen, i.setting = e.Client, e.Channel, e.Life, e.Seen, j.setting(e, c)
	if c == nil { // a stray, which isolation judges as such
		i.setting.phase = "live"
	} else if i.epoch == 0 {
		i.epoch = c.epoch
	}
	i.setting.witness = j.witness(i.anomaly, &i.setting, e.Client, e.Channel)
	j.incidents.add(i)
}

// transforms reports whether a transformation is expected on a channel.
func (w *wants) transforms(ch history.ChannelID) bool {
	for i := range w.all {
		if x := &w.all[i]; x.Rule == "transform" && x.filter.channel(ch) {
			return true
		}
	}
	return false
}

// transform judges whether payloads are rewritten as they should be.
func (s *settlement) transform(w *want, v *Verdict) {
	var t weights
	for _, p := range s.parts {
		for at := range p.weighed.of {
			c, x := &p.ledger.all[at], &p.weighed.of[at]
			if !w.filter.channel(c.channel) || !w.filter.client(&p.people[c.client]) {
				continue
			}
			t.judged += x.judged
			t.replayed += x.replayed
			t.vague += x.vague
			if !s.j.strangers(c.channel) {
				t.bare += x.bare
			}
		}
	}
	v.add(true, "payloads compared", t.judged)
	v.add(true, "replayed", t.replayed)
	v.add(false, "without a stamp", t.bare)
	v.add(false, "without a value", t.vague)
	orphan := s.sift(w, v, func(*found) bool { return true }, invents)
	open := float64(t.bare+t.vague) > 0.01*float64(t.judged+t.bare+t.vague)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case open && t.bare >= t.vague:
		v.Reason = fmt.Sprintf("%d of %d payloads carry no stamp and can't be compared: a target that transforms must carry the fields _squall and _fill through", t.bare, t.judged+t.bare+t.vague)
	case open:
		v.Reason = fmt.Sprintf("the transformation has no value for %d of %d payloads: write it so that it has one for each, as in {msg.option ?? 'none'}", t.vague, t.judged+t.bare+t.vague)
	case t.judged == 0:
		v.Reason = "not exercised: no payload was delivered there; publish on a channel that somebody is subscribed to"
	default:
		v.State = Pass
	}
	v.orphaned(orphan)
}
