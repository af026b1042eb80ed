package gateway

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"squall/driver/dialect"

	"github.com/gobwas/ws"
)

// BenchmarkFanOut publishes to 1,000 subscribers over loopback; b.N counts the
// deliveries, read by one plain reader a connection, and fails unless each of
// them has arrived.
func BenchmarkFanOut(b *testing.B) {
	const subscribers = 1000
	const ahead = 1 // events under way
	g, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var arrived atomic.Int64
	var readers int
	done := make(chan bool)
	for range subscribers {
		nc := dialBench(b, l.Addr().String())
		readers++
		go func() {
			buf := make([]byte, 8<<10)
			for {
				n, err := nc.Read(buf)
				arrived.Add(int64(bytes.Count(buf[:n], []byte(`"option"`))))
				if err != nil {
					done <- true
					return
				}
			}
		}()
	}
	for g.Connections() < subscribers {
		runtime.Gosched()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse) / subscribers

	data := dialect.AppendStamped(nil, []byte(`{"option":3,"voter":"voter-1423"}`), dialect.Stamp{Run: 1}, 0)
	b.ResetTimer()
	rounds := b.N/subscribers + 1
	for i := range rounds {
		s := g.hub.stream("c")
		if _, _, ok := s.publish(0, "", body{data: data}, g.wrong); !ok {
			b.Fatal("the stream is gone")
		}
		for arrived.Load() < int64(i-ahead)*subscribers {
			runtime.Gosched()
		}
	}
	for arrived.Load() < int64(rounds*subscribers) {
		runtime.Gosched()
	}
	b.StopTimer()
	b.ReportMetric(each, "B/conn") // of both ends; the reader's takes 8 KiB and a stack
	if got, want := arrived.Load(), int64(rounds*subscribers); got != want {
		b.Errorf("%d deliveries, want %d", got, want)
	}
	g.Close()
	<-served
	for range readers {
		<-done
	}
}

func dialBench(b *testing.B, addr string) net.Conn {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	io.WriteString(nc, "GET /events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	head := make([]byte, 129)
	if _, err := io.ReadFull(nc, head); err != nil {
		b.Fatal(err)
	}
	ws.WriteFrame(nc, ws.MaskFrame(ws.NewTextFrame([]byte(`{"id":1,"type":"connect"}`+"\n"+`{"id":2,"type":"subscribe","channel":"c"}`))))
	return nc
}
