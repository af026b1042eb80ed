package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

var sums = Shape{Channel: "v.*", Aggregate: 500 * time.Millisecond, Sum: "weight", By: "option"}

// votes plays a voter against a watcher. Says lists what is published when, as in
// `0:yes+2 50:no+0.5`; the result is what came when.
func (s *site) votes(says string) string {
	watcher := s.client("w")
	watcher.subscribe("v.1")
	p := s.client("p")
	begun := time.Now()
	var got []string
	read := func(until time.Duration) {
		for {
			watcher.nc.SetReadDeadline(begun.Add(until))
			m, err := watcher.next()
			if err != nil {
				return
			}
			if m.Kind == dialect.Delivered {
				got = append(got, fmt.Sprintf("%d:%s@%d", time.Since(begun).Milliseconds(), m.Payload, m.Offset))
			}
		}
	}
	for _, x := range strings.Fields(says) {
		at, vote, _ := strings.Cut(x, ":")
		ms, _ := time.ParseDuration(at + "ms")
		read(ms)
		option, weight, _ := strings.Cut(vote, "+")
		if m := p.publish("v.1", `{"option":"`+option+`","weight":`+weight+`}`); m.Positioned {
			s.t.Errorf("the answer to a publication that is added up tells the offset %d", m.Offset)
		}
	}
	read(5 * time.Second)
	watcher.nc.Close()
	p.nc.Close()
	return strings.Join(got, " ")
}

func TestAggregate(t *testing.T) {
	for _, row := range []struct {
		comment, defect string
		every           int
		says, want      string
	}{
		{"one event an option and a window", "", 0, "0:yes+2 20:no+1 40:yes+3 700:yes+1",
			`500:{"option":"yes","sum":5,"count":2}@1 500:{"option":"no","sum":1,"count":1}@2 1200:{"option":"yes","sum":1,"count":1}@3`},
		{"decimals are exact", "", 0, "0:a+0.1 1:a+0.2 2:b+1e3 3:b+-0.000001 4:c+-2.5",
			`500:{"option":"a","sum":0.3,"count":2}@1 500:{"option":"b","sum":999.999999,"count":2}@2 500:{"option":"c","sum":-2.5,"count":1}@3`},
		{"just behind a window", "", 0, "0:a+1 501:a+2", `500:{"option":"a","sum":1,"count":1}@1 1001:{"option":"a","sum":2,"count":1}@2`},

		{"shortly behind a window", "window-boundary-dropped", 1, "0:a+1 510:a+2 540:a+4", `500:{"option":"a","sum":1,"count":1}@1 1040:{"option":"a","sum":4,"count":1}@2`},
		{"the last one twice", "window-boundary-doubled", 2, "0:a+1 600:a+2 1200:a+4",
			`500:{"option":"a","sum":1,"count":1}@1 1100:{"option":"a","sum":2,"count":1}@2 1600:{"option":"a","sum":6,"count":2}@3`},
		{"no decimals", "sum-truncated", 1, "0:a+1.5 1:a+1.25", `500:{"option":"a","sum":2,"count":2}@1`},
		{"the option before", "sum-misattributed", 1, "0:a+1 1:a+2 2:b+4", `500:{"option":"a","sum":7,"count":3}@1`},
		{"as it is", "aggregate-skipped", 2, "0:a+1 1:a+2", `1:{"option":"a","weight":2}@1 500:{"option":"a","sum":1,"count":1}@2`},
	} {
		t.Run(row.comment, func(t *testing.T) {
			cfg := Config{HeartbeatEvery: -1, Shapes: []Shape{sums}}
			if row.defect != "" {
				cfg.Defects = []Defect{{Name: row.defect, Every: row.every}}
			}
			bubble(t, cfg, func(t *testing.T, s *site) {
				if got := s.votes(row.says); got != row.want {
					t.Errorf("%s\nbecame %s\nwant   %s", row.says, got, row.want)
				}
			})
		})
	}
}

// TestAggregateRefuses: what can't be added up is refused, and what is refused counts
// nothing.
func TestAggregateRefuses(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Shapes: []Shape{sums}}, func(t *testing.T, s *site) {
		a, p := s.client("a"), s.client("p")
		a.subscribe("v.1")
		for _, data := range []string{
			`7`, `{}`, `{"option":"a"}`, `{"weight":1}`, `{"option":"a","weight":"1"}`, `{"option":null,"weight":1}`, `{"option":["a"],"weight":1}`,
			`{"option":"a","weight":0.0000001}`, `{"option":"a","weight":1000000001}`, `{"option":"a","weight":1e999999999}`, `{"option":"a","weight":true}`,
		} {
			p.command(&dialect.Command{Verb: dialect.Publish, Channel: "v.1", Payload: []byte(data)})
			if m := p.want(dialect.Error); m.Code != 400 {
				t.Errorf("%s: got %d", data, m.Code)
			}
		}
		p.command(&dialect.Command{Verb: dialect.Publish, Channel: "v.1", Payload: []byte(`{"option":"a","weight":1}`), Retain: true})
		p.want(dialect.Error)
		heir := s.raw()
		heir.command(&dialect.Command{Verb: dialect.Connect, User: "w", Will: &dialect.Will{Channel: "v.1", Payload: []byte(`{"option":"a"}`)}})
		if m := heir.want(dialect.Error); m.Code != 400 {
			t.Errorf("a will that can't be added up: got %d", m.Code)
		}
		heir.nc.Close()
		p.publish("other", `7`)
		for range 2 {
			p.command(&dialect.Command{Verb: dialect.Publish, Channel: "v.1", Key: "k", Payload: []byte(`{"weight":1e9,"option":7}`)})
			p.want(dialect.Published)
		}
		if got := strings.Join(a.drainFor(time.Second), ", "); got != `event v.1 @1 {"option":7,"sum":1000000000,"count":1}` {
			t.Errorf("got %s", got)
		}
		a.nc.Close()
		p.nc.Close()
	})
}

// TestAggregateRecovery: who comes back gets the sums that were sent meanwhile, once, and
// the one that is still being added up.
func TestAggregateRecovery(t *testing.T) {
	for _, row := range []struct {
		defect string
		every  int
		want   string
	}{
		{"", 1, "subscribed id=2 v.1 @4 recovered=true, 2:4 replay, 3:4 replay, 4:4 replay, 5:4"},
		{"replay-recounts", 1, "subscribed id=2 v.1 @4 recovered=true, 2:4 replay, 3:4 replay, 4:4 replay, 5:16"},
		{"window-lost-at-disconnect", 1, "subscribed id=2 v.1 @4 recovered=true, 2:4 replay, 3:4 replay, 4:4 replay, 5:4"},
	} {
		cfg := Config{HeartbeatEvery: -1, Shapes: []Shape{sums}}
		if row.defect != "" {
			cfg.Defects = []Defect{{Name: row.defect, Every: row.every}}
		}
		bubble(t, cfg, func(t *testing.T, s *site) {
			a, p := s.client("a"), s.client("p")
			epoch := string(a.subscribe("v.1").Epoch)
			vote := func(n int) {
				for range n {
					p.publish("v.1", `{"option":"a","weight":1}`)
				}
			}
			vote(4)
			a.drainFor(600 * time.Millisecond)
			vote(2)
			a.nc.Close()
			time.Sleep(time.Millisecond)
			vote(2)
			if row.defect == "window-lost-at-disconnect" {
				vote(2)
			}
			time.Sleep(600 * time.Millisecond)
			for range 2 {
				vote(4)
				time.Sleep(600 * time.Millisecond)
			}
			vote(4)
			a = s.client("a")
			a.recover("v.1", epoch, 1)
			var got []string
			for _, l := range a.drainFor(time.Second) {
				var offset, sum int
				replay := ""
				if at := strings.Index(l, " replay"); at > 0 {
					replay, l = " replay", l[:at]+l[at+len(" replay"):]
				}
				if n, _ := fmt.Sscanf(l, `event v.1 @%d {"option":"a","sum":%d,`, &offset, &sum); n == 2 {
					l = fmt.Sprintf("%d:%d%s", offset, sum, replay)
				}
				got = append(got, l)
			}
			if got := strings.Join(got, ", "); got != row.want {
				t.Errorf("%s: got %s\nwant %s", row.defect, got, row.want)
			}
			a.nc.Close()
			p.nc.Close()
		})
	}
}

// TestCountsRefused: one who may not vote is refused, and counted on purpose only.
func TestCountsRefused(t *testing.T) {
	for _, row := range []struct {
		defects []Defect
		want    string
	}{
		{nil, `event v.1 @1 {"option":"a","sum":1,"count":1}`},
		{[]Defect{{Name: "counts-refused"}}, `event v.1 @1 {"option":"a","sum":3,"count":2}`},
	} {
		cfg := Config{HeartbeatEvery: -1, Shapes: []Shape{sums}, Authenticate: believer, Roles: testRoles, Defects: row.defects}
		bubble(t, cfg, func(t *testing.T, s *site) {
			in := func(token string) *client {
				c := s.raw()
				c.command(&dialect.Command{Verb: dialect.Connect, Token: token})
				c.want(dialect.Connected)
				return c
			}
			a, b := in("admin ann"), in("member bob")
			a.subscribe("v.1")
			b.command(&dialect.Command{Verb: dialect.Publish, Channel: "v.1", Payload: []byte(`{"option":"a","weight":2}`)})
			b.want(dialect.Error)
			a.publish("v.1", `{"option":"a","weight":1}`)
			if got := strings.Join(a.drainFor(time.Second), ", "); got != row.want {
				t.Errorf("got %s", got)
			}
			a.nc.Close()
			b.nc.Close()
		})
	}
}

// TestAggregateDrain: a gateway that takes leave says what it has added up before it
// closes; a node whose channels go on elsewhere leaves that to the others.
func TestAggregateDrain(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Shapes: []Shape{sums}}, func(t *testing.T, s *site) {
		a := s.client("a")
		a.subscribe("v.1")
		a.publish("v.1", `{"option":"a","weight":1}`)
		go s.g.Drain(context.Background(), Drain{Grace: 100 * time.Millisecond})
		a.want(dialect.Draining)
		begun := time.Now()
		m := a.want(dialect.Delivered)
		if took := time.Since(begun); took != 100*time.Millisecond || string(m.Payload) != `{"option":"a","sum":1,"count":1}` {
			t.Errorf("got %s after %v", m.Payload, took)
		}
		a.wantClose(1001)
	})
	settle(t, 2, Config{HeartbeatEvery: -1, Shapes: []Shape{sums}}, func(s *town) {
		a, b := s.dial(0, "a"), s.dial(1, "b")
		a.subscribe("v.1")
		b.publish("v.1", `{"option":"a","weight":1}`)
		s.c.Do(context.Background(), Restart, 1, time.Second, 0)
		for i := range 2 {
			want := fmt.Sprintf(`event v.1 @%d {"option":"a","sum":1,"count":1}`, i+1)
			if got := strings.Join(a.drainFor(time.Second), ", "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			a.publish("v.1", `{"option":"a","weight":1}`)
		}
		a.nc.Close()
		b.nc.Close()
	})
}

func TestMillionths(t *testing.T) {
	for _, row := range []struct {
		text string
		n    int64
		ok   bool
	}{
		{"0", 0, true}, {"-0.0e5", 0, true}, {"1", 1e6, true}, {"-12.5", -125e5, true}, {"1.25E-1", 125000, true}, {"1.5e+2", 150e6, true},
		{"0.000001", 1, true}, {"10e-7", 1, true}, {"0.0000010", 1, true}, {"1e9", 1e15, true}, {"1000000000.000001", 0, false}, {"1e-7", 0, false}, {"1e10", 0, false},
		{"12345678901234567890", 0, false}, {"-", 0, false}, {`"1"`, 0, false}, {"null", 0, false}, {"1e99999999999999999999", 0, false}, {"0e101", 0, false},
	} {
		n, ok := millionthsOf([]byte(row.text))
		if n != row.n || ok != row.ok {
			t.Errorf("%s: got %d %v", row.text, n, ok)
		}
		if ok && n != 0 {
			if again, _ := millionthsOf(appendMillionths(nil, n)); again != n {
				t.Errorf("%d is written as %s", n, appendMillionths(nil, n))
			}
		}
	}
}
