package gateway

import (
	"net"
	"sync"
	"time"
)

// polls is a carrier whose events are fetched: each request is answered with what there
// is, or waits for it. What is not fetched waits with the connection's backlog.
type polls struct {
	inbound
	local, remote net.Addr
	out           chan []byte // events for the poll that waits
	last          time.Time   // of poll-gap: the last event of now; the writer's

	mu    sync.Mutex
	busy  bool        // a poll is being answered
	lapse *time.Timer // until the next poll
	final *time.Timer // what is said at last has to be fetched until then; nil: nothing is
}

// pollAgain is how long a client may be without a poll before it counts as lost.
const pollAgain = 10 * time.Second

// mostWait bounds the wait of one poll.
const mostWait = time.Minute

// beginPolls makes a connection that is carried by polls; false if there is no room.
func (c *conn) beginPolls() (p *polls, ok bool) {
	g := c.gateway
	p = &polls{inbound: newInbound(g), local: c.nc.LocalAddr(), remote: c.nc.RemoteAddr(), out: make(chan []byte)}
	v := &conn{gateway: g, nc: p, number: g.hub.number(g.node)}
	if !g.admit(v) {
		g.release(v)
		return nil, false
	}
	p.lapse = time.AfterFunc(pollAgain, p.end)
	g.carriers.add(p.id, p)
	v.startTimer()
	g.welcome(v)
	g.wg.Go(func() { v.serve(nil) })
	return p, true
}

func (p *polls) poll(gone <-chan struct{}, wait time.Duration) (b []byte, ok bool) {
	p.mu.Lock()
	if p.busy {
		p.mu.Unlock()
		return nil, false
	}
	p.busy = true
	p.lapse.Stop()
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.busy = false
		p.lapse.Reset(pollAgain)
	}()
	enough := time.NewTimer(min(wait, mostWait))
	defer enough.Stop()
	select {
	case b = <-p.out:
	case <-enough.C:
	case <-p.gone:
	case <-gone: // the client
		p.end()
	}
	return b, true
}

// Write waits for a poll that fetches the frames.
func (p *polls) Write(frames []byte) (int, error) {
	b, closed := events(nil, p.g.wrong.pollGap.tooClose(&p.last, frames))
	if len(b) > 0 {
		select {
		case p.out <- b:
		case <-p.gone:
			return 0, net.ErrClosed
		}
	}
	if closed {
		p.end()
	}
	return len(frames), nil
}

func (p *polls) Close() error {
	p.end()
	return nil
}

// Reset ends it as a crash does.
func (p *polls) Reset() { p.end() }

func (p *polls) LocalAddr() net.Addr  { return p.local }
func (p *polls) RemoteAddr() net.Addr { return p.remote }

// SetDeadline bounds the end only: nothing else of the connection has one.
func (p *polls) SetDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.IsZero() && p.final == nil {
		p.final = time.AfterFunc(time.Until(t), p.end)
	}
	return nil
}

func (p *polls) SetReadDeadline(t time.Time) error  { return p.SetDeadline(t) }
func (p *polls) SetWriteDeadline(t time.Time) error { return p.SetDeadline(t) }
