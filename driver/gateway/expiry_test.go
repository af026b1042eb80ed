package gateway

import (
	"testing"
	"time"

	"squall/driver/dialect"
)

// fleeting lets everybody in for five seconds; the token is the user.
func fleeting(token, _ string) (Identity, error) {
	return Identity{User: token, Expires: time.Now().Add(5 * time.Second)}, nil
}

// TestExpiry: a connection ends with its token. What was published before comes,
// nothing later does, and a new connection goes on from there.
func TestExpiry(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Authenticate: fleeting}, func(t *testing.T, s *site) {
		begin := time.Now()
		c, err := s.bearer("ann")
		if err != nil {
			t.Fatal(err)
		}
		at := c.subscribe("c")
		time.Sleep(4 * time.Second)
		p, _ := s.bearer("bob")
		p.publish("c", "1")
		c.want(dialect.Delivered)
		c.wantClose(CloseExpired)
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("ended after %v", d)
		}
		c.nc.Close()
		p.publish("c", "2")
		c, _ = s.bearer("ann")
		c.recover("c", string(at.Epoch), 1)
		if m := c.want(dialect.Subscribed); !m.Recovered || m.Offset != 2 {
			t.Errorf("%+v", m)
		}
		if m := c.want(dialect.Delivered); m.Offset != 2 {
			t.Errorf("%+v", m)
		}
	})
}

// TestExpiredTokenAlive: the defect lets every second connection live.
func TestExpiredTokenAlive(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Authenticate: fleeting, Defects: []Defect{{Name: "expired-token-alive"}}}, func(t *testing.T, s *site) {
		for range 4 {
			c, err := s.bearer("ann")
			if err != nil {
				t.Fatal(err)
			}
			defer c.nc.Close()
			go c.drainFor(10 * time.Second)
		}
		time.Sleep(9 * time.Second)
		if n := s.g.Connections(); n != 2 {
			t.Errorf("%d connections are left, want 2", n)
		}
		time.Sleep(2 * time.Second)
	})
}
