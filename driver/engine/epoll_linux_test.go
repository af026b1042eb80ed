package engine

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// One that does not fit the family of the destination is passed over.
func TestSourcesTakeTurns(t *testing.T) {
	o := Options{Sources: []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.3")}}
	onAllWith(t, o, nil, func(t *testing.T, r *rig) {
		if r.name != "epoll" {
			t.Skip("tried once")
		}
		var from []string
		for token := Token(1); token <= 4; token++ {
			p := r.connect(token)
			host, _, _ := net.SplitHostPort(p.RemoteAddr().String())
			from = append(from, host)
		}
		if want := []string{"127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"}; !slices.Equal(from, want) {
			t.Errorf("connected from %v, want %v", from, want)
		}
	})
	o.Sources = o.Sources[:1]
	onAllWith(t, o, nil, func(t *testing.T, r *rig) {
		p := r.connect(1)
		if host, _, _ := net.SplitHostPort(p.RemoteAddr().String()); r.name != "memory" && host != "127.0.0.2" {
			t.Errorf("connected from %s", host)
		}
	})
}

func TestReadBufferIsSetBeforeConnecting(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		r.connectWith(1, func(d *Dial) { d.ReadBuffer = 8192 })
		if r.name == "memory" || r.tls != nil {
			return
		}
		var got int
		r.do(func() {
			switch c := r.conns[1].(type) {
			case *epollConn:
				got, _ = unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
			case *portableConn:
				raw, err := c.socket.Conn.(*net.TCPConn).SyscallConn()
				if err == nil {
					raw.Control(func(fd uintptr) { got, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF) })
				}
			}
		})
		if got != 2*8192 { // the kernel doubles it for its own use
			t.Errorf("the receive buffer is %d", got)
		}
	})
}

// Kernels without epoll_pwait2 wait for whole milliseconds, never too short.
func TestCoarseWait(t *testing.T) {
	loop, err := NewEpoll(Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := loop.(*epoll)
	defer e.shutdown()
	for _, e.wait.coarse = range []bool{false, true} {
		for _, d := range []time.Duration{0, -time.Second, 300 * time.Microsecond, 5 * time.Millisecond} {
			began := time.Now()
			events, err := e.wait.wait(d)
			if took := time.Since(began); err != nil || len(events) != 0 || took < d || took > max(d, 0)+time.Second {
				t.Errorf("coarse %v: waited %v instead of %v: %v", e.wait.coarse, took, d, err)
			}
		}
		e.Post(func() {})
		events, err := e.wait.wait(Never)
		if err != nil || len(events) != 1 {
			t.Fatalf("coarse %v: %d events, %v", e.wait.coarse, len(events), err)
		}
		e.handle(&events[0])
	}
}

func TestNoTLS(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		if r.name != "epoll" {
			t.Skip("the others have TLS")
		}
		r.dialTo(1, r.listener.Addr().String(), func(d *Dial) { d.TLS = new(TLS) })
		if end := r.wantClosed(1, Unreachable); end.Text == "" {
			t.Error("no word about it")
		}
	})
	for _, tt := range []struct {
		tls  bool
		want string
	}{{false, Epoll}, {true, Portable}} {
		if got := Best(tt.tls); got != tt.want {
			t.Errorf("best for TLS %v: %s", tt.tls, got)
		}
		loop, err := New(tt.tls, Options{})
		if err != nil {
			t.Fatal(err)
		}
		loop.Stop() // before Run, which then ends at once
		if err := loop.Run(new(rig)); err != nil {
			t.Error(err)
		}
	}
}
