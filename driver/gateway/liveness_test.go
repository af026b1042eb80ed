package gateway

import (
	"testing"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// beaten lets clients live for a minute under a heartbeat of 4 s and 1 s. Those
// who answer do so at once; the others say nothing after connecting. It returns
// the times of the pings of the first client, and when and how each was closed.
func beaten(t *testing.T, cfg Config, n int, answers bool) (pings []time.Duration, ends []time.Duration, codes []ws.StatusCode) {
	cfg.HeartbeatEvery, cfg.HeartbeatTimeout = 4*time.Second, time.Second
	bubble(t, cfg, func(t *testing.T, s *site) {
		for i := range n {
			c := s.client("c")
			began := time.Now()
			end, code := time.Duration(-1), ws.StatusCode(0)
			for {
				c.nc.SetReadDeadline(began.Add(time.Minute))
				h, err := ws.ReadHeader(c.r)
				if err != nil {
					break
				}
				payload := make([]byte, h.Length)
				if _, err := c.r.Read(payload); err != nil {
					break
				}
				if h.OpCode == ws.OpClose {
					code, _ = ws.ParseCloseFrameData(payload)
					end = time.Since(began)
					break
				}
				if i == 0 {
					pings = append(pings, time.Since(began))
				}
				if answers {
					c.nc.SetReadDeadline(time.Time{})
					c.command(&dialect.Command{Verb: dialect.Pong})
				}
			}
			c.nc.Close()
			ends, codes = append(ends, end), append(codes, code)
		}
	})
	return pings, ends, codes
}

func TestHeartbeatKeepsItsTimes(t *testing.T) {
	pings, ends, _ := beaten(t, Config{}, 3, true)
	for i := 1; i < len(pings); i++ {
		if d := pings[i] - pings[i-1]; d != 4*time.Second {
			t.Errorf("ping %d came after %v", i, d)
		}
	}
	if len(pings) < 14 || pings[0] > 4*time.Second {
		t.Errorf("%d pings in a minute, the first after %v", len(pings), pings[0])
	}
	for i, end := range ends {
		if end >= 0 {
			t.Errorf("client %d answered and was closed after %v", i, end)
		}
	}
	_, ends, codes := beaten(t, Config{}, 20, false)
	for i, end := range ends {
		if end < 0 || end > 5*time.Second || codes[i] != CloseNoHeartbeat {
			t.Errorf("silent client %d: ended after %v with %d", i, end, codes[i])
		}
	}
}

func TestLivenessDefects(t *testing.T) {
	_, ends, _ := beaten(t, Config{Defects: []Defect{{Name: "zombie-connection"}}}, 3, false)
	for _, end := range ends {
		if end >= 0 {
			t.Errorf("zombie-connection: closed after %v", end)
		}
	}
	_, ends, codes := beaten(t, Config{Defects: []Defect{{Name: "false-liveness-kill", Every: 5}}}, 3, true)
	for i, end := range ends {
		if end < 15*time.Second || codes[i] != CloseNoHeartbeat {
			t.Errorf("false-liveness-kill: ended after %v with %d, want the fifth ping's", end, codes[i])
		}
	}
	pings, _, _ := beaten(t, Config{Defects: []Defect{{Name: "late-heartbeat"}}}, 1, true)
	if len(pings) < 3 || pings[1]-pings[0] != 12*time.Second {
		t.Errorf("late-heartbeat: pings at %v", pings)
	}
}
