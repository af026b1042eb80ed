package gateway

import (
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// willing is a client that leaves a will on the channel c.
func (s *site) willing(data string) *client {
	s.t.Helper()
	c := s.raw()
	c.command(&dialect.Command{Verb: dialect.Connect, User: "willing", Will: &dialect.Will{Channel: "c", Payload: []byte(data)}})
	c.want(dialect.Connected)
	return c
}

// goodbye ends a connection with a close frame, and waits for the answer.
func (c *client) goodbye() {
	c.left = true
	c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	for {
		if _, err := c.next(); err != nil {
			break
		}
	}
	c.nc.Close()
}

// TestWill: what ends without a goodbye leaves its will, at once and once; what ends
// with one, or goes on, leaves none.
func TestWill(t *testing.T) {
	for _, row := range []struct {
		defect string
		want   []string
	}{
		{"", []string{"event c @1 1", "event c @2 3", "event c @3 5"}},
		{"will-dropped", []string{"event c @1 1", "event c @2 3"}},
		{"will-at-goodbye", []string{"event c @1 1", "event c @2 3", "event c @3 4", "event c @4 5"}},
	} {
		t.Run(row.defect, func(t *testing.T) {
			cfg := Config{HeartbeatEvery: -1}
			if row.defect != "" {
				cfg.Defects = []Defect{{Name: row.defect}}
			}
			bubble(t, cfg, func(t *testing.T, s *site) {
				there := s.client("there")
				there.subscribe("c")
				stays := s.willing("0")
				for i, data := range []string{"1", "2", "3", "4", "5"} {
					c := s.willing(data)
					if i%2 == 0 {
						c.nc.Close()
					} else {
						c.goodbye()
					}
					time.Sleep(time.Second)
				}
				if got := there.drainFor(time.Second); !slices.Equal(got, row.want) {
					t.Errorf("came %q, want %q", got, row.want)
				}
				stays.goodbye()
			})
		})
	}
}

// TestWillRefused: a will that can't be published is refused, and its client with it.
func TestWillRefused(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Roles: []Role{{Name: "", Channels: []string{"a.*"}}}}, func(t *testing.T, s *site) {
		for text, code := range map[string]int{
			`{"id":1,"type":"connect","will":{"channel":"c"}}`:                       400,
			`{"id":1,"type":"connect","will":{"data":1}}`:                            400,
			`{"id":1,"type":"connect","will":{"channel":"c","data":1}}`:              403,
			`{"id":1,"type":"connect","will":{"channel":"a.b","data":1,"more":[1]}}`: 0,
		} {
			c := s.raw()
			c.text(text)
			m, err := c.next()
			if err != nil || m.Code != code || (m.Kind == dialect.Connected) != (code == 0) {
				t.Errorf("%s: %+v, %v, want %d", text, m, err, code)
			}
			c.nc.Close()
		}
	})
}
