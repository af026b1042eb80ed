package assert

import (
	"slices"
	"sort"
	"time"

	"squall/assert/history"
)

// stretch is a time from a to b, both included.
type stretch struct{ a, b time.Duration }

// resident is one user in one channel.
type resident struct {
	stays []*stay   // by the time at which they were asked for
	parts []int     // of these
	sure  []stretch // when the user was surely there
	may   []stretch // and when possibly
}

// surely reports whether the user was surely there all the time, and after it: what is
// answered may end a stay.
func (r *resident) surely(from, to time.Duration) bool {
	if r == nil {
		return false
	}
	return slices.ContainsFunc(r.sure, func(s stretch) bool { return s.a <= from && s.b > to })
}

// possibly reports whether the user was possibly there at some time.
func (r *resident) possibly(from, to time.Duration) bool {
	if r == nil {
		return false
	}
	i := sort.Search(len(r.may), func(i int) bool { return r.may[i].b >= from })
	return i < len(r.may) && r.may[i].a <= to
}

// ever reports whether the user was possibly there before a time.
func (r *resident) ever(at time.Duration) bool { return r != nil && r.may[0].a <= at }

// asked reports whether a subscribe of the user was sent after one time and by another.
func (r *resident) asked(from, to time.Duration) bool {
	if r == nil {
		return false
	}
	for _, s := range r.stays {
		if s.asked > from && s.asked <= to {
			return true
		}
	}
	return false
}

// entered is the same of a subscribe that may have taken effect then.
func (r *resident) entered(from, to time.Duration) bool {
	if r == nil {
		return false
	}
	for _, s := range r.stays {
		if s.asked <= to && (s.answered == 0 || s.answered >= from) {
			return true
		}
	}
	return false
}

// returned reports whether the user had been there, and was lost or had left, before a
// stay of theirs began that goes on at a time.
func (r *resident) returned(at time.Duration) bool {
	for i := len(r.stays) - 1; i >= 0; i-- {
		if s := r.stays[i]; s.asked <= at {
			for _, o := range r.stays[:i] {
				if o.over > 0 && o.over <= s.asked {
					return true
				}
			}
			return false
		}
	}
	return false
}

// settle sums up the stays. Where they are told of apart, one connection's goodbye may be
// told before another's coming although that was answered first: then only a stay that
// lasts all the time proves that its user was there.
func (r *resident) settle(apart bool) {
	sort.SliceStable(r.stays, func(i, k int) bool { return r.stays[i].asked < r.stays[k].asked })
	for _, s := range r.stays {
		if s.answered > 0 && s.proven > s.answered {
			r.sure = append(r.sure, stretch{s.answered, s.proven})
		}
		r.may = append(r.may, stretch{s.asked, s.until})
	}
	if r.may = joint(r.may); !apart {
		r.sure = joint(r.sure)
	}
}

// joint makes one of those that overlap. Between two that only meet the user may have been
// away.
func joint(all []stretch) []stretch {
	slices.SortFunc(all, func(x, y stretch) int { return int(min(max(x.a-y.a, -1), 1)) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s.a < out[n-1].b {
			out[n-1].b = max(out[n-1].b, s.b)
			continue
		}
		out = append(out, s)
	}
	return out
}

// room is one channel, as far as presence goes.
type room struct {
	users map[history.MemberID]*resident
	order []history.MemberID
	lists []witnessed
}

// witnessed is one list of one view.
type witnessed struct {
	members  []history.MemberID // ascending
	due, end time.Duration
}

// rooms gathers who was in the channels that presence is judged of.
func (s *settlement) rooms() map[history.ChannelID]*room {
	all := make(map[history.ChannelID]*room)
	of := func(ch history.ChannelID) *room {
		if all[ch] == nil {
			all[ch] = &room{users: make(map[history.MemberID]*resident)}
		}
		return all[ch]
	}
	for i, p := range s.parts {
		for k := range p.presences.stays {
			x := &p.presences.stays[k]
			if int(x.client) >= len(s.j.brief.Members) || s.j.brief.Members[x.client] == "" {
				continue
			}
			r, id := of(x.channel), history.MemberID(s.j.names.ID(s.j.brief.Members[x.client]))
			u := r.users[id]
			if u == nil {
				u = &resident{}
				r.users[id], r.order = u, append(r.order, id)
			}
			u.stays, u.parts = append(u.stays, x), append(u.parts, i)
		}
		for k := range p.presences.views {
			v := &p.presences.views[k]
			for _, l := range v.rosters {
				members := slices.Clone(p.presences.members[l.from:l.to])
				slices.Sort(members)
				of(v.channel).lists = append(of(v.channel).lists, witnessed{members, l.due, l.seen})
			}
		}
	}
	for _, r := range all {
		slices.Sort(r.order)
		for _, u := range r.users {
			u.settle(s.j.brief.Apart)
		}
	}
	return all
}
