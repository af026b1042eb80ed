package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"squall/driver/fault"
)

func degraded(delay, jitter time.Duration, rate int) fault.Action {
	return fault.Action{Kind: fault.Degrade, Seed: 7, Line: fault.Line{Delay: delay, Jitter: jitter, Rate: rate}}
}

// What both sides say takes its time, in order, and the stamp is that of the end
// of the line.
func TestFaultDegrade(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		const delay, jitter = 120 * time.Millisecond, 60 * time.Millisecond
		p := r.connect(1)
		r.fault(1, degraded(delay, jitter, 0))
		for round := range 3 {
			began := r.loop.Now()
			for i := range 5 {
				p.say(text(fmt.Sprint("down ", round, i)))
			}
			for i := range 5 {
				e := r.wantText(1, fmt.Sprint("down ", round, i))
				if took := e.at.Arrived - began; took < delay-jitter || took > delay+jitter+time.Second || e.at.Kernel {
					t.Errorf("came after %v, stamp %+v", took, e.at)
				}
			}
			began = r.loop.Now()
			r.do(func() {
				for i := range 5 {
					r.conns[1].Send(OpText, []byte(fmt.Sprint("up ", round, i)))
				}
			})
			for i := range 5 {
				if _, b := p.hear(); string(b) != fmt.Sprint("up ", round, i) {
					t.Errorf("the server hears %q", b)
				}
			}
			if took := r.loop.Now() - began; took < delay-jitter {
				t.Errorf("the server hears it after %v", took)
			}
		}
		if s := r.loop.Stats(); s.ReadLag > 50*time.Millisecond {
			t.Errorf("the line counts as a lag of ours: %v", s.ReadLag)
		}

		// When the line is well again, what was under way comes at once.
		r.fault(1, degraded(5*time.Second, 0, 0))
		p.say(text("under way"))
		r.do(func() { r.conns[1].Send(OpText, []byte("under way too")) })
		r.quiet(50 * time.Millisecond)
		began := r.loop.Now()
		r.fault(1, degraded(0, 0, 0))
		r.wantText(1, "under way")
		p.hear()
		p.say(text("quick"))
		r.wantText(1, "quick")
		if took := r.loop.Now() - began; took > 2*time.Second {
			t.Errorf("well again, and slow: %v", took)
		}
	})
}

// A line that writes slowly spreads what it writes; what can't be sent yet counts
// as waiting.
func TestFaultDegradeRate(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, degraded(0, 0, 10_000))
		began := r.loop.Now()
		r.do(func() { r.conns[1].Send(OpText, []byte(strings.Repeat("u", 3_000))) })
		if _, b := p.hear(); len(b) != 3_000 {
			t.Errorf("the server hears %d bytes", len(b))
		}
		if took := r.loop.Now() - began; took < 250*time.Millisecond || took > 3*time.Second {
			t.Errorf("3,000 bytes at 10,000 a second took %v", took)
		}
	})
}

// The end of a connection does not overtake what was said before it.
func TestFaultDegradeEnd(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, degraded(100*time.Millisecond, 0, 0))
		p.say(text("last words"))
		p.Close()
		r.wantText(1, "last words")
		if e := r.want("closed", 1); e.end.Cause != EOF && e.end.Cause != Reset {
			t.Errorf("it ended with %+v", e.end)
		}

		p = r.connect(2)
		r.fault(2, degraded(100*time.Millisecond, 0, 0))
		p.say(text("again"))
		r.quiet(20 * time.Millisecond)
		p.reset()
		r.wantText(2, "again")
		r.wantClosed(2, Reset)

		// Our own close says what was said before it, and waits for the answer.
		p = r.connect(3)
		r.fault(3, degraded(100*time.Millisecond, 0, 0))
		r.do(func() {
			r.conns[3].Send(OpText, []byte("goodbye"))
			r.conns[3].Close(1000, "")
		})
		if _, b := p.hear(); string(b) != "goodbye" {
			t.Errorf("the server hears %q", b)
		}
		if op, _ := p.hear(); op != OpClose {
			t.Errorf("the server hears opcode %d", op)
		}
		p.say(frame(true, OpClose, "\x03\xe8"))
		if end := r.wantClosed(3, Local); end.Code != 1000 {
			t.Errorf("closed with %+v", end)
		}
	})
}

// A frozen connection on a bad line goes on where it was.
func TestFaultDegradeAndFreeze(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.fault(1, degraded(50*time.Millisecond, 0, 0))
		p.say(text("one"))
		r.quiet(10 * time.Millisecond)
		r.fault(1, faultOf("freeze"))
		r.quiet(150 * time.Millisecond)
		r.fault(1, faultOf("heal"))
		r.wantText(1, "one")
		p.say(text("two"))
		r.wantText(1, "two")
		r.fault(1, degraded(0, 0, 0))
		p.say(text("three"))
		r.wantText(1, "three")
		r.do(func() {
			for _, c := range r.conns {
				if l := linkOf(c); l.more != nil && l.more.transit != nil {
					t.Error("a line that is well again leaves something behind")
				}
			}
		})
	})
}

// Who is told of a message may change the line at once: what comes behind stays
// behind.
func TestFaultDegradeOnAMessage(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.onMsg = func(_ Token, payload []byte) {
			if string(payload) == "one" {
				r.conns[1].Fault(degraded(0, 0, 0))
			}
		}
		r.fault(1, degraded(5*time.Second, 0, 0))
		p.say(text("one") + text("two") + text("three")[:3])
		r.quiet(50 * time.Millisecond)
		p.say(text("three")[3:] + text("four"))
		r.quiet(50 * time.Millisecond)
		r.fault(1, degraded(0, 0, 0))
		for _, want := range []string{"one", "two", "three", "four"} {
			r.wantText(1, want)
		}
		p.say(text("five"))
		r.wantText(1, "five")
	})
}

// The line is there from the dial on if that is asked for.
func TestFaultDegradeFromTheStart(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		const delay = 100 * time.Millisecond
		request, accept := UpgradeRequest("gateway", "/", nil, "", key)
		d := &Dial{Address: r.listener.Addr().String(), Request: request, Accept: accept, TLS: r.tls, Timeout: 10 * time.Second}
		began := r.loop.Now()
		r.do(func() {
			r.conns[1] = r.loop.Dial(1, d)
			r.conns[1].Fault(degraded(delay, 0, 0))
			r.conns[1].Fault(fault.Action{Kind: fault.Slow, Rate: 1 << 20})
		})
		p := r.accept()
		p.say(goodAnswer() + text("early"))
		if e := r.want("open", 1); e.at.Read-began < 2*delay {
			t.Errorf("open after %v on a line of %v", e.at.Read-began, delay)
		}
		r.wantText(1, "early")
		r.fault(1, fault.Action{Kind: fault.Slow})
		p.say(text("later"))
		r.wantText(1, "later")
	})
}

// linkOf is what the engines share of a connection.
func linkOf(c Conn) *link {
	return c.(interface{ shared() *link }).shared()
}

func (l *link) shared() *link { return l }
