package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/driver/dialect"
)

func TestMatches(t *testing.T) {
	for _, row := range []struct {
		pattern string
		yes, no string
	}{
		{"a.*", "a.b a.", "a a.b.c b.a ab.c"},
		{"a.**", "a.b a.b.c", "a b.a ab"},
		{"*", "a b", "a.b"},
		{"**", "a a.b a.b.c", ""},
		{"*.b.*", "a.b.c", "a.b a.b.c.d a.c.b"},
		{"a.*.**", "a.b.c a.b.c.d", "a.b a"},
	} {
		segments, err := segmentsOf(row.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(row.yes) {
			if !matches(segments, name) {
				t.Errorf("%s does not match %s, want it to", row.pattern, name)
			}
		}
		for _, name := range strings.Fields(row.no) {
			if matches(segments, name) {
				t.Errorf("%s matches %s, want it not to", row.pattern, name)
			}
		}
	}
	for _, bad := range []string{"", "a..b", "a.**.b", "a.b*", "a.***"} {
		if _, err := segmentsOf(bad); err == nil {
			t.Errorf("%q is accepted as a pattern", bad)
		}
	}
}

// to subscribes to a topic, or unsubscribes, and waits for the answer.
func (c *client) to(verb dialect.Verb, topic string) dialect.Message {
	c.t.Helper()
	c.command(&dialect.Command{Verb: verb, Channel: topic, Pattern: strings.Contains(topic, "*")})
	for {
		m, err := c.next()
		if err != nil {
			c.t.Fatal(err)
		}
		if m.Kind != dialect.Delivered {
			return m
		}
	}
}

// TestPatterns follows the text of the protocol.
func TestPatterns(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, s *site) {
		c, p := s.client("c"), s.client("p")
		p.publish("n.old", `0`)
		c.to(dialect.Subscribe, "n.*")
		if m := c.to(dialect.Subscribe, "n.*"); m.Kind != dialect.Error || m.Code != 409 {
			t.Errorf("a pattern twice: got %s, want 409", line(m))
		}
		p.publish("n.old", `1`)
		p.publish("n.new", `2`) // comes into being behind the pattern
		p.publish("m.new", `3`)
		p.publish("n.new.deep", `4`)
		if got := c.events(time.Second); got != "n.old/2=1 n.new/1=2" {
			t.Errorf("got %q, want what the pattern matches, with its offsets", got)
		}
		c.to(dialect.Unsubscribe, "n.*")
		if m := c.to(dialect.Unsubscribe, "n.*"); m.Kind != dialect.Error || m.Code != 404 {
			t.Errorf("unsubscribed twice: got %s, want 404", line(m))
		}
		p.publish("n.old", `5`)
		p.publish("n.third", `6`)
		if got := c.events(time.Second); got != "" {
			t.Errorf("got %q after the unsubscribe, want nothing", got)
		}
		c.text(`{"id":11,"type":"subscribe","pattern":"n.*","recover":{"epoch":"x","offset":1}}`)
		if m := c.want(dialect.Error); m.Code != 400 {
			t.Errorf("a pattern with a position: got %s, want 400", line(m))
		}
	})
}

// events lists what comes within d as channel/offset=data. Those of a pattern
// must name their epoch.
func (c *client) events(d time.Duration) string {
	c.t.Helper()
	c.nc.SetReadDeadline(time.Now().Add(d))
	defer c.nc.SetReadDeadline(time.Time{})
	var words []string
	for {
		m, err := c.next()
		if err != nil {
			return strings.Join(words, " ")
		}
		if m.Kind == dialect.Delivered {
			words = append(words, fmt.Sprintf("%s/%d=%s", m.Channel, m.Offset, m.Payload))
		}
	}
}

// TestOverlaps: however subscriptions overlap, and in whatever order they come
// and go, an event comes once as long as one of them stands, and not at all when
// none does.
func TestOverlaps(t *testing.T) {
	topics := []string{"a.b", "a.*", "**", "*.b"}
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, len(topics)), 1, 25).Draw(r, "steps")
		bubble(t, Config{}, func(t *testing.T, s *site) {
			on := make([]bool, len(topics)+1)
			c, p := s.client("c"), s.client("p")
			for i, k := range steps {
				if k < len(topics) {
					verb := dialect.Subscribe
					if on[k] {
						verb = dialect.Unsubscribe
					}
					on[k] = !on[k]
					if m := c.to(verb, topics[k]); m.Kind == dialect.Error {
						r.Fatalf("after %v: %s", steps[:i+1], line(m))
					}
				}
				p.publish("a.b", fmt.Sprint(i))
				want := ""
				if slices.Contains(on, true) {
					want = fmt.Sprintf("a.b/%d=%d", i+1, i)
				}
				if got := c.events(time.Millisecond); got != want {
					r.Fatalf("after %v: got %q, want %q", steps[:i+1], got, want)
				}
			}
			c.nc.Close()
			p.nc.Close()
		})
	})
}
