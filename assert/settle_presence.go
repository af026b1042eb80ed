package assert

import "fmt"

// presenceSums is what the end makes of one expectation.
type presenceSums struct {
	views, lists, moves, last int64
	unlisted                  int64 // views that were there to the end and have no last list
	sure, gone                int64 // in last lists: who must be there, and who must not
	strangers                 int64 // names of which nobody knows whose they are
	overflow                  bool
	came, went                bool
}

// judgePresence judges every view of every expectation.
func (s *settlement) judgePresence() {
	if !s.j.presences.on {
		return
	}
	s.presence, s.peopled = make(map[int]*presenceSums), s.rooms()
	for number := range s.j.want.all {
		w := &s.j.want.all[number]
		if w.Rule != "presence" {
			continue
		}
		t := &presenceSums{}
		s.presence[number] = t
		for i, p := range s.parts {
			t.overflow = t.overflow || p.presences.overflow
			for k := range p.presences.views {
				v := &p.presences.views[k]
				if !w.filter.channel(v.channel) || !w.filter.client(&p.people[v.client]) {
					continue
				}
				c := viewer{s: s, w: w, number: number, part: i, v: v, sums: t, room: s.peopled[v.channel], ticks: p.presences.all[v.client].ticks[v.firstTick:v.lastTick]}
				c.judge(&p.presences)
			}
		}
	}
}

// presenceOf judges one expectation.
func (s *settlement) presenceOf(w *want, entry int, v *Verdict, end End) {
	t := s.presence[entry]
	if t == nil {
		t = &presenceSums{}
	}
	v.add(true, "watchers' subscriptions", t.views)
	v.add(true, "lists", t.lists)
	v.add(true, "told who comes or goes", t.moves)
	v.add(true, "last lists", t.last)
	v.add(true, "in these, surely there", t.sure)
	v.add(false, "surely gone", t.gone)
	v.add(false, "without a last list", t.unlisted)
	v.add(false, "names of nobody that is known", t.strangers)
	s.sift(w, v, func(f *found) bool { return f.entry == entry && (!f.late || !end.Saturated) }, 0)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case end.Saturated:
		v.Reason = "the generator was saturated: " + end.Why
	case t.overflow:
		v.Reason = "more was told of who comes and goes than the judge remembers: fewer watchers would settle it"
	case t.views == 0:
		v.Reason = "not exercised: nobody asked who is there; write presence: true with a subscription of these clients"
	case t.lists == 0:
		v.Reason = "not exercised: nobody was told who is there while the connection was proven to work"
	case !t.came || !t.went:
		v.Reason = "not exercised: while somebody watched nobody came, or nobody left"
	case t.last == 0:
		v.Reason = "no watcher was there to the end and told once more who is there: let some stay, or raise `drain.timeout`"
	case t.sure == 0:
		v.Reason = "not exercised: when the last lists were asked for, it was of nobody sure to be there; let members stay, or raise `drain.timeout`"
	case t.unlisted*100 > t.last+t.unlisted:
		v.Reason = fmt.Sprintf("of %d watchers who were there to the end %d were not told once more who is there: a longer `drain.timeout` would settle it", t.last+t.unlisted, t.unlisted)
	default:
		v.State = Pass
	}
}

// presenceWhat says in one line what is wrong with what is told of who is there.
func (s *settlement) presenceWhat(f *found) string {
	return fmt.Sprintf("presence of %s: %s", s.j.names.Name(int32(f.channel)), f.said)
}

// presenceLines tell where the user in question was.
func (s *settlement) presenceLines(f *found) (out []Line) {
	if f.anomaly.Define().harm != misleads || f.member < 0 {
		return nil
	}
	r := s.peopled[f.channel]
	if r == nil || r.users[f.member] == nil {
		return nil
	}
	u := r.users[f.member]
	var near []*stay // the latest that had begun
	for _, x := range u.stays {
		if x.asked <= f.seen {
			near = append(near, x)
		}
	}
	for _, x := range near[max(len(near)-2, 0):] {
		who := s.actor(x.client, x.life)
		if x.client == f.client && x.life == f.life {
			continue // it has lines of its own
		}
		if x.answered > 0 {
			l := Line{At: x.answered, Actor: who, What: "ack", Text: fmt.Sprintf("%q is subscribed", s.j.names.Name(int32(f.member)))}
			if x.proven > x.answered {
				l.Text += fmt.Sprintf("; what was sent at %v was answered", round(x.proven))
			}
			out = append(out, l)
		}
		if x.over > 0 && x.over <= f.seen {
			l := Line{At: x.over, Actor: who, What: "unsubbed"}
			if x.torn {
				l.What = "closed"
			}
			out = append(out, l)
		}
	}
	return out
}

// presenceWhy says why nothing excuses it.
func (s *settlement) presenceWhy(f *found) (out []string) {
	if f.entry < 0 || f.entry >= len(s.j.want.all) {
		return nil
	}
	within := s.j.want.all[f.entry].Within
	switch f.anomaly {
	case PresenceRepeated, PresenceDiffRace:
		return append(out, "lists, and who comes and goes, are told in one order")
	case GhostPresence:
		return append(out, fmt.Sprintf("who has left may be said to be there for %v; until when a lost client may be taken for one who is there was added", within))
	case PhantomMember:
		return append(out, "only who is subscribed to the channel by its name, on some connection, is there")
	}
	return append(out, fmt.Sprintf("presence may take %v to settle, and the target went on answering both", within))
}
