package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"squall/driver/engine/memory"
)

// Read buffers of the portable engine grow from the one to the other while
// reads fill them, and shrink back.
const (
	smallRead = 1 << 10
	largeRead = 32 << 10
)

// portable is the engine of goroutines over net.Conn: one reader a connection,
// a writer only while there is something to write, and Run for the timers. All
// of them call the handler under the one lock.
type portable struct {
	mu sync.Mutex
	shard
	inbox   inbox
	dial    func(ctx context.Context, d *Dial) (net.Conn, error)
	ctx     context.Context // ends with the loop
	cancel  context.CancelFunc
	kick    chan struct{} // the next due time has come nearer, or the inbox has mail
	armed   time.Duration // what Run sleeps until
	stopped bool
	conns   map[*portableConn]struct{} // whose socket is open
	tls     map[tlsKey]*tls.Config
	group   sync.WaitGroup
}

// tlsKey names a configuration completed with a server name.
type tlsKey struct {
	config *tls.Config
	host   string
}

// NewPortable returns the engine that runs anywhere and over anything.
func NewPortable(o Options) Loop {
	o = o.withDefaults()
	p := &portable{
		kick:  make(chan struct{}, 1),
		conns: make(map[*portableConn]struct{}),
		tls:   make(map[tlsKey]*tls.Config),
	}
	p.configure(o)
	p.dial = dialer(o)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// NewMemory returns the portable engine over an in-memory network.
func NewMemory(n *memory.Network, o Options) Loop {
	o.Dial = func(_ context.Context, address string) (net.Conn, error) { return n.Dial(address) }
	return NewPortable(o)
}

// dialer opens the transport of a Dial, without TLS.
func dialer(o Options) func(context.Context, *Dial) (net.Conn, error) {
	if o.Dial != nil {
		return func(ctx context.Context, d *Dial) (net.Conn, error) {
			conn, err := o.Dial(ctx, d.Address)
			if err != nil || d.ReadBuffer == 0 {
				return conn, err
			}
			if c, ok := conn.(interface{ SetReadBuffer(int) error }); ok {
				err = c.SetReadBuffer(d.ReadBuffer)
			}
			return conn, err
		}
	}
	var mu sync.Mutex
	turn := 0
	return func(ctx context.Context, d *Dial) (net.Conn, error) {
		var nd net.Dialer
		nd.KeepAlive = -1
		if len(o.Sources) > 0 {
			mu.Lock()
			nd.LocalAddr = &net.TCPAddr{IP: o.Sources[turn%len(o.Sources)].AsSlice()}
			turn++
			mu.Unlock()
		}
		nd.Control = control(d.ReadBuffer, nd.LocalAddr != nil)
		return nd.DialContext(ctx, "tcp", d.Address)
	}
}

// Run implements Loop.
func (p *portable) Run(h Handler) error {
	defer p.group.Wait()
	defer p.shutdown()
	p.mu.Lock()
	p.start(h)
	p.mu.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for p.ctx.Err() == nil {
		p.mu.Lock()
		began := p.Now()
		p.inbox.run()
		p.batch(began)
		now := p.Now()
		p.armed = p.due(now)
		if p.armed == Never {
			timer.Stop()
		} else {
			timer.Reset(p.armed - now)
		}
		p.mu.Unlock()
		select {
		case <-timer.C:
		case <-p.kick:
		case <-p.ctx.Done():
		}
	}
	return nil
}

// shutdown lets go of everything without telling the handler.
func (p *portable) shutdown() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for c := range p.conns {
		c.drop()
	}
}

// leave ends a batch under the lock, and gives that back.
func (p *portable) leave(began time.Duration) {
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return // Stop means silence
	}
	p.batch(began)
	if p.due(began) < p.armed {
		p.wakeUp()
	}
}

func (p *portable) wakeUp() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Post implements Loop.
func (p *portable) Post(f func()) {
	if p.inbox.put(f) {
		p.wakeUp()
	}
}

// Stop implements Loop.
func (p *portable) Stop() { p.cancel() }

// Dial implements Loop.
func (p *portable) Dial(t Token, d *Dial) Conn {
	c := &portableConn{loop: p}
	c.link = link{token: t, shard: &p.shard, wire: c}
	p.adopt(&c.link)
	c.begin(d)
	c.ctx, c.giveUp = context.WithCancel(p.ctx)
	p.group.Go(func() { p.connect(c, d) })
	return c
}

// connect dials, and leaves the reading to a fresh goroutine with a small stack.
func (p *portable) connect(c *portableConn, d *Dial) {
	conn, err := p.open(c, d)
	p.mu.Lock()
	defer p.leave(p.Now())
	c.giveUp()
	if err != nil && p.ctx.Err() == nil {
		c.lost(Unreachable, reason(err), p.stamp())
	}
	if err != nil || c.phase == ended || p.stopped {
		c.drop()
		return
	}
	c.conn = conn
	c.connected()
	p.group.Go(func() { p.read(c) })
}

// open makes the connection that bytes are read from.
func (p *portable) open(c *portableConn, d *Dial) (net.Conn, error) {
	raw, err := p.dial(c.ctx, d)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	c.socket = &gate{Conn: raw, epoch: p.epoch}
	for _, a := range c.early {
		c.socket.apply(a)
	}
	c.early = nil
	p.conns[c] = struct{}{}
	over := c.phase == ended || p.stopped
	p.mu.Unlock()
	switch {
	case over:
		return nil, net.ErrClosed
	case d.TLS == nil:
		return c.socket, nil
	}
	conn := tls.Client(c.socket, p.tlsConfig(d))
	if err := conn.HandshakeContext(c.ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return conn, nil
}

// tlsConfig completes a configuration with the host of the address, once each.
func (p *portable) tlsConfig(d *Dial) *tls.Config {
	config := d.TLS.Config
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName != "" || config.InsecureSkipVerify {
		return config
	}
	host, _, _ := net.SplitHostPort(d.Address)
	p.mu.Lock()
	defer p.mu.Unlock()
	key := tlsKey{d.TLS.Config, host}
	if p.tls[key] == nil {
		config = config.Clone()
		config.ServerName = host
		p.tls[key] = config
	}
	return p.tls[key]
}

// read serves one connection until its bytes end.
func (p *portable) read(c *portableConn) {
	buf := make([]byte, smallRead)
	roomy := 0 // reads in turn that would have fitted a smaller buffer
	for {
		n, err := c.conn.Read(buf)
		now := p.Now()
		p.mu.Lock()
		began := p.Now()
		if p.stopped || c.phase == ended {
			p.mu.Unlock()
			return
		}
		at := Stamp{Arrived: now, Read: now}
		if n > 0 {
			c.receive(buf[:n], at)
		}
		if err != nil {
			c.lost(causeOf(err), reason(err), at)
		}
		done := err != nil || c.phase == ended // with an error nothing more is to come
		p.leave(began)
		if done {
			return
		}
		switch {
		case n == len(buf) && n < largeRead:
			buf, roomy = make([]byte, 2*n), 0
		case n > len(buf)/4 || len(buf) == smallRead:
			roomy = 0
		default:
			if roomy++; roomy == 16 {
				buf, roomy = make([]byte, len(buf)/2), 0
			}
		}
	}
}

// causeOf sorts the error of a read.
func causeOf(err error) Cause {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return EOF
	}
	return Reset
}

// reason is an error's text without addresses that change from run to run.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		var sys syscall.Errno
		if errors.As(op.Err, &sys) {
			return sys.Error()
		}
	}
	if errors.Is(err, io.EOF) {
		return ""
	}
	return err.Error()
}
