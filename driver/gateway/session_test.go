package gateway

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// visit is one connection of a session: what it says, and what it must hear.
type visit struct {
	who  string        // which connection: a new name is a new connection
	says string        // raw commands; "drop" ends the connection without a word
	wait time.Duration // before it says so
	want string        // lines, with commas between
}

// converse runs the visits of several connections, in order.
func converse(t *testing.T, cfg Config, visits []visit) {
	t.Helper()
	bubble(t, cfg, func(t *testing.T, s *site) {
		who := make(map[string]*client)
		for i, v := range visits {
			time.Sleep(v.wait)
			c := who[v.who]
			if c == nil {
				c = s.raw()
				who[v.who] = c
			}
			switch v.says {
			case "":
			case "drop":
				c.nc.Close()
				delete(who, v.who)
				time.Sleep(time.Second)
				continue
			default:
				c.text(s.filled(v.says))
			}
			got := strings.Join(c.drainFor(time.Second), ", ")
			if !reflect.DeepEqual(got, v.want) {
				t.Errorf("visit %d, %s\n says %s\n  got %s\n want %s", i, v.who, v.says, got, v.want)
			}
		}
	})
}

const (
	hello  = `{"id":1,"type":"connect","session":"s","keep":true}`
	listen = `{"id":2,"type":"subscribe","channel":"c"}`
)

func again(received string) string {
	return `{"id":1,"type":"connect","session":"s","keep":true,"received":` + received + `}`
}

func say(data string) string { return `{"type":"publish","channel":"c","data":` + data + `}` }

// begin lets a session hear one message, and then, while it is away, two more.
var begin = []visit{
	{who: "a", says: hello + "\n" + listen, want: "connected id=1, subscribed id=2 c @0"},
	{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + say("1"), want: "connected id=1"},
	{who: "a", want: "event c @1 1"},
	{who: "a", says: "drop"},
	{who: "p", says: say("2") + "\n" + say("3"), want: ""},
}

func TestSessions(t *testing.T) {
	kept := Config{HeartbeatEvery: -1, QueueSize: 3, QueueTTL: time.Minute}
	for _, row := range []struct {
		comment string
		cfg     Config
		visits  []visit
	}{
		{"what came meanwhile follows the answer", kept, []visit{
			{who: "b", says: again("1"), want: "connected id=1 resumed, event c @2 replay 2, event c @3 replay 3"},
			{who: "p", says: say("4")}, {who: "b", want: "event c @4 4"}}},
		{"what was lost on the way is sent again", kept, []visit{
			{who: "b", says: again("0"), want: "connected id=1 resumed, event c @1 replay 1, event c @2 replay 2, event c @3 replay 3"}}},
		{"twice in a row", kept, []visit{
			{who: "b", says: again("1"), want: "connected id=1 resumed, event c @2 replay 2, event c @3 replay 3"},
			{who: "b", says: "drop"},
			{who: "p", says: say("4")},
			{who: "d", says: again("3"), want: "connected id=1 resumed, event c @4 replay 4"}}},
		{"a message too many", kept, []visit{
			{who: "p", says: say("4") + "\n" + say("5")},
			{who: "b", says: again("1"), want: "connected id=1"},
			{who: "b", says: listen, want: "subscribed id=2 c @5"}}},
		{"too late", kept, []visit{{who: "b", wait: 2 * time.Minute, says: again("1"), want: "connected id=1"}}},
		{"a count that can't be", kept, []visit{{who: "b", says: again("9"), want: "connected id=1"}}},
		{"begun anew", kept, []visit{
			{who: "b", says: `{"id":1,"type":"connect","session":"s","keep":true,"fresh":true,"received":1}`, want: "connected id=1"},
			{who: "p", says: say("4")}, {who: "b", want: ""}}},
		{"another user's", kept, []visit{
			{who: "b", says: `{"id":1,"type":"connect","user":"eve","session":"s","keep":true,"received":1}`, want: "connected id=1"}}},
		{"another name", kept, []visit{
			{who: "b", says: `{"id":1,"type":"connect","session":"t","keep":true,"received":1}`, want: "connected id=1"}}},
		{"nothing is kept unless it is asked for", kept, []visit{
			{who: "b", says: `{"id":1,"type":"connect","session":"s","received":1}`, want: "connected id=1"},
			{who: "p", says: say("4")}, {who: "b", want: ""}}},
		{"nothing is kept by default", Config{HeartbeatEvery: -1}, []visit{
			{who: "b", says: again("1"), want: "connected id=1"}, {who: "p", says: say("4")}, {who: "b", want: ""}}},
		{"a subscription that came along may be begun anew", kept, []visit{
			{who: "b", says: again("1") + "\n" + listen, want: "connected id=1 resumed, event c @2 replay 2, event c @3 replay 3, subscribed id=2 c @3"},
			{who: "b", says: listen, want: "error id=2 409"},
			{who: "p", says: say("4")}, {who: "b", want: "event c @4 4"}}},
		{"one that came along may be ended", kept, []visit{
			{who: "b", says: again("3") + "\n" + `{"id":2,"type":"unsubscribe","channel":"c"}`, want: "connected id=1 resumed, unsubscribed id=2 c"},
			{who: "p", says: say("4")}, {who: "b", want: ""}}},
		{"a pattern ends with the connection that is taken over", kept, []visit{
			{who: "b", says: again("1") + "\n" + `{"id":3,"type":"subscribe","pattern":"d.*"}`,
				want: "connected id=1 resumed, event c @2 replay 2, event c @3 replay 3, subscribed id=3"},
			{who: "d", says: again("3") + "\n" + `{"id":3,"type":"subscribe","pattern":"d.*"}`, want: "connected id=1 resumed, subscribed id=3"},
			{who: "p", says: `{"type":"publish","channel":"d.e","data":4}`}, {who: "d", want: "event d.e @1 4"}}},
		{"a pattern and what came along bring one copy", kept, []visit{
			{who: "b", says: again("3") + "\n" + `{"id":3,"type":"subscribe","pattern":"*"}` + "\n" +
				`{"id":4,"type":"unsubscribe","channel":"c"}` + "\n" + `{"id":5,"type":"subscribe","channel":"c"}`,
				want: "connected id=1 resumed, subscribed id=3, unsubscribed id=4 c, subscribed id=5 c @3"},
			{who: "p", says: say("4")}, {who: "b", want: "event c @4 4"}}},
		{"without a history", Config{HeartbeatEvery: -1, QueueSize: 3, HistorySize: -1}, nil},
	} {
		t.Run(row.comment, func(t *testing.T) {
			visits := append(append([]visit(nil), begin...), row.visits...)
			if row.cfg.HistorySize < 0 {
				visits = []visit{
					{who: "a", says: hello + "\n" + listen, want: "connected id=1, subscribed id=2 c"},
					{who: "a", says: "drop"},
					{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + say("1"), want: "connected id=1"},
					{who: "b", says: again("0"), want: "connected id=1 resumed, event c replay 1"},
				}
			}
			converse(t, row.cfg, visits)
		})
	}
}

// TestSessionBegunUnheard: a session that was forgotten, and began anew with an answer that
// its client never got, is not resumed by one who means the one before.
func TestSessionBegunUnheard(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, QueueSize: 3, QueueTTL: time.Minute}, func(t *testing.T, s *site) {
		connect := func(began uint64) dialect.Message {
			c := s.raw()
			c.command(&dialect.Command{Verb: dialect.Connect, Session: "s", Keep: true, Began: began})
			m := c.want(dialect.Connected)
			if !m.Resumed {
				c.subscribe("c")
			}
			c.nc.Close()
			time.Sleep(time.Second)
			return m
		}
		first := connect(0)
		if m := connect(first.Began); !m.Resumed || m.Began != first.Began || m.Began == 0 {
			t.Fatalf("a session that is kept is resumed, as %d: %v, %d", first.Began, m.Resumed, m.Began)
		}
		time.Sleep(2 * time.Minute)
		unheard := connect(first.Began)
		if unheard.Resumed || unheard.Began <= first.Began {
			t.Fatalf("a forgotten session begins anew, later than %d: %v, %d", first.Began, unheard.Resumed, unheard.Began)
		}
		second := connect(first.Began)
		if second.Resumed || second.Began == unheard.Began {
			t.Errorf("a client that means the session of before is resumed in %d: %v, %d", unheard.Began, second.Resumed, second.Began)
		}
		if m := connect(second.Began); !m.Resumed {
			t.Error("who means the one that there is, is not resumed")
		}
	})
}

// TestTakeover: a newer connection of a session ends the older one, which hears
// nothing of what comes then, whether the session is kept or not.
func TestTakeover(t *testing.T) {
	for _, row := range []struct{ comment, hello, back, then string }{
		{"kept", hello, again("1"), "connected id=1 resumed"},
		{"not kept", `{"id":1,"type":"connect","session":"s"}`, `{"id":1,"type":"connect","session":"s"}` + "\n" + listen, "connected id=1, subscribed id=2 c @1"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			converse(t, Config{HeartbeatEvery: -1, QueueSize: 3}, []visit{
				{who: "a", says: row.hello + "\n" + listen, want: "connected id=1, subscribed id=2 c @0"},
				{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + say("1"), want: "connected id=1"},
				{who: "a", want: "event c @1 1"},
				{who: "b", says: row.back, want: row.then},
				{who: "p", says: say("2")},
				{who: "a", want: `closed with 4009 "session taken over"`},
				{who: "b", want: "event c @2 2"},
			})
		})
	}
}

// TestSessionDefects: each shows its own symptom.
func TestSessionDefects(t *testing.T) {
	with := func(name string) Config {
		return Config{HeartbeatEvery: -1, QueueSize: 5, Defects: []Defect{{Name: name, Every: 1}}}
	}
	join := func(visits ...visit) []visit { return append(append([]visit(nil), begin...), visits...) }
	for _, row := range []struct {
		name   string
		visits []visit
	}{
		{"offline-queue-drop", join(visit{who: "b", says: again("1"), want: "connected id=1 resumed"})},
		{"double-flush", []visit{
			{who: "a", says: hello + "\n" + listen + "\n" + say("1") + "\n" + say("2"), want: "connected id=1, subscribed id=2 c @0, event c @1 1, event c @2 2"},
			{who: "a", says: "drop"},
			{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + say("3"), want: "connected id=1"},
			{who: "b", says: again("2"), want: "connected id=1 resumed, event c @1 replay 1, event c @2 replay 2, event c @3 replay 3"},
			{who: "b", says: "drop"},
			{who: "d", says: again("5"), want: "connected id=1 resumed"}}},
		{"duplicate-live-session", []visit{
			{who: "a", says: hello + "\n" + listen, want: "connected id=1, subscribed id=2 c @0"},
			{who: "b", says: again("0"), want: "connected id=1 resumed"},
			{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + say("1"), want: "connected id=1"},
			{who: "a", want: "event c @1 1"}, {who: "b", want: "event c @1 1"}}},
		{"retry-double-publish", []visit{
			{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + `{"id":2,"type":"publish","channel":"c","key":"k","data":1}` + "\n" + `{"id":3,"type":"publish","channel":"c","key":"k","data":1}`,
				want: "connected id=1, published id=2 @1, published id=3 @2"}}},
		{"send-buffer-inversion", []visit{
			{who: "p", says: `{"id":1,"type":"connect","user":"u"}` + "\n" + say("1") + "\n" + say("2"), want: "connected id=1"},
			{who: "p", says: "drop"},
			{who: "a", says: hello + "\n" + listen, want: "connected id=1, subscribed id=2 c @2"},
			{who: "q", says: `{"id":1,"type":"connect","user":"u"}` + "\n" + say("3") + "\n" + say("4") + "\n" + say("5"), want: "connected id=1"},
			{who: "a", want: "event c @3 4, event c @4 3, event c @5 5"}}},
		{"recovers-only-once", join(
			visit{who: "b", says: again("1"), want: "connected id=1 resumed, event c @2 replay 2, event c @3 replay 3"},
			visit{who: "b", says: "drop"},
			visit{who: "d", says: again("3"), want: "connected id=1"})},
		{"resubscribe-partial", []visit{
			{who: "a", says: hello + "\n" + listen + "\n" + `{"id":3,"type":"subscribe","channel":"d"}`, want: "connected id=1, subscribed id=2 c @0, subscribed id=3 d @0"},
			{who: "a", says: "drop"},
			{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + `{"type":"publish","channel":"d","data":0}` + "\n" + say("1"), want: "connected id=1"},
			{who: "b", says: again("0"), want: "connected id=1 resumed, event c @1 replay 1"},
			{who: "p", says: `{"type":"publish","channel":"d","data":0}` + "\n" + say("2")},
			{who: "b", want: "event c @2 2"},
			{who: "b", says: "drop"},
			{who: "d", says: again("2"), want: "connected id=1 resumed"}}},
	} {
		t.Run(row.name, func(t *testing.T) { converse(t, with(row.name), row.visits) })
	}
}

// TestKeysAreForgotten: a key counts for two minutes, with or without history.
func TestKeysAreForgotten(t *testing.T) {
	const keyed = `{"id":9,"type":"publish","channel":"c","key":"k","data":1}`
	for _, size := range []int{1, -1} {
		want := []string{"published id=9 @1", "published id=9 @3"}
		if size < 0 {
			want = []string{"published id=9", "published id=9"}
		}
		converse(t, Config{HeartbeatEvery: -1, HistorySize: size}, []visit{
			{who: "p", says: `{"id":1,"type":"connect"}` + "\n" + keyed, want: "connected id=1, " + want[0]},
			{who: "p", says: say("2")}, // pushes the first out of the history
			{who: "p", wait: time.Minute, says: keyed, want: want[0]},
			{who: "p", wait: time.Minute, says: keyed, want: want[1]},
		})
	}
}

// TestManyTakeovers: connections of one session that come all at once; one is
// left, and nothing is lost or doubled on the way.
func TestManyTakeovers(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, QueueSize: 100}, func(t *testing.T, s *site) {
		p := s.client("p")
		first := s.raw()
		first.text(hello + "\n" + listen)
		first.drainFor(time.Second)
		done := make(chan []string)
		const n = 20
		for range n {
			go func() {
				c := s.raw()
				c.text(hello)
				done <- c.drainFor(5 * time.Second)
			}()
		}
		for i := range 10 {
			p.publish("c", "1")
			time.Sleep(time.Duration(i) * time.Millisecond)
		}
		served := 0
		for range n {
			lines := <-done
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "closed with 4009") {
				served++
				if got := strings.Join(lines[1:], ", "); !strings.HasSuffix(got, "event c @10 1") && !strings.HasSuffix(got, "event c @10 replay 1") || len(lines) != 11 {
					t.Errorf("the one that is left got %s", got)
				}
			}
		}
		if served != 1 {
			t.Errorf("%d of %d connections are left, want 1", served, n)
		}
		if m := p.publish("c", "2"); m.Kind != dialect.Published {
			t.Errorf("got %v", m)
		}
	})
}
