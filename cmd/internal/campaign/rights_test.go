package campaign

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"squall/assert"
	"squall/driver/dialect"
	"squall/report"
	"squall/scenario"
)

// meet runs a plan against what f plays, in memory and in virtual time.
func meet(t *testing.T, yaml string, f fake) (r *report.Result, err error) {
	t.Helper()
	seed := uint64(1)
	plan := compileWith(t, "rights.yaml", []byte(yaml), scenario.Options{Seed: &seed, Run: "00000007", Key: "k"})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.serve(f)
		r, err = Run(context.Background(), plan, Options{Network: &w.net, Loops: 2, Run: 7, Command: "squall run"})
		w.end()
	})
	return r, err
}

// TestHeadersOfClients: each client sends its own, with a token that was signed
// for it; and a refusal at the upgrade is what the plan asks for.
func TestHeadersOfClients(t *testing.T) {
	const yaml = `squall: 1
name: headers
duration: 2s
target: {url: "ws://target:80/events", headers: {X-All: "1"}}
clients:
  members: {count: 3, user: "m{i}", refused: true, headers: {X-Own: "n{i}", Authorization: "Bearer {jwt({'sub': user})}"}}
expect: [{isolation: strict}]
`
	var mu sync.Mutex
	seen := map[string]string{}
	who := Authenticate(scenario.GatewayPlan{Auth: scenario.Auth{On: true}}, "k")
	r, err := meet(t, yaml, func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		mu.Lock()
		id, err := who(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), "")
		seen[req.Header.Get("X-Own")] = fmt.Sprint(req.Header.Get("X-All"), id.User, err)
		mu.Unlock()
		fmt.Fprint(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if got, want := seen[fmt.Sprintf("n%d", i)], fmt.Sprintf("1m%d<nil>", i); got != want {
			t.Errorf("client %d sent %q, want %q", i, got, want)
		}
	}
	// Each was refused once and did not come back; nothing else was to be judged.
	if v := r.Verdicts[0]; v.State != assert.Inconclusive || !strings.Contains(fmt.Sprint(v.Counts), "{refusals 3}") || r.Traffic.Dials != 3 || len(r.Errors) > 0 {
		t.Errorf("%+v, %d dials, %v", v, r.Traffic.Dials, r.Errors)
	}
}

// hub is a server of the dialect centrifugo that sends everything that is
// published to everybody, and says or doesn't say that it has subscribed them.
type hub struct {
	granted string // what the answer to connect says of subscriptions
	push    string // and what is pushed behind it; "" for nothing
	mu      sync.Mutex
	named   int
	peers   map[*peer]bool
}

func (h *hub) serve(p *peer) {
	defer func() {
		h.mu.Lock()
		delete(h.peers, p)
		h.mu.Unlock()
	}()
	c := dialect.Cursor{}
	p.commands(func(text []byte) bool {
		c.Reset(text)
		c.Open()
		var id uint64
		var kind string
		var body []byte
		for key, ok := c.Member(); ok; key, ok = c.Member() {
			if name := string(key); name == "id" {
				id = c.Uint()
			} else {
				kind, body = name, c.Skip()
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		switch kind {
		case "connect":
			h.named++
			p.say(fmt.Sprintf(`{"id":%d,"connect":{"client":"c%d","subs":%s}}`, id, h.named, h.granted))
			if h.push != "" {
				p.say(h.push)
			}
			h.peers[p] = true
		case "publish":
			p.say(fmt.Sprintf(`{"id":%d,"publish":{}}`, id))
			channel, data := "", ""
			c.Reset(body)
			c.Open()
			for key, ok := c.Member(); ok; key, ok = c.Member() {
				if string(key) == "channel" {
					channel = string(c.Text())
				} else {
					data = string(c.Skip())
				}
			}
			for o := range h.peers {
				o.say(fmt.Sprintf(`{"push":{"channel":%q,"pub":{"data":%s}}}`, channel, data))
			}
		default:
			p.say(fmt.Sprintf(`{"id":%d,%q:{}}`, id, kind))
		}
		return true
	})
}

// TestServerSideSubscriptions: what a server has subscribed its clients to by
// itself is no leak; without its word it is one.
func TestServerSideSubscriptions(t *testing.T) {
	const yaml = `squall: 1
name: server-side
duration: 3s
drain: {timeout: 2s}
target: {url: "ws://target:80/connection/websocket", dialect: centrifugo}
clients:
  readers: {count: 3, subscribe: [{channel: room}]}
  others: {count: 2, subscribe: [{channel: room}, {channel: news}]}
  teller: {count: 1, publish: [{name: room, channel: room, rate: 10/s}, {name: news, channel: news, rate: 10/s}]}
expect: [{isolation: strict}]
`
	for _, row := range []struct {
		granted, push, leak string
	}{
		{`{"room":{},"news":{"recoverable":true,"epoch":"x"}}`, "", ""},
		{`{}`, `{"push":{"channel":"news","subscribe":{}}}` + "\n" + `{"push":{"channel":"room","subscribe":{}}}`, ""},
		{`{"room":{}}`, "", "cross-channel-leak"},
	} {
		h := &hub{granted: row.granted, push: row.push, peers: make(map[*peer]bool)}
		r, err := meet(t, yaml, upgraded(h.serve))
		if err != nil {
			t.Fatal(err)
		}
		v := r.Verdicts[0]
		if row.leak != "" {
			if v.State != assert.Fail || v.Findings[0].Anomaly != row.leak {
				t.Errorf("%s: got %s, want %s:\n%s", row.granted, v.State, row.leak, tell(r))
			}
			continue
		}
		// Everybody may have everything, so nothing had to be withheld.
		if v.State != assert.Inconclusive || !strings.Contains(v.Reason, "every client may have every message") || r.Traffic.Delivered < 100 {
			t.Errorf("%s %s: got %s:\n%s", row.granted, row.push, v.State, tell(r))
		}
	}
}

// TestDeniedAndDelivered: a target that answers a subscribe with 403 and delivers
// all the same is found, and so is one that refuses what is the client's. The
// scenario doesn't count on a refusal here.
func TestDeniedAndDelivered(t *testing.T) {
	const yaml = `squall: 1
name: denied
duration: 5s
drain: {timeout: 2s}
target: {gateway: {auth: {jwt-key: k}, roles: [{role: admin, channels: ["**"]}, {role: member, channels: [room]}], defects: [DEFECTS]}}
clients:
  members:
    count: 4
    user: "m{i}"
    token: "{jwt({'sub': user, 'role': 'member'})}"
    subscribe: [{channel: room}, {channel: secret}]
  teller:
    count: 1
    user: t
    token: "{jwt({'sub': user, 'role': 'admin'})}"
    subscribe: [{channel: other}]
    publish: [{name: room, channel: room, rate: 10/s}, {name: secret, channel: secret, rate: 10/s}]
expect: [{isolation: strict}]
`
	for _, row := range []struct{ defects, want string }{
		{"", "wrongly-refused"},
		{"delivered-despite-refusal", "delivered-despite-refusal wrongly-refused"},
	} {
		r := bubble(t, compile(t, "rights.yaml", []byte(strings.Replace(yaml, "DEFECTS", row.defects, 1)), 1))
		var got []string
		for _, f := range r.Verdicts[0].Findings {
			got = append(got, f.Anomaly)
		}
		slices.Sort(got)
		if got := strings.Join(slices.Compact(got), " "); got != row.want {
			t.Errorf("%q: got %s, want %s\n%s", row.defects, got, row.want, tell(r))
		}
	}
}
