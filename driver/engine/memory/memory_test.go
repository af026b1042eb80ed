package memory

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pair is two connected ends on a network.
func pair(t *testing.T, buffer int) (near, far *Conn) {
	t.Helper()
	n := &Network{Buffer: buffer}
	l, err := n.Listen("x")
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Dial("x")
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*Conn), s.(*Conn)
}

func TestBytesPassInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, buffer := range []int{1, 7, 1000, 0} {
			near, far := pair(t, buffer)
			data := make([]byte, 200_000)
			for i := range data {
				data[i] = byte(rand.Uint32())
			}
			var group sync.WaitGroup
			for _, c := range []*Conn{near, far} { // both ways at once
				group.Go(func() {
					for b := data; len(b) > 0; {
						n := min(1+rand.IntN(5000), len(b))
						if _, err := c.Write(b[:n]); err != nil {
							t.Error(err)
							return
						}
						b = b[n:]
					}
					c.CloseWrite()
				})
				group.Go(func() {
					got, err := io.ReadAll(c)
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("buffer %d: %d bytes, %v", buffer, len(got), err)
					}
				})
			}
			group.Wait()
		}
	})
}

func TestStallBlocksTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pair(t, 100)
		done := make(chan error, 1)
		go func() {
			_, err := near.Write(make([]byte, 150))
			done <- err
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("150 bytes went into a buffer of 100")
		default:
		}
		if n, _ := far.Read(make([]byte, 1000)); n != 100 {
			t.Errorf("read %d bytes, want the 100 buffered", n)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		far.SetReadBuffer(20)
		near.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := near.Write(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d bytes, %v, into a buffer made smaller", n, err)
		}
	})
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			name    string
			do      func(near, far *Conn)
			read    string // what far still reads
			readErr error  // and how that ends
			write   error  // of far
		}{
			{"close", func(near, _ *Conn) { near.Close() }, "sent", nil, syscall.EPIPE},
			{"close with unread bytes", func(near, far *Conn) { far.Write([]byte("u")); near.Close() }, "sent", syscall.ECONNRESET, syscall.ECONNRESET},
			{"close write", func(near, _ *Conn) { near.CloseWrite() }, "sent", nil, nil},
			{"reset", func(near, _ *Conn) { near.Reset() }, "", syscall.ECONNRESET, syscall.ECONNRESET},
			{"close, then reset", func(near, _ *Conn) { near.Close(); near.Reset() }, "", syscall.ECONNRESET, syscall.EPIPE},
			{"own close", func(_, far *Conn) { far.Close() }, "", net.ErrClosed, net.ErrClosed},
			{"own reset", func(_, far *Conn) { far.Reset() }, "", net.ErrClosed, net.ErrClosed},
		}
		for _, tt := range tests {
			near, far := pair(t, 0)
			near.Write([]byte("sent"))
			tt.do(near, far)
			got, err := io.ReadAll(far)
			if string(got) != tt.read || !errors.Is(err, tt.readErr) {
				t.Errorf("%s: read %q %v, want %q %v", tt.name, got, err, tt.read, tt.readErr)
			}
			if _, err := far.Write([]byte("x")); !errors.Is(err, tt.write) {
				t.Errorf("%s: write gives %v, want %v", tt.name, err, tt.write)
			}
			near.Close()
			far.Close()
			if err := far.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: closing twice gives %v", tt.name, err)
			}
		}
	})
}

// What blocks is let go by each way to end.
func TestEndsWakeWhoBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, end := range map[string]func(near, far *Conn){
			"close": func(near, _ *Conn) { near.Close() }, "other side closes": func(_, far *Conn) { far.Close() },
			"reset": func(near, _ *Conn) { near.Reset() }, "other side resets": func(_, far *Conn) { far.Reset() },
			"deadline":        func(near, _ *Conn) { near.SetDeadline(time.Now().Add(time.Second)) },
			"deadline passed": func(near, _ *Conn) { near.SetDeadline(time.Unix(1, 0)) },
		} {
			near, far := pair(t, 10)
			done := make(chan error, 2)
			go func() { _, err := near.Read(make([]byte, 1)); done <- err }()
			go func() { _, err := near.Write(make([]byte, 11)); done <- err }()
			synctest.Wait()
			end(near, far)
			for range 2 {
				if err := <-done; err == nil {
					t.Errorf("%s: no error", name)
				}
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pair(t, 10)
		began := time.Now()
		near.SetReadDeadline(began.Add(time.Minute))
		near.SetReadDeadline(began.Add(3 * time.Second)) // the last one counts
		_, err := near.Read(make([]byte, 1))
		if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := near.Write([]byte("x")); err != nil {
			t.Errorf("a read deadline stops writes: %v", err)
		}
		near.SetReadDeadline(time.Time{})
		far.Write([]byte("y"))
		if n, err := near.Read(make([]byte, 5)); n != 1 || err != nil {
			t.Errorf("after the deadline was lifted: %d %v", n, err)
		}
		near.SetDeadline(time.Now().Add(time.Second))
		near.SetDeadline(time.Time{})
		time.Sleep(2 * time.Second)
		if _, err := near.Write([]byte("x")); err != nil {
			t.Errorf("a deadline that was lifted has passed: %v", err)
		}
	})
}

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		if _, err := n.Dial("x"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens, and Dial gives %v", err)
		}
		l, _ := n.Listen("x")
		if _, err := n.Listen("x"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second Listen gives %v", err)
		}
		a, _ := n.Dial("x")
		b, _ := n.Dial("x")
		first, _ := l.Accept()
		if first.RemoteAddr().String() != a.LocalAddr().String() || first.LocalAddr().String() != "x" || a.RemoteAddr().Network() != "memory" {
			t.Errorf("%v accepted as %v", a.LocalAddr(), first.RemoteAddr())
		}
		l.Close()
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("whom nobody accepted reads %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close gives %v", err)
		}
		again, err := n.Listen("x")
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() { _, err := again.Accept(); waiting <- err }()
		synctest.Wait()
		again.Close()
		if err := <-waiting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a waiting Accept gets %v", err)
		}
	})
}
