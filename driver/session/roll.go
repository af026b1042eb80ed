package session

import "squall/assert/history"

// roll is what one subscription was told of who is there, where that is told of
// connections: a member is there with one of them or several, comes with the first and
// goes with the last.
//
// The list has to be asked for, and crosses with what is told of changes: a connection
// may be in the list whose coming is told later, and one that has come may be missing in a
// list that was read before. Of each connection, what is told of it comes in the order in
// which it happened. So a change that came before the list, of which it may or may not
// know, counts instead of what the list says of that connection, and the first one behind
// it may be what it says itself.
type roll struct {
	seats  map[seat]standing
	here   map[history.MemberID]int // connections that are there
	early  []seat                   // that came or went before the list, in that order
	out    []change                 // scratch
	listed bool
}

// seat is one connection of a member.
type seat struct {
	connection uint64
	member     history.MemberID
}

type standing struct {
	here bool
	told bool // by a change, and not by the list alone
}

// change is somebody's coming or going.
type change struct {
	member history.MemberID
	gone   bool
}

// begin empties it for a new subscription.
func (r *roll) begin() {
	r.seats, r.here = make(map[seat]standing), make(map[history.MemberID]int)
	r.early, r.listed = r.early[:0], false
}

// list takes a list: connections, and whose each of them is. It returns what changes by
// what had come before, valid until the next call. Lists behind the first change nothing:
// that they say the same is for others to judge.
func (r *roll) list(connections []uint64, members []history.MemberID) []change {
	if r.listed {
		return nil
	}
	r.listed, r.out = true, r.out[:0]
	named := make(map[history.MemberID]bool)
	for i, c := range connections {
		at := seat{c, members[i]}
		named[at.member] = true
		if _, told := r.seats[at]; !told {
			r.seats[at] = standing{here: true}
			r.here[at.member]++
		}
	}
	for _, at := range r.early {
		if r.seats[at].here {
			r.here[at.member]++
		}
	}
	for _, at := range r.early {
		if here := r.here[at.member] > 0; here != named[at.member] {
			named[at.member] = here
			r.out = append(r.out, change{at.member, !here})
		}
	}
	r.early = r.early[:0]
	return r.out
}

// move takes a connection's coming or going, and reports whether it is its member's. What
// is told of a connection twice is told twice of the member, unless others are there that
// it says nothing of.
func (r *roll) move(at seat, gone bool) bool {
	was, known := r.seats[at]
	r.seats[at] = standing{here: !gone, told: true}
	if !r.listed {
		if !known {
			r.early = append(r.early, at)
		}
		return false
	}
	switch {
	case !gone && was.here:
		return was.told && r.here[at.member] == 1
	case !gone:
		r.here[at.member]++
		return r.here[at.member] == 1
	case was.here:
		r.here[at.member]--
		return r.here[at.member] == 0
	default: // it may have gone before the list was read
		return known && r.here[at.member] == 0
	}
}
