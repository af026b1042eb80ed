package campaign

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"squall/assert"
	"squall/driver/gateway"
	"squall/report"
)

const posting = `
squall: 1
name: posting
duration: 3s
drain: {timeout: 5s, ack-timeout: 1s}
target:
  url: "ws://%s"
  http: {publish: {url: "%s/api/{channel}", headers: {X-Key: "secret-key"}, body: {say: "{payload}"}}}
clients:
  readers: {count: 20, subscribe: [{channel: "room.{i %% 2}", recover: true}]}
  office: {count: 2, publish: [{channel: "room.{i}", rate: 50/s, via: http, payload: {type: notice}}]}
expect:
  - delivery: exactly-once
  - order: per-channel
  - errors: 0
`

// office is an HTTP interface of somebody else's, in front of a gateway.
type office struct {
	t       *testing.T
	gateway string
	broken  func(n int64, w http.ResponseWriter) bool // whether it answered by itself; nil: never
	asked   atomic.Int64
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := o.asked.Add(1)
	if o.broken != nil && o.broken(n, w) {
		return
	}
	var body struct{ Say json.RawMessage }
	channel, ok := strings.CutPrefix(r.URL.Path, "/api/")
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !ok || r.Header.Get("X-Key") != "secret-key" || r.Method != http.MethodPost {
		o.t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
	}
	resp, err := http.Post("http://"+o.gateway+"/publish", "application/json", strings.NewReader(fmt.Sprintf(`{"channel":%q,"data":%s}`, channel, body.Say)))
	if err != nil {
		o.t.Error(err)
		return
	}
	resp.Body.Close()
	fmt.Fprint(w, `{"error":null}`)
}

func post(t *testing.T, broken func(n int64, w http.ResponseWriter) bool) *report.Result {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	go g.Serve(l)
	web := httptest.NewServer(&office{t: t, gateway: l.Addr().String(), broken: broken})
	defer web.Close()
	p := compile(t, "posting.yaml", fmt.Appendf(nil, posting, l.Addr(), web.URL), 1)
	return once(t, p)
}

// TestPosting: a target's own way to publish, and what is made of its answers.
func TestPosting(t *testing.T) {
	state := func(r *report.Result, rule string) assert.State {
		for _, v := range r.Verdicts {
			if v.Rule == rule {
				return v.State
			}
		}
		return assert.NotApplicable
	}
	t.Run("right", func(t *testing.T) {
		t.Parallel()
		if r := post(t, nil); r.State != assert.Pass || r.Traffic.Acked < 100 || r.Traffic.Delivered < 10*r.Traffic.Acked {
			t.Errorf("%+v\n%s", r.Traffic, tell(r))
		}
	})
	t.Run("an error now and then", func(t *testing.T) {
		t.Parallel()
		r := post(t, func(n int64, w http.ResponseWriter) bool {
			if n%20 == 0 {
				w.WriteHeader(http.StatusForbidden)
			}
			return n%20 == 0
		})
		if state(r, "errors") != assert.Fail || state(r, "delivery") != assert.Pass || state(r, "order") != assert.Pass || r.Traffic.Failed < 10 {
			t.Errorf("%+v\n%s", r.Traffic, tell(r))
		}
	})
	t.Run("accepted and forgotten", func(t *testing.T) {
		t.Parallel()
		r := post(t, func(n int64, w http.ResponseWriter) bool {
			if n%20 == 0 {
				fmt.Fprint(w, `{}`)
			}
			return n%20 == 0
		})
		if err := FoundByName(r, "ack-then-drop"); err != nil {
			t.Errorf("%v\n%s", err, tell(r))
		}
	})
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		r := post(t, func(n int64, w http.ResponseWriter) bool {
			if n == 40 {
				panic(http.ErrAbortHandler) // the connection ends
			}
			return false
		})
		if state(r, "errors") != assert.Fail || state(r, "delivery") == assert.Fail || state(r, "order") == assert.Fail || r.Traffic.Unknown != 1 {
			t.Errorf("%+v\n%s", r.Traffic, tell(r))
		}
		if text := tell(r); strings.Contains(text, "secret-key") {
			t.Error("the key is told")
		}
	})
}

// TestPostingBesideRestarts: requests that a restart of the plan leaves without an
// answer are explained, their outcome is unknown, and nothing else is doubted.
func TestPostingBesideRestarts(t *testing.T) {
	src := strings.NewReplacer("\nclients:\n", "\ntarget: {gateway: {nodes: 2}}\nclients:\n",
		"\ntimeline:\n", "\ntimeline:\n  - {at: 6s, gateway: {kill: 0, down: 500ms}}\n  - {at: 9s, gateway: {drain: 1, down: 500ms}}\n").Replace(string(source(t, "back-office.yaml")))
	excused := int64(0)
	for seed := uint64(1); seed <= seeds(5); seed++ {
		r := bubble(t, compile(t, "back-office.yaml", []byte(src), seed, "clients.screens.count=40"))
		for _, v := range r.Verdicts {
			if v.State == assert.Fail && v.Rule != "latency" { // who waits for a node waits
				t.Errorf("seed %d: %s\n%s", seed, v.Name, tell(r))
			}
		}
		for _, e := range r.Errors {
			if strings.Contains(e.What, "over HTTP") {
				excused += e.Excused
			}
		}
	}
	if excused == 0 {
		t.Error("no request was left without an answer: nothing is proven")
	}
}
