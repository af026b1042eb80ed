package engine

import (
	"context"
	"net"
	"time"

	"squall/driver/fault"
)

// portableConn is one connection of the portable engine. Its fields belong to
// the loop's lock.
type portableConn struct {
	link
	loop    *portable
	ctx     context.Context // of the dial
	giveUp  context.CancelFunc
	socket  *gate          // nil until dialled
	conn    net.Conn       // socket, or TLS over it; nil until that stands
	early   []fault.Action // gates asked for before there was a socket
	out     []byte         // to be written
	writing bool           // a writer is running
	broken  bool           // a write has failed; the reader learns why
	leaving bool           // let go of the socket when out is empty …
	hard    bool           // … by RST
}

// push implements wire.
func (c *portableConn) push(b []byte) {
	c.loop.count.bytesOut += uint64(len(b))
	c.out = append(c.out, b...)
	c.flush()
}

// waiting implements wire.
func (c *portableConn) waiting() int { return len(c.out) }

// flush makes sure that somebody writes what is queued.
func (c *portableConn) flush() {
	if !c.writing && c.conn != nil {
		c.writing = true
		c.loop.group.Go(c.write)
	}
}

// write writes until nothing is queued, and then is gone.
func (c *portableConn) write() {
	p := c.loop
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(c.out) > 0 && !c.broken {
		b := c.out
		c.out = nil
		p.mu.Unlock()
		_, err := c.conn.Write(b)
		p.mu.Lock()
		c.broken = err != nil
		if c.out == nil && cap(b) <= spareSize {
			c.out = b[:0]
		}
	}
	c.out = nil
	c.writing = false
	if !c.leaving {
		return
	}
	if !c.hard && !p.stopped {
		p.mu.Unlock()
		c.conn.Close() // of TLS, it writes
		p.mu.Lock()
	}
	c.drop()
}

// end implements wire.
func (c *portableConn) end(how farewell) {
	if c.conn == nil { // connect sees the end, and drops it
		c.giveUp()
		if c.socket != nil {
			c.socket.stop()
		}
		return
	}
	switch how {
	case shut, lastWords:
		c.leaving, c.hard = true, how == lastWords
		c.linger()
		c.socket.apply(fault.Action{Kind: fault.Heal})
		c.flush()
	case reset:
		c.hard = true
		c.drop()
	case finish:
		c.socket.stop()
		if half, ok := c.socket.Conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
		c.linger()
	case abandon:
		c.socket.stop()
		c.loop.release(&c.link)
	}
}

// linger bounds how long the socket outlives the connection.
func (c *portableConn) linger() {
	c.loop.wheel.Set(c.slot, c.loop.Now()+closeWait)
}

// expire implements wire: the lingering is over.
func (c *portableConn) expire(time.Duration) { c.drop() }

// drop closes the socket at once, if it is open, and releases the link.
func (c *portableConn) drop() {
	if c.socket != nil {
		c.socket.stop()
		if c.hard {
			resetConn(c.socket.Conn)
		}
		c.socket.Conn.Close()
		delete(c.loop.conns, c)
	}
	c.loop.release(&c.link)
}

// resetConn makes the other side see RST instead of FIN, where conn can.
func resetConn(conn net.Conn) {
	switch c := conn.(type) {
	case interface{ SetLinger(int) error }:
		c.SetLinger(0)
	case interface{ Reset() }:
		c.Reset()
	}
}

// over implements wire: the reader has ended.
func (c *portableConn) over() {}

// gate implements wire.
func (c *portableConn) gate(a fault.Action) {
	if c.socket == nil {
		c.early = append(c.early, a)
		return
	}
	c.socket.apply(a)
}
