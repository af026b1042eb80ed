package memory

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is one end of a connection.
type Conn struct {
	in, out       *stream
	local, remote Addr
}

// Pipe returns the two ends of a connection that holds size bytes a direction.
func Pipe(size int) (near, far *Conn) {
	a, b := newStream(size), newStream(size)
	return &Conn{in: a, out: b, local: "near", remote: "far"}, &Conn{in: b, out: a, local: "far", remote: "near"}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	if err != nil && err != io.EOF {
		err = &net.OpError{Op: "read", Net: "memory", Source: c.local, Addr: c.remote, Err: err}
	}
	return n, err
}

// Write implements net.Conn. It blocks while the other side's buffer is full.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err != nil {
		err = &net.OpError{Op: "write", Net: "memory", Source: c.local, Addr: c.remote, Err: err}
	}
	return n, err
}

// Close ends both directions. As with TCP, the other side reads what was
// written before and then EOF, or a reset if bytes were left unread here; what
// it writes from now on fails.
func (c *Conn) Close() error {
	unread, open := c.in.closeRead()
	if !open {
		return &net.OpError{Op: "close", Net: "memory", Source: c.local, Addr: c.remote, Err: net.ErrClosed}
	}
	c.out.closeWrite(unread, true)
	return nil
}

// CloseWrite ends the direction from here: the other side reads what is
// buffered, then EOF.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite(false, false)
	return nil
}

// Reset ends both directions at once and loses what is buffered in either: the
// other side's reads and writes fail with ECONNRESET.
func (c *Conn) Reset() {
	c.in.reset(true)
	c.out.reset(false)
}

// SetReadBuffer bounds the bytes in flight to here.
func (c *Conn) SetReadBuffer(bytes int) error {
	c.in.change(func(s *stream) { s.size = max(bytes, 1) })
	return nil
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reader, t)
	c.out.setDeadline(&c.out.writer, t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reader, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writer, t)
	return nil
}

// stream is one direction.
type stream struct {
	mu      sync.Mutex
	changed sync.Cond
	size    int    // most bytes buffered
	data    []byte // from head on: written, not yet read
	head    int

	readErr  error // what reads give once data is empty; nil while open
	writeErr error // what writes give; nil while open
	lost     bool  // the reader has closed, so readErr is its own

	reader, writer deadline
}

// deadline of one side of a stream.
type deadline struct {
	timer  *time.Timer
	turn   int // of setDeadline; a late timer must not count for the next
	passed bool
}

func newStream(size int) *stream {
	s := &stream{size: size}
	s.changed.L = &s.mu
	return s
}

func (s *stream) change(f func(*stream)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
	s.changed.Broadcast()
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.lost:
			return 0, s.readErr
		case s.reader.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.head < len(s.data):
			n := copy(p, s.data[s.head:])
			s.head += n
			if s.head == len(s.data) {
				s.data, s.head = s.data[:0], 0
				if cap(s.data) > 4<<10 {
					s.data = nil // idle connections hold nothing
				}
			}
			s.changed.Broadcast()
			return n, nil
		case s.readErr != nil:
			return 0, s.readErr
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (done int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.writeErr != nil:
			return done, s.writeErr
		case s.writer.passed:
			return done, os.ErrDeadlineExceeded
		case done == len(p):
			return done, nil
		}
		if room := s.size - (len(s.data) - s.head); room > 0 {
			n := min(room, len(p)-done)
			if live := len(s.data) - s.head; s.head >= live && len(s.data)+n > cap(s.data) {
				s.data = s.data[:copy(s.data, s.data[s.head:])] // no more is moved than was read
				s.head = 0
			}
			s.data = append(s.data, p[done:done+n]...)
			done += n
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

// closeRead ends the reader's side, and says whether bytes were left unread and
// whether it was open.
func (s *stream) closeRead() (unread, open bool) {
	s.change(func(s *stream) {
		open = !s.lost
		unread = open && s.head < len(s.data)
		s.data, s.head = nil, 0
		s.readErr, s.lost = net.ErrClosed, true
		if s.writeErr == nil {
			s.writeErr = syscall.EPIPE
			if unread {
				s.writeErr = syscall.ECONNRESET
			}
		}
		s.reader.stop()
	})
	return unread, open
}

// closeWrite ends the writer's side; the reader sees EOF or a reset after the
// last byte.
func (s *stream) closeWrite(reset, closed bool) {
	s.change(func(s *stream) {
		if s.readErr == nil {
			s.readErr = io.EOF
		}
		if reset && s.readErr == io.EOF {
			s.readErr = syscall.ECONNRESET
		}
		switch {
		case closed:
			s.writeErr = net.ErrClosed
		case s.writeErr == nil:
			s.writeErr = syscall.EPIPE
		}
		s.writer.stop()
	})
}

// reset loses what is buffered; reading says whether the reader did it.
func (s *stream) reset(reading bool) {
	s.change(func(s *stream) {
		s.data, s.head = nil, 0
		if s.lost && reading {
			return // closed before
		}
		if reading {
			s.readErr, s.lost = net.ErrClosed, true
			if s.writeErr == nil {
				s.writeErr = syscall.ECONNRESET
			}
		} else {
			if !s.lost {
				s.readErr = syscall.ECONNRESET
			}
			s.writeErr = net.ErrClosed
		}
		s.reader.stop()
		s.writer.stop()
	})
}

func (d *deadline) stop() {
	d.turn++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (s *stream) setDeadline(d *deadline, t time.Time) {
	s.change(func(s *stream) {
		d.stop()
		d.passed = false
		if t.IsZero() {
			return
		}
		wait := time.Until(t)
		if wait <= 0 {
			d.passed = true
			return
		}
		turn := d.turn
		d.timer = time.AfterFunc(wait, func() {
			s.change(func(*stream) { d.passed = d.passed || d.turn == turn })
		})
	})
}
