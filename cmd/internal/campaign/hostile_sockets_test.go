package campaign

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"squall/scenario"
)

// TestHostileOnSockets: the same on loopback, with the engines for sockets, all
// at once; and afterwards no goroutine and no descriptor is left.
func TestHostileOnSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for some seconds of real time")
	}
	goroutines, descriptors := runtime.NumGoroutine(), openFiles()
	var group sync.WaitGroup
	for _, row := range []struct {
		name string
		f    fake
		told string
	}{
		{"403", refuses(403, "not from there"), "HTTP 403 Forbidden: not from there"},
		{"503", refuses(503, "full"), "HTTP 503 Service Unavailable: full"},
		{"an SSH server", banner("SSH-2.0-OpenSSH_9.6\r\n"), "SSH-2.0-OpenSSH"},
		{"closes at once", func(net.Conn) {}, "drops them"},
		{"garbage frames", upgraded(func(p *peer) { p.Write([]byte("\xff\xff\xff\xff")); hang(p) }), "broken WebSocket"},
		{"a frame of 2^62 bytes", upgraded(func(p *peer) { p.Write([]byte{0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0}); hang(p) }), "broken WebSocket"},
		{"no JSON", upgraded(func(p *peer) { p.say("hello there"); hang(p) }), "not events"},
		{"closes at the handshake", upgraded(func(p *peer) { p.Write(frame(8, []byte{0x0d, 0xad})) }), "closed the connection with 3501"},
		{"leaves at the handshake", upgraded(func(*peer) {}), "before its handshake was answered"},
	} {
		for _, engine := range []string{"auto", "portable"} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			w, seed := newWorld(), uint64(1)
			w.listen(l, row.f)
			at := scenario.Options{Seed: &seed, Run: "00000007", Target: "ws://" + l.Addr().String() + "/events", Dialect: "events"}
			plan := compileWith(t, "hostile.yaml", []byte(hostileYAML), at, `clients.teller.subscribe=[{channel: room}]`)
			group.Go(func() {
				_, err := Run(context.Background(), plan, Options{Run: 7, Engine: engine, Loops: 2})
				if !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), row.told) {
					t.Errorf("%s, %s engine: %v, want %q", row.name, engine, err, row.told)
				}
				if took := w.age(); took > 8*time.Second {
					t.Errorf("%s, %s engine: it took %v", row.name, engine, took)
				}
				w.end()
			})
		}
	}
	group.Wait()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines || openFiles() > descriptors; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 64<<10)
			t.Fatalf("%d goroutines and %d descriptors, before %d and %d\n%s", runtime.NumGoroutine(), openFiles(), goroutines, descriptors, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestRateBeyondTheLoop: a rate that no loop can write ends in time, as
// saturated, and Ctrl-C works meanwhile.
func TestRateBeyondTheLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("keeps a core busy for a second")
	}
	seed := uint64(1)
	at := scenario.Options{Seed: &seed, Run: "00000007", Target: "embedded"}
	plan := compileWith(t, "hostile.yaml", []byte(hostileYAML), at, "clients.teller.publish.0.rate=1000000000/s", "duration=60s", "clients.members.count=1")
	interrupt := make(chan struct{})
	stop := time.AfterFunc(time.Second, func() { close(interrupt) })
	defer stop.Stop()
	began := time.Now()
	r, err := Run(context.Background(), plan, Options{Run: 7, Loops: 1, Interrupt: interrupt})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 30*time.Second || !r.Interrupted || !r.Generator.Saturated || len((&endured{r: r}).fails()) > 0 {
		t.Errorf("after %v:\n%s", took, tell(r))
	}
}

// openFiles is how many descriptors this process has open; 0 where it can't be told.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}
