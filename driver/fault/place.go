package fault

// Place is where in the stream of incoming bytes a Cut falls: always inside a
// frame. It counts from where it was made; Passed tells it what went by.
type Place struct {
	left  int  // bytes to go
	first bool // inside the next frame, after its header
}

// NewPlace is the place after so many bytes; 0 (or less) is inside the next
// frame, one byte after its header.
func NewPlace(after int) Place { return Place{left: max(after, 0), first: after <= 0} }

// In says whether the place lies in the next frame, and at which of its bytes
// (≥ 1, counted from the frame's start). The frame has size bytes, header
// included; the first had of them were here before the place was made. A place
// on the border of two frames lies one byte into the second.
func (p Place) In(header, size, had int) (at int, in bool) {
	if p.first {
		switch {
		case size > header:
			return max(header+1, had), true
		case had > 0:
			return had, true
		default:
			return 1, true // no payload: inside the header
		}
	}
	if p.left >= size-had {
		return 0, false
	}
	return had + max(p.left, 1), true
}

// InHeader is In for a frame of which the header is not whole yet, so that its
// size is unknown: have of its bytes are here. It says whether the place is
// reached already.
func (p Place) InHeader(have, had int) bool {
	return !p.first && have-had >= max(p.left, 1) && have > had
}

// Passed says that n bytes, a whole frame or its rest, lie behind.
func (p *Place) Passed(n int) { p.left = max(p.left-n, 0) }
