package scenario

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

const publishers = `squall: 1
name: publishers
duration: 10s
clients:
  a: {count: 3, subscribe: [{channel: room.0}, {channel: room.1}]}
  p:
    count: 4
    user: "u{i}"
    vars: {side: [left, right], both: "{side}-{i}"}
    publish:
      - {name: fixed, channel: "room.{i % 2}", rate: 1/s, payload: {b: [1, 2.5, true, null, "x<y"], a: "é", t: 2020-01-01}}
      - {name: moving, channel: "room.{pick(0..3)}", rate: 2/s, arrivals: poisson, size: 100B..200B, ack: false, start: at-once,
         payload: {seq: "{seq}", text: "{seq}.", user: "{user}", both: "{both}", when: "{now()}", run: "{run}", deep: {x: ["{i}", "{pick(['a', 'b'])}"]}}}
`

func TestPublishers(t *testing.T) {
	p := plan(t, publishers, options())
	if len(p.Publishers) != 8 || len(p.Clients[3].Pubs) != 2 || p.Clients[4].Pubs[1] != 3 {
		t.Fatalf("got %d publishers, %v and %v, want two for each of four clients", len(p.Publishers), p.Clients[3].Pubs, p.Clients[4].Pubs)
	}
	// The subscribed channels come first, then those that are published to.
	if got := strings.Join(p.Channels, " "); !strings.HasPrefix(got, "room.0 room.1 ") || len(p.Channels) != 4 {
		t.Errorf("got %s, want room.0 to room.3, the subscribed first", got)
	}
	fixed, moving := &p.Publishers[6], &p.Publishers[7]
	if fixed.Name != "fixed" || !fixed.Ack || !fixed.Together || fixed.Poisson || fixed.Client != 6 {
		t.Errorf("got %+v", fixed)
	}
	if moving.Ack || moving.Together || !moving.Poisson || moving.Rate != 2 {
		t.Errorf("got %+v", moving)
	}
	m, err := fixed.Compose(41, time.Second, "r")
	if want := `{"b":[1,2.5,true,null,"x<y"],"a":"é","t":"2020-01-01"}`; err != nil || string(m.Payload) != want || m.Channel != "room.1" || m.Size != 0 {
		t.Errorf("got %s on %s, %v, want %s on room.1", m.Payload, m.Channel, err, want)
	}
	var got struct {
		Seq              int
		Text, User, Both string
		When             int
		Run              string
		Deep             struct{ X []any }
	}
	m, err = moving.Compose(41, 1500*time.Millisecond, "r9")
	if err == nil {
		err = json.Unmarshal(m.Payload, &got)
	}
	if err != nil || got.Seq != 42 || got.Text != "42." || got.User != "u3" || got.Both != "right-3" || got.When != 1500 || got.Run != "r9" || got.Deep.X[0] != 3.0 {
		t.Errorf("got %s, %v", m.Payload, err)
	}
}

// TestComposeDependsOnNothingElse: a publication is the same whatever was
// composed before it, and differs from its neighbours.
func TestComposeDependsOnNothingElse(t *testing.T) {
	p := plan(t, publishers, options())
	q := plan(t, publishers, options())
	channels, sizes := make(map[string]int), make(map[int]bool)
	for k := int64(99); k >= 0; k-- {
		one, err1 := p.Publishers[3].Compose(k, 0, "r")
		two, err2 := q.Publishers[3].Compose(99-k, 0, "r")
		again, err3 := q.Publishers[3].Compose(k, 0, "r")
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		if !reflect.DeepEqual(one, again) {
			t.Fatalf("publication %d: got %v and %v", k, one, again)
		}
		if k != 99-k && reflect.DeepEqual(one.Payload, two.Payload) {
			t.Fatalf("publications %d and %d are the same: %s", k, 99-k, one.Payload)
		}
		channels[one.Channel]++
		sizes[one.Size] = true
		if one.Size < 100 || one.Size > 200 {
			t.Fatalf("got size %d, want 100 to 200", one.Size)
		}
	}
	if len(channels) != 4 || len(sizes) < 20 {
		t.Errorf("got %v and %d sizes, want four channels and many sizes", channels, len(sizes))
	}
}

// TestComposeIsCheap: what never differs is not made again.
func TestComposeIsCheap(t *testing.T) {
	p := plan(t, publishers, options())
	if n := testing.AllocsPerRun(100, func() { _, _ = p.Publishers[0].Compose(7, 0, "r") }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func TestArrivals(t *testing.T) {
	seconds := func(s float64) Duration { return Duration{time.Duration(s * 1e9), true} }
	rows := []struct {
		about       string
		spec        *ArriveSpec
		n           int
		first, last time.Duration
	}{
		{"500 a second by default", nil, 1000, 0, 1998 * time.Millisecond},
		{"one alone", nil, 1, 0, 0},
		{"over a time", &ArriveSpec{Over: seconds(10)}, 100, 0, 9900 * time.Millisecond},
		{"at a rate, delayed", &ArriveSpec{Rate: Rate{50, true}, At: seconds(3)}, 100, 3 * time.Second, 4980 * time.Millisecond},
		{"at once", &ArriveSpec{Curve: "at-once", At: seconds(1)}, 100, time.Second, time.Second},
		{"in no time", &ArriveSpec{Over: seconds(0)}, 100, 0, 0},
	}
	for _, row := range rows {
		got := arrivals(row.spec, row.n, 1, 0)
		if got[0] != row.first || got[row.n-1] != row.last {
			t.Errorf("%s: got %v to %v, want %v to %v", row.about, got[0], got[row.n-1], row.first, row.last)
		}
	}
	got := arrivals(&ArriveSpec{Over: seconds(10), Curve: "poisson"}, 1000, 1, 0)
	early := 0
	for i, at := range got {
		if at < 0 || at >= 10*time.Second || i > 0 && at < got[i-1] {
			t.Fatalf("arrival %d: got %v, want ascending within 10s", i, at)
		}
		if at < 5*time.Second {
			early++
		}
	}
	if math.Abs(float64(early-500)) > 80 {
		t.Errorf("got %d in the first half, want about 500", early)
	}
}

// TestMoments: every, the order, defaults, and who is meant.
func TestMoments(t *testing.T) {
	p := plan(t, small("timeline:",
		"  - {every: 3s, times: 2, disconnect: {who: a, share: 30%}}",
		"  - {every: 4s, say: tick}",
		"  - {at: 3s, slow: {share: all, rate: 1KiB/s}}",
		"  - {at: 0s, publish: {count: 2}}",
		"  - {at: 9s, disconnect: {who: [a, p], share: 12, how: close}}",
	), options())
	var got []string
	for _, m := range p.Moments {
		got = append(got, m.At.String()+" "+m.Do+" "+itoa(len(m.Victims))+" line "+itoa(m.Line))
	}
	want := []string{
		"0s publish 2 line 11", "3s disconnect 3 line 8", "3s slow 12 line 10", "4s say 0 line 9",
		"6s disconnect 3 line 8", "8s say 0 line 9", "9s disconnect 12 line 12",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if a, b := p.Moments[1].Victims, p.Moments[4].Victims; reflect.DeepEqual(a, b) {
		t.Errorf("got the same victims twice: %v; each time is a draw of its own", a)
	}
	if m := p.Moments[2]; m.For != 7*time.Second || m.Bytes != 1024 {
		t.Errorf("got slow at %v B/s for %v, want 1024 until the end", m.Bytes, m.For)
	}
	if m := p.Moments[6]; m.Code != 1000 {
		t.Errorf("got code %d, want 1000", m.Code)
	}
	for i := range p.Clients {
		if !p.Clients[i].Slowed {
			t.Errorf("client %d: got not slowed, want slowed", i)
		}
	}
}

func TestExpectations(t *testing.T) {
	rows := []struct {
		about, src string
		want       []string
	}{
		{"nothing written: what is promised", "", []string{
			"delivery: exactly-once | waived <= 0 | promised", "order: per-channel |  | promised", "recovery: complete |  | promised", "isolation: strict |  | promised"}},
		{"no history: no recovery", "target: {gateway: {history: none}}", []string{
			"delivery: exactly-once |  | promised", "order: per-channel |  | promised", "isolation: strict |  | promised"}},
		{"lowered", "target: {promises: {order: none, delivery: at-most-once}}", []string{
			"delivery: at-most-once | waived <= 0 | promised", "recovery: complete |  | promised", "isolation: strict |  | promised"}},
		{"written", "expect: [{latency: {p50: 1s, p99.9: '< 2s'}}, {latency: {p50: 1s}}, {reconnect: {success: 99%}, name: back}, {errors: 3, to: a, channel: 'c.*'}]", []string{
			"latency: delivery | p50 <= 1s, p99.9 < 2s", "latency: delivery (2) | p50 <= 1s", "back | success >= 99%", "errors, to a, channel c.* | <= 3"}},
		{"both", "expect: [promises, {delivery: at-least-once, waived: 2..3}, {recovery: honest, within: 1s}]", []string{
			"delivery: exactly-once | waived <= 0 | promised", "order: per-channel |  | promised", "recovery: complete |  | promised", "isolation: strict |  | promised",
			"delivery: at-least-once | waived 2..3", "recovery: honest | within 1s"}},
	}
	for _, row := range rows {
		p := plan(t, small(row.src), options())
		var got []string
		for i := range p.Expect {
			e := &p.Expect[i]
			line := e.Name + " | " + e.limits()
			if e.Promised {
				line += " | promised"
			}
			got = append(got, line)
		}
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", row.about, strings.Join(got, "\n"), strings.Join(row.want, "\n"))
		}
	}
}

func TestTargets(t *testing.T) {
	seed := uint64(9)
	url := small(`target: {url: "ws://a.test/{env.STAGE}", tls: {ca: ca.pem, insecure: true}, dialect: centrifugo}`)
	p, problems := Load("dir/x.yaml", []byte(url), Options{Dialects: dialects(), Env: environment, Seed: &seed})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if p.Seed != 9 || p.Target.Embedded || p.Target.URLs[0] != "ws://a.test/s3cret-stage" || p.Target.TLS.CA != "dir/ca.pem" || p.Promises.Recovery {
		t.Errorf("got %+v, promises %+v", p.Target, p.Promises)
	}
	// --target and --dialect replace those two only.
	o := options()
	o.Target, o.Dialect = "wss://b.test", "centrifugo"
	p = plan(t, small("target: {gateway: {history: {size: 9}}, promises: {recovery: true, history: {size: 8, ttl: 1s}}}"), o)
	if p.Target.Embedded || p.Target.URLs[0] != "wss://b.test" || !p.Promises.Recovery || p.Promises.History.Size != 8 || p.Promises.Delivery != "at-most-once" {
		t.Errorf("got %+v, promises %+v", p.Target, p.Promises)
	}
	o.Target = "https://b.test"
	_, problems = Load("x.yaml", []byte(small()), o)
	if got, want := problems.Error(), `--target https://b.test: found "https://b.test", expected ws:// or wss://; did you mean "wss://b.test"?`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	o = options()
	o.Defects = []string{"fifo-violation"}
	_, problems = Load("x.yaml", []byte(small("target: {gateway: {defects: [fifo-violatoin]}}")), o)
	if got, want := problems.Error(), `x.yaml:7:30: found the unknown defect "fifo-violatoin"; did you mean "fifo-violation"?`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRunInNames: what {run} stands for is the caller's; a plan to look at has a
// placeholder.
func TestRunInNames(t *testing.T) {
	src := strings.Replace(small(), "c.{i % 2}", "c.{run}.{i % 2}", 1)
	if got := plan(t, src, options()).Channels[0]; got != "c.RUN.0" {
		t.Errorf("got %s, want c.RUN.0", got)
	}
	o := options()
	o.Run = "0badf00d"
	if got := plan(t, src, o).Channels[0]; got != "c.0badf00d.0" {
		t.Errorf("got %s, want c.0badf00d.0", got)
	}
}
