package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// counter is the cheapest handler there is.
type counter struct {
	loop    Loop
	opened  chan struct{}
	missing atomic.Int64 // messages until full is told
	full    chan struct{}
}

func (c *counter) Open(Token, Stamp) { c.opened <- struct{}{} }
func (c *counter) Message(Token, byte, []byte, Stamp) {
	if c.missing.Add(-1) == 0 {
		c.full <- struct{}{}
	}
}
func (c *counter) Closed(t Token, e End)            { panic(fmt.Sprint(t, " ended: ", e)) }
func (c *counter) Wake(time.Duration) time.Duration { return Never }

// fleet is n connections of one loop to servers in the same process.
type fleet struct {
	*counter
	servers []net.Conn
	done    chan error
	before  time.Duration // what the loop's thread had used before
	l       net.Listener
}

func newFleet(tb testing.TB, loop Loop, n int) *fleet {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	f := &fleet{counter: &counter{loop: loop, opened: make(chan struct{}, n), full: make(chan struct{}, 1)}, done: make(chan error, 1), l: l}
	request, accept := UpgradeRequest("bench", "/", nil, "", key)
	answer := []byte(goodAnswer())
	d := &Dial{Address: l.Addr().String(), Request: request, Accept: accept}
	go func() { f.done <- loop.Run(f) }()
	user, sys := f.cpu()
	f.before = user + sys
	buf := make([]byte, len(request))
	for i := range n {
		loop.Post(func() { loop.Dial(Token(i+1), d) })
		c, err := l.Accept()
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			tb.Fatal(err)
		}
		c.Write(answer)
		f.servers = append(f.servers, c)
		<-f.opened
	}
	return f
}

func (f *fleet) stop() {
	f.loop.Stop()
	<-f.done
	f.l.Close()
	for _, c := range f.servers {
		c.Close()
	}
}

// cpu is the time that the loop's own thread has used, where it has one.
func (f *fleet) cpu() (user, sys time.Duration) {
	done := make(chan struct{})
	f.loop.Post(func() { user, sys = threadTime(); close(done) })
	<-done
	return user, sys
}

// round has every server write message copies times, and waits until all came.
func (f *fleet) round(message []byte, copies int) {
	f.missing.Store(int64(len(f.servers) * copies))
	for _, c := range f.servers {
		for range copies {
			c.Write(message)
		}
	}
	<-f.full
}

// TestReceiveAllocatesNothing: a message costs no allocation, server included.
func TestReceiveAllocatesNothing(t *testing.T) {
	if !hasEpoll {
		t.Skip("no epoll here")
	}
	loop, err := NewEpoll(Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, loop, 20)
	defer f.stop()
	message := []byte(text(strings.Repeat("x", 64)))
	f.round(message, 10)
	if n := testing.AllocsPerRun(50, func() { f.round(message, 5) }); n > 0 {
		t.Errorf("%v allocations for 100 messages", n)
	}
}

// BenchmarkReceive is one 64-byte message over loopback TCP, the writing server
// included.
func BenchmarkReceive(b *testing.B) {
	for _, name := range []string{Epoll, Portable} {
		b.Run(name, func(b *testing.B) {
			f := newFleet(b, newLoop(b, name), 100)
			defer f.stop()
			message := []byte(text(strings.Repeat("x", 64)))
			user0, sys0 := f.cpu()
			f.round(message, 1)
			b.ReportAllocs()
			rounds := 0
			for b.Loop() {
				f.round(message, 1)
				rounds++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds*100), "ns/msg")
			if user, sys := f.cpu(); name == Epoll && user > 0 {
				n := float64(rounds*100 + 100)
				b.ReportMetric(float64((user-user0).Nanoseconds())/n, "loop-user-ns/msg")
				b.ReportMetric(float64((sys-sys0).Nanoseconds())/n, "loop-sys-ns/msg")
			}
		})
	}
}

func newLoop(tb testing.TB, name string) Loop {
	tb.Helper()
	if name == Portable {
		return NewPortable(Options{})
	}
	loop, err := NewEpoll(Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return loop
}

// silent drops what the link writes.
type silent struct{ wire }

func (silent) push([]byte)  {}
func (silent) end(farewell) {}
func (silent) waiting() int { return 0 }

// BenchmarkParse is the user time of one 64-byte message from the read buffer to
// the handler, as every engine spends it: no system call.
func BenchmarkParse(b *testing.B) {
	s := new(shard)
	s.configure(Options{}.withDefaults())
	s.start(&counter{})
	l := &link{shard: s, wire: silent{}, phase: open}
	s.adopt(l)
	one := []byte(text(strings.Repeat("x", 64)))
	at := s.stamp()
	b.ReportAllocs()
	for b.Loop() {
		l.receive(one, at)
	}
}

// BenchmarkConnect is one connection from Dial to Open, the server included.
func BenchmarkConnect(b *testing.B) {
	for _, name := range []string{Epoll, Portable} {
		b.Run(name, func(b *testing.B) {
			const n = 1000
			var cpu time.Duration
			b.ReportAllocs()
			rounds := 0
			for b.Loop() {
				f := newFleet(b, newLoop(b, name), n)
				user, sys := f.cpu()
				cpu += user + sys - f.before
				f.stop()
				rounds++
			}
			if name == Epoll {
				b.ReportMetric(float64(cpu.Microseconds())/float64(rounds*n), "loop-µs/conn")
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(rounds*n), "µs/conn")
		})
	}
}

// TestIdleConnectionIsSmall bounds what an idle connection holds in user space.
func TestIdleConnectionIsSmall(t *testing.T) {
	const n = 2000
	tests := []struct {
		name  string
		limit int64 // bytes, heap and stacks, the server's net.Conn taken off
	}{
		{Epoll, 300},
		{Portable, 9 << 10},
	}
	for _, tt := range tests {
		if tt.name == Epoll && !hasEpoll {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			if raceEnabled {
				t.Skip("the race detector has its own size")
			}
			serverOnly := serverSize(t, n)
			before := inUse()
			f := newFleet(t, newLoop(t, tt.name), n)
			per := (inUse()-before)/n - serverOnly
			f.stop()
			t.Logf("%d B/conn (a server's net.Conn of %d B taken off)", per, serverOnly)
			if per > tt.limit {
				t.Errorf("%d bytes an idle connection, want at most %d", per, tt.limit)
			}
		})
	}
}

// serverSize is what the servers of a fleet take, each.
func serverSize(t *testing.T, n int) int64 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := inUse()
	var servers []net.Conn
	clients := make([]net.Conn, 0, 2*n)
	for range n {
		c, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
		clients = append(clients, c)
	}
	each := (inUse() - before) / int64(2*n)
	for i := range servers {
		servers[i].Close()
		clients[i].Close()
	}
	return each
}

// inUse is the live heap and the stacks.
func inUse() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
