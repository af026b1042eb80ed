package campaign

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"squall/driver/engine/memory"
)

// laggard is a listener whose connections take time in both directions, each its
// own, with some jitter, and in order as TCP keeps it. Without it everything in a
// bubble happens in one instant.
type laggard struct {
	net.Listener
	most time.Duration
	mu   sync.Mutex
	rng  *rand.Rand
	wg   sync.WaitGroup
}

func lag(l net.Listener, most time.Duration, seed uint64) *laggard {
	return &laggard{Listener: l, most: most, rng: rand.New(rand.NewPCG(seed, 0x1a6))}
}

// Accept implements net.Listener.
func (l *laggard) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	near, far := memory.Pipe(16 << 10)
	wire := c.(*memory.Conn)
	l.carry(wire, far)
	l.carry(far, wire)
	return near, nil
}

// carry moves bytes from a to b, later, until they end.
func (l *laggard) carry(a, b *memory.Conn) {
	type parcel struct {
		bytes []byte
		due   time.Time
		err   error
	}
	l.mu.Lock()
	base := time.Duration(l.rng.Float64() * l.rng.Float64() * float64(l.most))
	rng := rand.New(rand.NewPCG(l.rng.Uint64(), 1))
	l.mu.Unlock()
	under := make(chan parcel, 64)
	l.wg.Go(func() {
		defer close(under)
		var last time.Time
		for {
			buf := make([]byte, 4<<10)
			n, err := a.Read(buf)
			due := time.Now().Add(base + time.Duration(rng.Float64()*float64(base)/2))
			if due.Before(last) {
				due = last
			}
			last = due
			under <- parcel{buf[:n], due, err}
			if err != nil {
				return
			}
		}
	})
	l.wg.Go(func() {
		broken := false
		for p := range under {
			time.Sleep(time.Until(p.due))
			if !broken && len(p.bytes) > 0 {
				if _, err := b.Write(p.bytes); err != nil {
					broken = true
					a.Reset() // who still writes there learns it
				}
			}
			switch {
			case p.err == io.EOF:
				b.CloseWrite()
			case p.err != nil:
				b.Reset()
			}
		}
	})
}
