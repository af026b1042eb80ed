package gateway

import (
	"bufio"
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// TestOverTCP: real sockets, a reset in the middle, a drain, and no goroutine
// left behind.
func TestOverTCP(t *testing.T) {
	before := runtime.NumGoroutine()
	g, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	connect := func(user string) *client {
		nc, early, _, err := ws.Dial(context.Background(), "ws://"+l.Addr().String()+"/events")
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t: t, nc: nc, r: early, d: dialect.Events{}.Decoder()}
		if early == nil {
			c.r = bufio.NewReader(nc)
		}
		c.command(&dialect.Command{Verb: dialect.Connect, User: user})
		c.want(dialect.Connected)
		return c
	}
	c, p := connect("c"), connect("p")
	epoch := string(c.subscribe("c").Epoch)
	for range 100 {
		p.publish("c", "1")
	}
	for want := range uint64(50) {
		if m := c.want(dialect.Delivered); m.Offset != want+1 {
			t.Fatalf("offset %d, want %d", m.Offset, want+1)
		}
	}
	c.nc.(*net.TCPConn).SetLinger(0)
	c.nc.Close()
	c = connect("c")
	c.recover("c", epoch, 50)
	if m := c.want(dialect.Subscribed); !m.Recovered || m.Offset != 100 {
		t.Fatalf("after a reset: %s", line(m))
	}
	for want := range uint64(50) {
		if m := c.want(dialect.Delivered); m.Offset != want+51 || !m.Replay {
			t.Fatalf("%s, want offset %d", line(m), want+51)
		}
	}
	drained := make(chan error, 1)
	go func() { drained <- g.Drain(context.Background(), Drain{}) }()
	c.wantClose(1001)
	p.wantClose(1001)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	g.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	c.nc.Close()
	p.nc.Close()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
