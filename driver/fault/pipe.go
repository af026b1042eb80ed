package fault

import "time"

// Line is what a network does to the bytes of one direction: each comes out Delay
// later, changed by up to Jitter either way, and never more than Rate bytes a
// second. Since what is lost below TCP is sent again, loss and reordering show as
// such a delay too, and nothing else: bytes never overtake each other. The zero
// value passes all at once.
type Line struct {
	Delay  time.Duration
	Jitter time.Duration
	Rate   int // bytes per second; 0: any number
}

// Pipe is one direction of a Line with the bytes that are under way in it. It has
// no clock: its owner tells the time and asks when to come back.
type Pipe struct {
	line    Line
	parcels []parcel // in the order in which they come out
	bytes   int
	free    time.Duration // when the rate lets the next byte in
	chance  uint64        // state of the generator behind the jitter
}

// parcel is what comes out at a time.
type parcel struct {
	bytes []byte
	due   time.Duration
}

// least is how small the parcels are made that a rate makes of many bytes.
const least = 16

// Set changes the line. What is under way already comes out by the new one, if
// that is sooner. Seed chooses the jitter of a pipe that had no line.
func (p *Pipe) Set(l Line, seed uint64, now time.Duration) {
	if l == p.line {
		return
	}
	if p.line == (Line{}) {
		p.chance = seed
	}
	p.line, p.free = l, now
	for i := range p.parcels {
		x := &p.parcels[i]
		x.due = min(x.due, p.due(len(x.bytes), now, i))
	}
}

// Idle reports whether the pipe passes all at once and nothing is under way.
func (p *Pipe) Idle() bool { return len(p.parcels) == 0 && p.line == (Line{}) }

// Waiting is how many bytes are under way.
func (p *Pipe) Waiting() int { return p.bytes }

// Longest is how long a byte may be under way, apart from the rate.
func (p *Pipe) Longest() time.Duration { return p.line.Delay + p.line.Jitter }

// Put lets b in. The pipe keeps a copy.
func (p *Pipe) Put(b []byte, now time.Duration) {
	for len(b) > 0 {
		n := len(b)
		if p.line.Rate > 0 { // what comes out is spread as a slow line spreads it
			n = min(n, max(int(int64(p.line.Rate)*int64(burst)/int64(time.Second)), least))
		}
		p.parcels = append(p.parcels, parcel{append([]byte(nil), b[:n]...), p.due(n, now, len(p.parcels))})
		p.bytes += n
		b = b[n:]
	}
}

// due is when n bytes that come in now, behind the first so many parcels, come out.
func (p *Pipe) due(n int, now time.Duration, behind int) time.Duration {
	p.free = max(p.free, now)
	if p.line.Rate > 0 {
		p.free += time.Duration(int64(n) * int64(time.Second) / int64(p.line.Rate))
	}
	due := p.free + p.line.Delay
	if j := int64(p.line.Jitter); j > 0 {
		due += time.Duration(int64(p.draw()%uint64(2*j+1)) - j)
	}
	due = max(due, now)
	if behind > 0 {
		due = max(due, p.parcels[behind-1].due)
	}
	return due
}

// draw is splitmix64, which needs no memory but its state.
func (p *Pipe) draw() uint64 {
	p.chance += 0x9e3779b97f4a7c15
	z := p.chance
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Next is when the first of what is under way comes out.
func (p *Pipe) Next() (due time.Duration, ok bool) {
	if len(p.parcels) == 0 {
		return 0, false
	}
	return p.parcels[0].due, true
}

// Take returns the first of what is under way, if its time has come.
func (p *Pipe) Take(now time.Duration) (b []byte, ok bool) {
	if len(p.parcels) == 0 || p.parcels[0].due > now {
		return nil, false
	}
	b = p.parcels[0].bytes
	p.bytes -= len(b)
	p.parcels[0].bytes = nil
	if p.parcels = p.parcels[1:]; len(p.parcels) == 0 {
		p.parcels = nil
	}
	return b, true
}
