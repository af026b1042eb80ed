package gateway

import (
	"strings"
	"testing"
	"time"
)

// TestImpossiblePositions: a resume from another epoch, or from what has not come
// to be, begins anew; each defect takes one of them for good, and only that one.
func TestImpossiblePositions(t *testing.T) {
	for _, defect := range []string{"", "foreign-epoch-accepted", "stale-store-replay", "future-offset-accepted"} {
		cfg := Config{HeartbeatEvery: -1}
		if defect != "" {
			cfg.Defects = []Defect{{Name: defect}}
		}
		t.Run(defect, func(t *testing.T) {
			bubble(t, cfg, func(t *testing.T, s *site) {
				p := s.client("p")
				at := p.subscribe("c")
				p.publish("c", "1")
				epoch := string(at.Epoch)
				for _, row := range []struct {
					epoch, offset, defects string
				}{
					{"nowhere", "1", "foreign-epoch-accepted stale-store-replay"},
					{epoch, "1099511627777", "future-offset-accepted"},
					{epoch, "2", "future-offset-accepted"},
				} {
					c := s.client("c")
					c.text(`{"id":5,"type":"subscribe","channel":"c","recover":{"epoch":"` + row.epoch + `","offset":` + row.offset + `}}`)
					m, err := c.next()
					if want := defect != "" && strings.Contains(row.defects, defect); err != nil || m.Recovered != want || !m.Recovering || m.Offset != 1 {
						t.Errorf("from %s: %+v, %v, want recovered %v at 1", row.offset, m, err, want)
					}
					replay := defect == "stale-store-replay" && row.epoch == "nowhere"
					if got := c.events(time.Second); (got != "") != replay {
						t.Errorf("from %s: replayed %q, want some: %v", row.offset, got, replay)
					}
					c.nc.Close()
				}
				p.nc.Close()
			})
		})
	}
}

// TestOtherSessions: whoever names a session of somebody else gets one of their own,
// and its owner notices nothing; but for two defects.
func TestOtherSessions(t *testing.T) {
	eve := strings.Replace(again("1"), `"type"`, `"user":"eve","type"`, 1)
	for defect, visits := range map[string][]visit{
		"": {{who: "e", says: eve, want: "connected id=1"}, {who: "p", says: say("4")}, {who: "a", want: "event c @2 4"}, {who: "e", want: ""}},
		"session-hijack": {{who: "e", says: eve, want: "connected id=1 resumed"}, {who: "a", want: `closed with 4009 "session taken over"`},
			{who: "p", says: say("4")}, {who: "e", want: "event c @2 4"}},
		"other-session-evicted": {{who: "e", says: eve, want: "connected id=1"}, {who: "a", want: `closed with 4009 "session taken over"`}},
	} {
		cfg := Config{HeartbeatEvery: -1, QueueSize: 5}
		if defect != "" {
			cfg.Defects = []Defect{{Name: defect}}
		}
		t.Run(defect, func(t *testing.T) { converse(t, cfg, append(begin[:3:3], visits...)) })
	}
}

// TestTrustedToken: with the defect an expired token is good for who was there before.
func TestTrustedToken(t *testing.T) {
	bubble(t, Config{Authenticate: believer, Roles: testRoles, Defects: []Defect{{Name: "expired-token-trusted"}}}, func(t *testing.T, s *site) {
		if _, err := s.bearer("member ann expired"); err == nil {
			t.Error("a stranger was let in")
		}
		if _, err := s.bearer("member ann"); err != nil {
			t.Error(err)
		}
		if _, err := s.bearer("member ann expired"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
	})
}
