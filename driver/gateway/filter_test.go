package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/driver/dialect"
)

// contains is a language of filters for tests: the data must contain the text.
func contains(text string) (func(data []byte) bool, error) {
	if text == "?" {
		return nil, errors.New("what is that?")
	}
	return func(data []byte) bool { return bytes.Contains(data, []byte(text)) }, nil
}

func filtering(d ...Defect) Config {
	return Config{HeartbeatEvery: -1, QueueSize: 100, QueueTTL: time.Minute, Filter: contains, Defects: d}
}

const (
	listenA = `{"id":2,"type":"subscribe","channel":"c","filter":"a"}`
	enterP  = `{"id":1,"type":"connect","user":"p"}`
)

// mixed publishes n events of which every third holds an a, from the first on.
func mixed(n int) string {
	s := ""
	for i := range n {
		s += say([...]string{`"a"`, `"b"`, `"cb"`}[i%3]) + "\n"
	}
	return s
}

func TestFilters(t *testing.T) {
	plain := `{"id":1,"type":"connect","user":"u"}`
	for _, row := range []struct {
		comment string
		cfg     Config
		visits  []visit
	}{
		{"a filter that can't be read", filtering(), []visit{
			{who: "a", says: plain + "\n" + `{"id":2,"type":"subscribe","channel":"c","filter":"?"}`, want: "connected id=1, error id=2 400"},
			{who: "a", says: listenA, want: "subscribed id=2 c @0"}}},
		{"no filters here", Config{HeartbeatEvery: -1}, []visit{
			{who: "a", says: plain + "\n" + listenA, want: "connected id=1, error id=2 400"}}},
		{"live", filtering(), []visit{
			{who: "a", says: plain + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + mixed(5), want: "connected id=1"},
			{who: "a", want: `event c @1 "a", event c @4 "a"`}}},
		{"a replay ends with a position", filtering(), []visit{
			{who: "p", says: enterP + "\n" + mixed(1), want: "connected id=1"},
			{who: "a", says: plain + "\n" + listenA, want: "connected id=1, subscribed id=2 c @1"},
			{who: "a", says: "drop"},
			{who: "p", says: mixed(6)},
			{who: "b", says: plain + "\n" + resumeA("1"), want: `connected id=1, subscribed id=2 c @7 recovered=true, event c @2 replay "a", event c @5 replay "a", position c @7`}}},
		{"or with the event there", filtering(), []visit{
			{who: "p", says: enterP + "\n" + mixed(4), want: "connected id=1"},
			{who: "b", says: plain + "\n" + resumeA("1"), want: `connected id=1, subscribed id=2 c @4 recovered=true, event c @4 replay "a"`}}},
		{"nothing to replay", filtering(), []visit{
			{who: "p", says: enterP + "\n" + mixed(3), want: "connected id=1"},
			{who: "b", says: plain + "\n" + resumeA("1"), want: `connected id=1, subscribed id=2 c @3 recovered=true, position c @3`},
			{who: "b", says: "drop"},
			{who: "d", says: plain + "\n" + resumeA("3"), want: `connected id=1, subscribed id=2 c @3 recovered=true`}}},
		{"a kept session", filtering(), []visit{
			{who: "a", says: hello + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + mixed(2), want: "connected id=1"},
			{who: "a", want: `event c @1 "a"`},
			{who: "a", says: "drop"},
			{who: "p", says: mixed(4)},
			{who: "b", says: again("1"), want: `connected id=1 resumed, event c @3 replay "a", event c @6 replay "a"`},
			{who: "p", says: mixed(2)},
			{who: "b", want: `event c @7 "a"`}}},
		{"another filter in a session that goes on", filtering(), []visit{
			{who: "a", says: hello + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "a", says: "drop"},
			{who: "b", says: again("0") + "\n" + `{"id":2,"type":"subscribe","channel":"c","filter":"b"}`, want: "connected id=1 resumed, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + mixed(3), want: "connected id=1"},
			{who: "b", want: `event c @2 "b", event c @3 "cb"`}}},
		{"another filter on the same connection", filtering(), []visit{
			{who: "a", says: plain + "\n" + listenA + "\n" + `{"id":3,"type":"subscribe","channel":"c","filter":"b"}`, want: "connected id=1, subscribed id=2 c @0, error id=3 409"},
			{who: "a", says: `{"id":4,"type":"unsubscribe","channel":"c"}` + "\n" + `{"id":5,"type":"subscribe","channel":"c","filter":"b"}`, want: "unsubscribed id=4 c, subscribed id=5 c @0"},
			{who: "p", says: enterP + "\n" + mixed(3), want: "connected id=1"},
			{who: "a", want: `event c @2 "b", event c @3 "cb"`}}},
		{"a pattern", filtering(), []visit{
			{who: "a", says: plain + "\n" + `{"id":2,"type":"subscribe","pattern":"*","filter":"a"}`, want: "connected id=1, subscribed id=2"},
			{who: "p", says: enterP + "\n" + mixed(4), want: "connected id=1"},
			{who: "a", want: `event c @1 "a", event c @4 "a"`}}},
		{"one of two lets it through", filtering(), []visit{
			{who: "a", says: plain + "\n" + listenA + "\n" + `{"id":3,"type":"subscribe","pattern":"*","filter":"c"}`, want: "connected id=1, subscribed id=2 c @0, subscribed id=3"},
			{who: "p", says: enterP + "\n" + mixed(4), want: "connected id=1"},
			{who: "a", want: `event c @1 "a", event c @3 "cb", event c @4 "a"`}}},

		{"filter-false-positive", filtering(Defect{Name: "filter-false-positive", Every: 2}), []visit{
			{who: "a", says: plain + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + mixed(6), want: "connected id=1"},
			{who: "a", want: `event c @1 "a", event c @3 "cb", event c @4 "a", event c @6 "cb"`}}},
		{"unfiltered-replay", filtering(Defect{Name: "unfiltered-replay", Every: 2}), []visit{
			{who: "p", says: enterP + "\n" + mixed(5), want: "connected id=1"},
			{who: "b", says: plain + "\n" + resumeA("1"), want: `connected id=1, subscribed id=2 c @5 recovered=true, event c @3 replay "cb", event c @4 replay "a", position c @5`}}},
		{"unfiltered-queue", filtering(Defect{Name: "unfiltered-queue", Every: 2}), []visit{
			{who: "a", says: hello + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "a", says: "drop"},
			{who: "p", says: enterP + "\n" + mixed(4), want: "connected id=1"},
			{who: "b", says: again("0"), want: `connected id=1 resumed, event c @1 replay "a", event c @3 replay "cb", event c @4 replay "a"`},
			{who: "p", says: mixed(3)},
			{who: "b", want: `event c @5 "a"`}}},
		{"filter-false-negative", filtering(Defect{Name: "filter-false-negative", Every: 4}), []visit{
			{who: "a", says: plain + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + mixed(7), want: "connected id=1"},
			{who: "a", want: `event c @1 "a", event c @7 "a"`},
			{who: "b", says: plain + "\n" + resumeA("1"), want: `connected id=1, subscribed id=2 c @7 recovered=true, event c @7 replay "a"`}}},
		{"stale-filter", filtering(Defect{Name: "stale-filter"}), []visit{
			{who: "a", says: plain + "\n" + listenA, want: "connected id=1, subscribed id=2 c @0"},
			{who: "a", says: `{"id":4,"type":"unsubscribe","channel":"c"}` + "\n" + `{"id":5,"type":"subscribe","channel":"c","filter":"b"}`, want: "unsubscribed id=4 c, subscribed id=5 c @0"},
			{who: "p", says: enterP + "\n" + mixed(3), want: "connected id=1"},
			{who: "a", want: `event c @1 "a"`}}},
	} {
		t.Run(row.comment, func(t *testing.T) { converse(t, row.cfg, row.visits) })
	}
}

func resumeA(offset string) string {
	return `{"id":2,"type":"subscribe","channel":"c","filter":"a","recover":{"epoch":"` + epochOfC + `","offset":` + offset + `}}`
}

// epochOfC stands for the epoch of the channel c in what visits say.
const epochOfC = "EPOCH-OF-C"

// epoch is the present one of a channel.
func (s *site) epoch(channel string) string {
	c := s.g.hub.stream(channel)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.top.epoch
}

// TestPositionsAreTold: while a filter keeps everything back, a position comes now and
// then, so that the history does not outgrow the client's.
func TestPositionsAreTold(t *testing.T) {
	bubble(t, filtering(), func(t *testing.T, s *site) {
		p, r := s.client("p"), s.client("r")
		r.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Filter: "a"})
		r.want(dialect.Subscribed)
		for range 2*mostKeptBack + 5 {
			p.publish("c", `"b"`)
		}
		p.publish("c", `"a"`)
		want := []string{fmt.Sprintf("position c @%d", mostKeptBack), fmt.Sprintf("position c @%d", 2*mostKeptBack), fmt.Sprintf(`event c @%d "a"`, 2*mostKeptBack+6)}
		if got := r.drainFor(time.Second); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestFilterIsChosenFromAll: with a filter, live or in a replay, exactly those events
// come that come without one and that the filter lets through.
func TestFilterIsChosenFromAll(t *testing.T) {
	words := []string{`"a"`, `"b"`, `"ab"`, `"abc"`, `1`, `{"a":1}`, `[]`}
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(rapid.SampledFrom(words), 1, 150).Draw(rt, "data")
		text := rapid.SampledFrom([]string{"a", "b", "abc", "1", "nothing"}).Draw(rt, "filter")
		cut := rapid.IntRange(0, len(data)).Draw(rt, "cut")
		bubble(t, filtering(), func(t *testing.T, s *site) {
			p, all, some := s.client("p"), s.client("all"), s.client("some")
			m := all.subscribe("c")
			epoch := string(m.Epoch)
			ask := func(c *client, recover bool, offset uint64) {
				c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Filter: text, Recover: recover, Epoch: epoch, Offset: offset})
				c.want(dialect.Subscribed)
			}
			ask(some, false, 0)
			for i, d := range data {
				if i == cut {
					some.nc.Close()
					some = s.client("some")
					ask(some, true, 0)
				}
				p.publish("c", d)
			}
			pass, _ := contains(text)
			var got, want []uint64
			for _, c := range []struct {
				c    *client
				to   *[]uint64
				keep func([]byte) bool
			}{{some, &got, func([]byte) bool { return true }}, {all, &want, pass}} {
				c.c.nc.SetReadDeadline(time.Now().Add(time.Second))
				for m, err := c.c.next(); err == nil; m, err = c.c.next() {
					if m.Kind == dialect.Delivered && c.keep(m.Payload) {
						*c.to = append(*c.to, m.Offset)
					}
				}
			}
			if !slices.Equal(got, want) {
				rt.Errorf("with the filter %v, without it and chosen %v", got, want)
			}
			some.nc.Close()
			all.nc.Close()
			p.nc.Close()
		})
	})
}

// filled puts the epoch into what a visit says.
func (s *site) filled(says string) string {
	if !strings.Contains(says, epochOfC) {
		return says
	}
	return strings.ReplaceAll(says, epochOfC, s.epoch("c"))
}
