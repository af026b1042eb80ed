package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// shapes plays a publisher against a watcher of one channel. Says lists what is
// published when, as in `0:a 50:b` (milliseconds); the result is what came when.
func (s *site) shapes(says string) string {
	watcher := s.client("w")
	watcher.subscribe("c")
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
				got = append(got, fmt.Sprintf("%d:%s@%d", time.Since(begun).Milliseconds(), strings.Trim(string(m.Payload), `"`), m.Offset))
			}
		}
	}
	for _, x := range strings.Fields(says) {
		at, data, _ := strings.Cut(x, ":")
		ms, _ := strconv.Atoi(at)
		read(time.Duration(ms) * time.Millisecond)
		if m := p.publish("c", `"`+data+`"`); m.Positioned {
			s.t.Errorf("the answer to a publication on a shaped channel tells the offset %d", m.Offset)
		}
	}
	read(5 * time.Second)
	watcher.nc.Close()
	p.nc.Close()
	return strings.Join(got, " ")
}

func TestShaper(t *testing.T) {
	const ms = time.Millisecond
	throttle, first, debounce := Shape{Channel: "*", Throttle: 100 * ms}, Shape{Channel: "c", Throttle: 100 * ms, First: true}, Shape{Channel: "c", Debounce: 100 * ms}
	for _, row := range []struct {
		comment    string
		shape      Shape
		defect     string
		says, want string
	}{
		{"the first at once, the last when the time is over", throttle, "", "0:a 20:b 40:c", "0:a@1 100:c@2"},
		{"what is sent then begins another time", throttle, "", "0:a 20:b 150:c 160:d 400:e", "0:a@1 100:b@2 200:d@3 400:e@4"},
		{"nothing is sent twice", throttle, "", "0:a 300:b", "0:a@1 300:b@2"},
		{"at the end of the time", throttle, "", "0:a 100:b", "0:a@1 100:b@2"},
		{"the first only", first, "", "0:a 20:b 99:c 130:d 150:e", "0:a@1 130:d@2"},
		{"when it is quiet", debounce, "", "0:a 50:b 140:c 400:d", "240:c@1 500:d@2"},
		{"one alone waits, too", debounce, "", "0:a", "100:a@1"},
		{"a new one just after it is quiet", debounce, "", "0:a 101:b", "100:a@1 201:b@2"},

		{"a leading edge only", throttle, "last-value-swallowed", "0:a 20:b 40:c 130:d 140:e", "0:a@1 130:d@2"},
		{"every tenth in between", throttle, "throttle-exceeded", "0:a 5:b 10:c 15:d 20:e 25:f 30:g 35:h 40:i 45:j 50:k 55:l", "0:a@1 50:k@2 100:l@3"},
		{"the one before, again", throttle, "stale-last-value", "0:a 20:b 40:c", "0:a@1 100:c@2 200:a@3"},
		{"not while more comes", throttle, "stale-last-value", "0:a 20:b 110:c", "0:a@1 100:b@2 200:c@3 300:b@4"},
		{"a third of the time", debounce, "debounced-early", "0:a 20:b 100:c", "53:b@1 133:c@2"},
		{"the first of those that wait", debounce, "debounced-superseded", "0:a 50:b 140:c", "240:a@1"},
		{"forgets", debounce, "debounce-unsettled", "0:a 50:b 140:c 150:d 400:e", "500:e@1"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			cfg := Config{HeartbeatEvery: -1, Shapes: []Shape{row.shape}}
			if row.defect != "" {
				cfg.Defects = []Defect{{Name: row.defect}}
			}
			bubble(t, cfg, func(t *testing.T, s *site) {
				if got := s.shapes(row.says); got != row.want {
					t.Errorf("%s\nbecame %s\nwant   %s", row.says, got, row.want)
				}
			})
		})
	}
}

// TestShapedRecovery: who comes back gets what would have come, and what is still
// held back, in the one order; what was left out stands in no history.
func TestShapedRecovery(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Shapes: []Shape{{Channel: "c", Throttle: 100 * time.Millisecond}}}, func(t *testing.T, s *site) {
		p, a := s.client("p"), s.client("a")
		m := a.subscribe("c")
		epoch := string(m.Epoch)
		p.publish("c", `"1"`)
		if got := strings.Join(a.drainFor(10*time.Millisecond), ", "); got != `event c @1 "1"` {
			t.Errorf("got %s", got)
		}
		a.nc.Close()
		for i := 2; i < 20; i++ {
			time.Sleep(30 * time.Millisecond)
			p.publish("c", fmt.Sprintf(`"%d"`, i))
		}
		a = s.client("a")
		a.recover("c", epoch, 1)
		got := a.drainFor(time.Second)
		if len(got) != 7 || got[0] != "subscribed id=2 c @6 recovered=true" || !strings.HasSuffix(got[5], `replay "17"`) || got[6] != `event c @7 "19"` {
			t.Errorf("got %s", strings.Join(got, ", "))
		}
		a.nc.Close()
		p.nc.Close()
	})
}

// TestShapedRetained: what a channel is to keep it keeps at once, whatever is held back.
func TestShapedRetained(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Shapes: []Shape{{Channel: "c", Throttle: 100 * time.Millisecond}}}, func(t *testing.T, s *site) {
		p, a := s.client("p"), s.client("a")
		for _, data := range []string{`"1"`, `"2"`, `"3"`} {
			p.command(&dialect.Command{Verb: dialect.Publish, Channel: "c", Payload: []byte(data), Retain: true})
			p.want(dialect.Published)
		}
		a.subscribe("c")
		if got := strings.Join(a.drainFor(time.Second), ", "); got != `event c retained "3", event c @2 "3"` {
			t.Errorf("got %s", got)
		}
		a.nc.Close()
		p.nc.Close()
	})
}

// TestShapesAreChecked: what makes no sense is refused.
func TestShapesAreChecked(t *testing.T) {
	for _, x := range []Shape{
		{Channel: "c"}, {Channel: "c", Throttle: -1}, {Channel: "c", Throttle: 1, Debounce: 1}, {Channel: "a..b", Throttle: 1}, {Channel: "", Debounce: 1},
	} {
		if _, err := New(Config{Shapes: []Shape{x}}); err == nil {
			t.Errorf("%+v was taken", x)
		}
	}
}
