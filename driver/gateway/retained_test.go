package gateway

import (
	"slices"
	"testing"
	"time"

	"squall/driver/dialect"
)

// keepOn publishes what the channel is to keep.
func (c *client) keepOn(channel, data string) {
	c.t.Helper()
	c.command(&dialect.Command{Verb: dialect.Publish, Channel: channel, Retain: true, Payload: []byte(data)})
	c.want(dialect.Published)
}

// comes lists what comes to a new client that subscribes to a topic.
func (s *site) comes(topic string) []string {
	c := s.client("late")
	defer c.nc.Close()
	c.to(dialect.Subscribe, topic)
	lines := c.drainFor(time.Second)
	slices.Sort(lines)
	return lines
}

// TestRetained: whoever subscribes is given the latest message that was to be kept.
// Who was there got it live, unmarked.
func TestRetained(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, HistorySize: 2, HistoryTTL: time.Second}, func(t *testing.T, s *site) {
		there := s.client("there")
		there.subscribe("a.1")
		p := s.client("p")
		p.keepOn("a.1", "1")
		p.keepOn("a.1", "2")
		p.publish("a.1", "3")
		p.keepOn("a.2", "4")
		for range 6 {
			p.publish("a.1", "5")
		}
		time.Sleep(time.Hour) // longer than any history
		if got, want := there.drainFor(time.Second)[:3], []string{"event a.1 @1 1", "event a.1 @2 2", "event a.1 @3 3"}; !slices.Equal(got, want) {
			t.Errorf("who was there: %q", got)
		}
		for topic, want := range map[string][]string{
			"a.1": {"event a.1 retained 2"},
			"a.2": {"event a.2 retained 4"},
			"a.3": nil,
			"a.*": {"event a.1 retained 2", "event a.2 retained 4"},
		} {
			if got := s.comes(topic); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", topic, got, want)
			}
		}
		there.to(dialect.Unsubscribe, "a.1")
		there.subscribe("a.1")
		if got := there.drainFor(time.Second); !slices.Equal(got, []string{"event a.1 retained 2"}) {
			t.Errorf("who asks again: %q", got)
		}
	})
}

// TestRetainedStandsBesideTheStream: it comes after the answer and before what is
// replayed, a client's count of its session's messages goes on without it, a resumed
// session is no subscribe, and with the stream it is lost.
func TestRetainedStandsBesideTheStream(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, QueueSize: 10, Filter: func(text string) (func([]byte) bool, error) {
		return func(data []byte) bool { return string(data) != text }, nil
	}}, func(t *testing.T, s *site) {
		p := s.client("p")
		p.keepOn("c", "1")
		p.publish("c", "2")
		c := s.client("late")
		epoch := string(c.subscribe("c").Epoch)
		if got := c.drainFor(time.Second); !slices.Equal(got, []string{"event c retained 1"}) {
			t.Errorf("%q", got)
		}
		c.nc.Close()
		c = s.client("back")
		c.recover("c", epoch, 0)
		if got := c.drainFor(time.Second); !slices.Equal(got, []string{"subscribed id=2 c @2 recovered=true", "event c retained 1", "event c @1 replay 1", "event c @2 replay 2"}) {
			t.Errorf("%q", got)
		}
		for text, want := range map[string][]string{"1": nil, "0": {"event c retained 1"}} {
			f := s.client("filtered")
			f.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Filter: text})
			f.want(dialect.Subscribed)
			if got := f.drainFor(time.Second); !slices.Equal(got, want) {
				t.Errorf("behind the filter %s: %q", text, got)
			}
		}
		k := s.raw()
		k.command(&dialect.Command{Verb: dialect.Connect, User: "k", Session: "x", Keep: true})
		k.want(dialect.Connected)
		k.subscribe("c")
		if got := k.drainFor(time.Second); !slices.Equal(got, []string{"event c retained 1"}) {
			t.Errorf("%q", got)
		}
		p.publish("c", "3")
		k.want(dialect.Delivered)
		k.nc.Close()
		time.Sleep(time.Second)
		p.publish("c", "4")
		k = s.raw()
		k.command(&dialect.Command{Verb: dialect.Connect, User: "k", Session: "x", Keep: true, Received: 1})
		if m := k.want(dialect.Connected); !m.Resumed {
			t.Errorf("%+v", m)
		}
		if got := k.drainFor(time.Second); !slices.Equal(got, []string{"event c @4 replay 4"}) {
			t.Errorf("%q", got)
		}
		s.g.hub.lose()
		if got := s.comes("c"); len(got) > 0 {
			t.Errorf("after the loss of the stream: %q", got)
		}
	})
}

// TestRetainedDefects: each does what it says.
func TestRetainedDefects(t *testing.T) {
	for _, row := range []struct {
		defect string
		topic  string
		last   string   // that is to be kept, after 1, 2 and 3
		want   []string // what comes to four who subscribe one after the other
	}{
		{"", "a.1", "4", []string{"event a.1 retained 4", "event a.1 retained 4", "event a.1 retained 4", "event a.1 retained 4"}},
		{"retained-dropped", "a.1", "4", []string{"event a.1 retained 4", "event a.1 retained 4", "event a.1 retained 4", ""}},
		{"retained-outdated", "a.1", "2", []string{"event a.1 retained 2", "event a.1 retained 2", "event a.1 retained 2", "event a.1 retained 2"}},
		{"retained-any", "a.1", "4", []string{"event a.1 retained 6", "event a.1 retained 6", "event a.1 retained 6", "event a.1 retained 6"}},
	} {
		t.Run(row.defect, func(t *testing.T) {
			cfg := Config{HeartbeatEvery: -1}
			if row.defect != "" {
				cfg.Defects = []Defect{{Name: row.defect}}
			}
			bubble(t, cfg, func(t *testing.T, s *site) {
				p := s.client("p")
				for _, n := range []string{"1", "2", "3"} {
					p.keepOn("a.1", n)
				}
				if row.last != "2" { // else 3 is the last, and it was not taken
					p.keepOn("a.1", row.last)
				}
				p.publish("a.1", "5")
				p.publish("a.1", "6")
				for i, want := range row.want {
					got := ""
					if lines := s.comes(row.topic); len(lines) == 1 {
						got = lines[0]
					}
					if got != want {
						t.Errorf("subscriber %d: %q, want %q", i, got, want)
					}
				}
			})
		})
	}
	bubble(t, Config{HeartbeatEvery: -1, Defects: []Defect{{Name: "retained-one-match"}}}, func(t *testing.T, s *site) {
		p := s.client("p")
		p.keepOn("a.1", "1")
		p.keepOn("a.2", "2")
		if got := s.comes("a.*"); len(got) != 1 {
			t.Errorf("a pattern is given %q", got)
		}
	})
}
