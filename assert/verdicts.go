package assert

import (
	"fmt"
	"sort"
	"strings"

	"squall/assert/history"
	"squall/scenario"
)

// Verdicts judges every expectation, in their order. Call it once, after all
// shards are merged.
func (j *Judge) Verdicts(end End) []Verdict {
	s := j.settle()
	out := make([]Verdict, 0, len(j.want.all))
	for i := range j.want.all {
		w := &j.want.all[i]
		v := Verdict{Name: w.Name, Rule: w.Rule, Line: w.Line, Promised: w.Promised}
		switch w.Rule {
		case "delivery":
			s.delivery(w, &v, end)
		case "order":
			s.order(w, &v)
		case "recovery":
			s.recovery(w, &v, end)
		case "queue":
			s.queue(w, &v)
		case "latency":
			s.latency(w, i, &v, end)
		case "reconnect":
			s.reconnect(w, &v, end)
		case "errors":
			s.errors(w, &v, end)
		case "close":
			s.close(w, i, &v, end)
		case "isolation":
			s.isolation(w, &v)
		case "retained":
			s.retained(w, &v)
		case "will":
			s.will(w, &v)
		case "heartbeat":
			s.heartbeat(w, i, &v, end)
		case scenario.Throttle:
			s.throttle(w, i, &v, end)
		case scenario.Debounce:
			s.debounce(w, i, &v, end)
		case scenario.Aggregate:
			s.aggregate(w, i, &v)
		case "state":
			s.state(w, &v)
		case "priority":
			s.priority(w, i, &v, end)
		case "snapshot":
			s.snapshots(w, &v)
		case "batch":
			s.batch(w, i, &v, end)
		case "presence":
			s.presenceOf(w, i, &v, end)
		case "transform":
			s.transform(w, &v)
		default:
			v.Reason = "there is no rule of that name"
		}
		s.afterCommand(&v)
		end.cut(&v)
		out = append(out, v)
	}
	return out
}

// cut takes a pass away from a run that did not reach its end, which is also why
// something was not exercised.
func (e *End) cut(v *Verdict) {
	why := ""
	switch {
	case v.State != Pass && v.State != Inconclusive:
		return
	case e.Lost != "":
		why = "the target was lost: " + e.Lost
	case e.Stopped != "":
		why = "the run was stopped early: " + e.Stopped
	case e.Interrupted:
		why = "the run was interrupted; let it run to its end"
	default:
		return
	}
	if v.State == Inconclusive && !strings.HasPrefix(v.Reason, "not exercised") {
		why += "; so far: " + v.Reason
	}
	v.State, v.Reason = Inconclusive, why
}

// Overall merges the verdicts of a run: fail beats inconclusive beats pass. An
// expectation that was written down and is not applicable is inconclusive;
// and so is a run in which nothing was judged.
func Overall(verdicts []Verdict) State {
	state, judged := Pass, 0
	for _, v := range verdicts {
		switch {
		case v.State == Fail:
			return Fail
		case v.State == Inconclusive, v.State == NotApplicable && !v.Promised:
			state = Inconclusive
		case v.State == Pass:
			judged++
		}
	}
	if judged == 0 {
		return Inconclusive
	}
	return state
}

// in reports whether an incident is within an expectation's `to:` and `channel:`.
func (s *settlement) in(w *want, f *found) bool {
	if f.client >= 0 && !w.filter.client(&s.parts[f.part].people[f.client]) {
		return false
	}
	return w.filter.channel(f.channel)
}

// owner reports whether an expectation of the rule that owns f covers it.
func (s *settlement) owned(f *found) bool {
	rule := f.anomaly.Define().Owner
	for i := range s.j.want.all {
		if w := &s.j.want.all[i]; w.Rule == rule && s.in(w, f) {
			return true
		}
	}
	return false
}

// sift parts the incidents that concern w: own ones become findings, foreign
// ones are listed. It returns the foreign anomaly that no expectation owns.
func (s *settlement) sift(w *want, v *Verdict, own func(*found) bool, concerns harm) (orphan Anomaly) {
	var mine []*found
	foreign := make(map[Anomaly]int64)
	for i := range s.found {
		f := &s.found[i]
		if !s.in(w, f) || s.unpromised(f) {
			continue
		}
		d := f.anomaly.Define()
		switch {
		case d.Owner == w.Rule && own(f):
			mine = append(mine, f)
		case d.Owner != w.Rule && d.harm&concerns != 0:
			foreign[f.anomaly]++
			if orphan == NoAnomaly && !s.owned(f) {
				orphan = f.anomaly
			}
		}
	}
	v.Findings = s.findings(w, mine)
	for a := range anomalies {
		if n := foreign[a]; n > 0 {
			v.Owned = append(v.Owned, Count{a.String() + " (owned by " + a.Define().Owner + ")", n})
		}
		if n := s.overflow[a]; n > 0 && definitions[a].Owner == w.Rule && len(v.Findings) > 0 {
			v.Counts = append(v.Counts, Count{"further " + a.String() + " without detail", n})
		}
	}
	return orphan
}

// findings groups incidents by signature: what is wrong before what is merely
// refused or late, and then the most frequent first.
func (s *settlement) findings(w *want, mine []*found) []Finding {
	type group struct {
		all     []*found
		clients map[history.ClientID]bool
	}
	type key struct {
		a            Anomaly
		phase, fault string
	}
	groups := make(map[key]*group)
	var order []key
	for _, f := range mine {
		k := key{f.anomaly, f.setting.phase, s.fault(f)}
		g := groups[k]
		if g == nil {
			g = &group{clients: make(map[history.ClientID]bool)}
			groups[k] = g
			order = append(order, k)
		}
		g.all = append(g.all, f)
		if f.client >= 0 {
			g.clients[f.client] = true
		}
	}
	of := s.promisedTo(w)
	out := make([]Finding, 0, len(order))
	for _, k := range order {
		g := groups[k]
		x := Finding{Anomaly: k.a.String(), Promise: s.promise(w), Times: int64(len(g.all)), Clients: len(g.clients), Of: of, Phase: k.phase, Fault: k.fault}
		s.explain(&x, w, g.all)
		out = append(out, x)
	}
	mild := func(x Finding) bool { return AnomalyOf(x.Anomaly).Define().harm&(refuses|delays) != 0 }
	sort.SliceStable(out, func(a, b int) bool {
		x, y := out[a], out[b]
		if mild(x) != mild(y) {
			return mild(y)
		}
		if x.Times != y.Times {
			return x.Times > y.Times
		}
		return x.Anomaly+x.Phase+x.Fault < y.Anomaly+y.Phase+y.Fault
	})
	return out
}

func (s *settlement) fault(f *found) string {
	return s.parts[f.part].evidence.notes[f.setting.fault]
}

// promise is what was expected, in the scenario's words.
func (s *settlement) promise(w *want) string {
	p := w.Rule
	if w.Want != "" {
		p += ": " + w.Want
	}
	if len(w.Groups) > 0 {
		p += ", to: " + strings.Join(w.Groups, ", ")
	}
	if w.Channel != "" {
		p += ", channel: " + w.Channel
	}
	return p
}

// promisedTo counts the clients that an expectation is about: those with an
// answered subscription within it.
func (s *settlement) promisedTo(w *want) (n int) {
	for _, p := range s.parts {
		for c := range p.people {
			if w.filter.client(&p.people[c]) {
				for at := p.people[c].first; at >= 0; at = p.ledger.all[at].next {
					if k := &p.ledger.all[at]; k.everAnswered && w.filter.channel(k.channel) {
						n++
						break
					}
				}
			}
		}
	}
	return n
}

// sums are the counts of the cursors within an expectation.
type sums struct {
	subscriptions, received, compared        int64
	unseen, lost, waived, adrift             int64
	returns, returnsMissed, missed, replayed int64
	flushed, retried, flushedOut, emptied    int64
	doubted, foreign, copied, copies         int64
	withheld                                 int64
	promised                                 int64 // of the waived: where recovery is promised
	published, unknown, acked, retired       int64
	far, overlapping, causes                 int64
	shaped                                   int64 // subscriptions left to the rules of shapes
}

// sum adds up what the cursors and channels within w know.
func (s *settlement) sum(w *want) (t sums) {
	shared := make(map[history.ChannelID]bool)
	for _, c := range s.channels {
		if !w.filter.channel(c.id) || s.leaves(w.Rule, c.id) {
			continue
		}
		t.unknown += c.unknown
		t.acked += c.acked
		for _, b := range c.outboxes {
			if !b.will {
				t.published += int64(b.highest())
			}
		}
		for _, g := range c.logs {
			t.far += g.far
		}
		shared[c.id] = c.cursors > 1
		if publishers(c) > 1 {
			t.overlapping++
		}
	}
	for i, p := range s.parts {
		t.retired += p.publications.retired
		t.retried += p.publications.retried
		t.flushedOut += p.publications.flushed
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if !c.everAnswered || !w.filter.channel(c.channel) || !w.filter.client(&p.people[c.client]) {
				continue
			}
			if s.leaves(w.Rule, c.channel) {
				t.shaped++
				continue
			}
			e, had := &s.ends[i][at], c.past()
			t.subscriptions++
			if t.received += c.received; s.j.strangers(c.channel) {
				t.received -= min(had.foreign, c.received)
				t.foreign += had.foreign
			}
			if shared[c.channel] {
				t.compared += c.received
			}
			if !s.ruled(c.channel) || s.owes(w.Rule, c.channel) {
				t.unseen += e.unseen
				t.adrift += e.adrift
				t.lost += e.lost
				t.waived += had.waived + e.waived
				if s.promises(c.channel).Recovery {
					t.promised += had.waived + e.waived
				}
			}
			t.returns += int64(had.returns)
			t.returnsMissed += int64(had.returnsMissed) + e.missed
			t.missed += had.missed
			t.replayed += c.replayed
			t.flushed += had.flushed
			t.emptied += had.emptied + e.emptied
			t.copied += had.copied
			t.copies += e.copies
			t.withheld += e.withheld
			t.doubted += had.doubted + e.doubted
			t.causes += c.causes
		}
	}
	return t
}

func publishers(c *channelEnd) int {
	ids := make(map[int32]bool)
	for _, b := range c.outboxes {
		if !b.will {
			ids[b.publisher] = true
		}
	}
	return len(ids)
}

// doubt turns a pass into inconclusive if more than 1 % of what was owed was
// waived, unseen or unknown.
func (t *sums) doubt(v *Verdict) {
	if v.State != Pass {
		return
	}
	owed := t.received + t.waived + t.unseen + t.doubted
	bad := 0.0
	if owed > 0 {
		bad = float64(t.waived+t.unseen+t.doubted) / float64(owed)
	}
	if t.published > 0 {
		bad += float64(t.unknown) / float64(t.published)
	}
	if bad > 0.01 {
		v.State = Inconclusive
		v.Reason = fmt.Sprintf("%.1f %% of what was owed is waived (%d), unseen (%d) or unknown (%d): a longer `drain.timeout`, or fewer publishers among the victims, would settle it", bad*100, t.waived, t.unseen, t.unknown)
		if t.doubted > 0 {
			v.Reason = fmt.Sprintf("%.1f %% of what was owed is waived (%d), unseen (%d), unknown (%d), or in doubt (%d), since the command of an `exec` may have taken it away", bad*100, t.waived, t.unseen, t.unknown, t.doubted)
		}
	}
}

// lost counts the messages that the incidents of w's own rule lost.
func (s *settlement) lost(w *want) (n int64) {
	for i := range s.found {
		if d := s.found[i].anomaly.Define(); d.Owner == w.Rule && d.harm&loses != 0 && s.in(w, &s.found[i]) && !s.unpromised(&s.found[i]) {
			n += s.found[i].n
		}
	}
	return n
}

// add appends a count; zero ones are left out unless always is set.
func (v *Verdict) add(always bool, name string, n int64) {
	if n != 0 || always {
		v.Counts = append(v.Counts, Count{name, n})
	}
}

// orphaned makes a verdict inconclusive that met an anomaly whose owner is not
// among the expectations.
func (v *Verdict) orphaned(a Anomaly) {
	if a == NoAnomaly || v.State == Fail {
		return
	}
	example := map[string]string{"delivery": "delivery: exactly-once", "recovery": "recovery: complete", "queue": "queue: complete", "order": "order: per-channel", "isolation": "isolation: strict", "retained": "retained: latest", "will": "will: when-lost"}[a.Define().Owner]
	v.State = Inconclusive
	v.Reason = fmt.Sprintf("%s was met, which `%s` judges: add `- %s` for these clients and channels", a, a.Define().Owner, example)
}
