package driver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/scenario"
)

const ballots = `squall: 1
name: ballots
duration: 10s
clients:
  a: {count: 1, subscribe: [{channel: a}]}
  p: {count: 2, publish: [{channel: a, rate: 10/s, payload: {voter: "{n}", at: "{now()}", option: "{pick(['yes','no'])}", n: "{seq}", of: "{run}"}}]}
expect:
  - transform: {channel: a, payload: {option: "{msg.option}", double: "{msg.n * 2}", at: "{msg.at}", of: "{msg.of}"}}
`

// weigher is a shard that does nothing but listen for one client of a plan with a
// transformation, and keeps what it tells.
func weigher(t testing.TB) (*shard, *told) {
	t.Helper()
	plan, problems := scenario.Load("x.yaml", []byte(ballots), scenario.Options{Dialects: []scenario.DialectInfo{{Name: "events"}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	sink := &told{}
	s := listener(history.NewNames([]string{"a", "b"}))
	s.fleet.plan, s.fleet.runID, s.sink = plan, "r1", sink
	s.weighing.on = plan.Compares()
	c := &s.clients[0]
	c.Start(0, 0, &s.out)
	c.Opened(0, &s.out)
	s.out.Events, s.out.Do = s.out.Events[:0], s.out.Do[:0]
	return s, sink
}

type told struct{ events []history.Event }

func (t *told) Add(e history.Event) { t.events = append(t.events, e) }

// cast is the k-th publication of a publisher, as it is written and as it should come.
func cast(t testing.TB, s *shard, channel string, publisher int32, k int64, fence bool) (published, right []byte) {
	t.Helper()
	m, err := s.fleet.plan.Publishers[publisher].Compose(k, time.Duration(k)*time.Second, s.fleet.runID)
	if err != nil {
		t.Fatal(err)
	}
	st := dialect.Stamp{Run: s.fleet.cfg.Run, Publisher: publisher, Seq: uint64(k) + 1, Due: time.Hour, Channel: history.Hash([]byte(channel)), Number: m.Number, Made: m.Made, Fence: fence}
	published = dialect.AppendStamped(nil, m.Payload, st, 300)
	return published, s.fleet.plan.Transforms[0].Make(published)
}

func event(channel string, data []byte) []byte {
	return fmt.Appendf(nil, `{"type":"event","channel":%q,"offset":1,"data":%s}`, channel, data)
}

// say lets the shard hear a message and returns what it told, in short.
func (t *told) hear(s *shard, message []byte) string {
	t.events = nil
	s.receive(&s.clients[0], 0, message, engine.Stamp{})
	var out []string
	for _, e := range t.events {
		text := map[history.Kind]string{history.Deliver: "recv", history.Altered: "altered"}[e.Kind]
		if e.Flags&history.FlagWeighed != 0 {
			text += " weighed"
		}
		if e.Kind == history.Altered {
			text += fmt.Sprintf(" %d: %s", e.Result, e.Note)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestPayloadsAreWeighed(t *testing.T) {
	for range 2 { // the seeds of the memories differ
		s, sink := weigher(t)
		s.repeats.seed = maphash.MakeSeed()
		published, right := cast(t, s, "a", 1, 7, false)
		_, next := cast(t, s, "a", 1, 8, false)
		_, another := cast(t, s, "a", 0, 7, false)
		_, fence := cast(t, s, "a", 1, 7, true)
		elsewhere, _ := cast(t, s, "b", 1, 7, false)
		printed := reprinted(t, right)
		forged := bytes.Replace(right, []byte(`"double":16`), []byte(`"double":17`), 1)
		for round := range 4 { // the first time, learned, remembered
			for _, row := range []struct {
				name    string
				message []byte
				want    string
			}{
				{"right", event("a", right), "recv weighed"},
				{"as a server might print it", event("a", printed), "recv weighed"},
				{"as it was published", event("a", published), "recv weighed, altered weighed 1: the field double is missing"},
				{"another value", event("a", forged), "recv weighed, altered weighed 2: the field double has another value"},
				{"the next one", event("a", next), "recv weighed"},
				{"another publisher's", event("a", another), "recv weighed"},
				{"a fence", event("a", fence), "recv"},
				{"another channel", event("b", elsewhere), "recv"},
				{"without a stamp", event("a", []byte(`{"option":"yes"}`)), "recv"},
				{"two at once", slices.Concat(event("a", right), []byte("\n"), event("a", published)), "recv weighed, recv weighed, altered weighed 1: the field double is missing"},
			} {
				if got := sink.hear(s, row.message); got != row.want {
					t.Errorf("round %d, %s: got %s, want %s", round, row.name, got, row.want)
				}
			}
		}
	}
}

func reprinted(t *testing.T, data []byte) []byte {
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestForgedNumbersAreHarmless: a stamp that names a publication that can't be.
func TestForgedNumbersAreHarmless(t *testing.T) {
	s, sink := weigher(t)
	for _, st := range []dialect.Stamp{{Publisher: -1, Number: 1}, {Publisher: 99, Number: 1}, {Number: 0}, {Number: 1<<63 - 1, Made: -1}} {
		st.Run, st.Channel, st.Seq = s.fleet.cfg.Run, history.Hash([]byte("a")), 1
		got := sink.hear(s, event("a", dialect.AppendStamped(nil, []byte(`{"option":"maybe"}`), st, 0)))
		if !strings.HasPrefix(got, "recv") || len(sink.events) == 0 {
			t.Errorf("%+v: got %s", st, got)
		}
	}
}

// TestRememberedPayloadsCostNothing: of what was found right once only bytes are
// compared.
func TestRememberedPayloadsCostNothing(t *testing.T) {
	s, sink := weigher(t)
	_, right := cast(t, s, "a", 1, 7, false)
	sink.hear(s, event("a", right))
	s.in.Channel = 0
	st := dialect.Stamp{}
	if dialect.FindStamp(right, &st) != dialect.StampValid {
		t.Fatal("no stamp")
	}
	s.placed(&st, 1, engine.Stamp{})
	if n := testing.AllocsPerRun(100, func() {
		s.in.Flags &^= history.FlagWeighed
		s.weigh(&st, right)
	}); n != 0 || s.in.Flags&history.FlagWeighed == 0 {
		t.Errorf("%v allocations, flags %b", n, s.in.Flags)
	}
}

// TestARepeatedPayloadIsWeighedTheSame: whatever comes, and however often, a shard that
// remembers says of its payload what one says that compares every message anew.
func TestARepeatedPayloadIsWeighedTheSame(t *testing.T) {
	wrong := 0
	rapid.Check(t, func(rt *rapid.T) {
		memory, heard := weigher(t)
		one := rapid.Custom(func(rt *rapid.T) []byte {
			published, right := cast(t, memory, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "channel"), rapid.Int32Range(0, 1).Draw(rt, "publisher"), rapid.Int64Range(0, 2).Draw(rt, "k"), rapid.IntRange(0, 4).Draw(rt, "fence") == 0)
			switch rapid.IntRange(0, 3).Draw(rt, "shape") {
			case 0:
				return event("a", published)
			case 1:
				return slices.Concat(event("a", right), event("a", published))
			case 2:
				return event("a", bytes.Replace(right, []byte("yes"), []byte("no"), 1))
			}
			return event("a", right)
		})
		pool := rapid.SliceOfN(one, 1, 5).Draw(rt, "pool")
		for _, k := range rapid.SliceOfN(rapid.IntRange(0, len(pool)-1), 1, 25).Draw(rt, "order") {
			fresh, anew := weigher(t)
			got, want := heard.hear(memory, pool[k]), anew.hear(fresh, pool[k])
			if got != want {
				rt.Fatalf("%s\nremembered %s\nread       %s", pool[k], got, want)
			}
			wrong += strings.Count(want, "altered")
		}
	})
	if wrong == 0 {
		t.Fatal("nothing was wrong: the situation did not occur")
	}
}
