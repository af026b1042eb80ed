package gateway

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"squall/driver/dialect"
)

// TestSessionKnowsItsCuts: whatever was cut out of the backlog of a kept session's
// connections, and whether the gap has reached the client or was left in a dead
// socket, the session goes on where its client is: each channel on, event by event
// or past a gap, to its end.
func TestSessionKnowsItsCuts(t *testing.T) {
	seen, unseen := 0, 0 // returns after a gap that was received, and to one that was not
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		bubble(t, Config{HeartbeatEvery: -1, QueueSize: 1000, QueueTTL: time.Minute, Slow: DropOldest, Limits: Limits{Backlog: 32 << 10}}, func(t *testing.T, s *site) {
			p := s.client("p")
			at := map[string]uint64{"c": 0, "d": 0}
			top := map[string]uint64{}
			received, gaps := 0, 0
			flood := func() {
				for _, ch := range []string{"c", "d"} {
					n := 1 + rng.IntN(25)
					p.flood(ch, n, 200+rng.IntN(4000))
					top[ch] += uint64(n)
				}
			}
			// read takes n messages, or all.
			read := func(c *client, n int) (cut int) {
				for ; n != 0 && (at["c"] < top["c"] || at["d"] < top["d"]); n-- {
					m, err := c.next()
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					ch := string(m.Channel)
					switch {
					case m.Kind == dialect.Gapped && m.Offset > at[ch]:
						gaps++
						cut++
					case m.Kind != dialect.Delivered || m.Offset != at[ch]+1:
						t.Fatalf("seed %d: %s after %d", seed, line(m), at[ch])
					}
					at[ch] = m.Offset
					received++
				}
				return cut
			}
			c := s.raw()
			c.text(hello + "\n" + listen + "\n" + `{"id":3,"type":"subscribe","channel":"d"}`)
			c.want(dialect.Connected)
			c.want(dialect.Subscribed)
			c.want(dialect.Subscribed)
			for range 4 {
				before := gaps
				for range 1 + rng.IntN(4) {
					flood()
					time.Sleep(time.Millisecond)
					read(c, rng.IntN(15))
				}
				if gaps > before {
					seen++
				}
				gone := c // vanished: nobody reads there any more
				if rng.IntN(2) == 0 {
					gone.nc.Close()
					time.Sleep(time.Millisecond)
				}
				flood()
				c = s.raw()
				c.text(again(fmt.Sprint(received)))
				if m := c.want(dialect.Connected); !m.Resumed {
					t.Fatalf("seed %d: not resumed with %d received", seed, received)
				}
				if read(c, 20+rng.IntN(60)) > 0 {
					unseen++
				}
			}
			read(c, -1)
			if m := p.publish("c", "1"); m.Offset != top["c"]+1 {
				t.Fatalf("seed %d: the last is %d, want %d", seed, m.Offset, top["c"]+1)
			}
			if top["c"]++; read(c, -1) > 0 {
				t.Errorf("seed %d: a gap at the end", seed)
			}
		})
	}
	if seen < 20 || unseen < 20 {
		t.Errorf("%d returns after a gap, %d to one: nothing was proven", seen, unseen)
	}
}
