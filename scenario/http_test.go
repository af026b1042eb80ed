package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestViaHTTP: a publication over HTTP needs a request, which the embedded gateway
// has by itself.
func TestViaHTTP(t *testing.T) {
	const publish = `target: {url: "ws://h", http: {publish: {url: "http://h:8000/api/{channel}", headers: {X-Key: "{env.KEY}", X-User: "{user}"}, body: {to: "{channel}", data: "{payload}", more: [1, "{key}"]}}}}`
	via := []string{"clients.p.publish.x.via=http", "clients.p.user=u{i}", "clients.p.publish.x.key=k{seq}", "target.promises.idempotency=true"}
	for _, row := range []struct {
		about, line string
		set         []string
		want        string // problem; "": none
	}{
		{"embedded", "target: embedded", via[:1], ""},
		{"a target of ours", publish, via, ""},
		{"no request", `target: {url: "ws://h"}`, via[:1], "found http and no target.http, expected the request that publishes"},
		{"ack", "target: embedded", append(via[:1:1], "clients.p.publish.x.ack=false"), "found ack: false with via: http"},
		{"no payload", strings.Replace(publish, "{payload}", "x", 1), via, `found a body without "{payload}"`},
		{"no address", strings.Replace(publish, "http://h:8000/api/{channel}", "/api", 1), via, "expected an address that begins with http:// or https://"},
		{"a method", strings.Replace(publish, "publish: {url", "publish: {method: GET, url", 1), via, `found "GET", expected POST, PUT or PATCH`},
		{"an unknown name", strings.Replace(publish, "{user}", "{i}", 1), via, `"i" has no value here`},
		{"a name of requests elsewhere", "target: embedded", []string{"clients.p.publish.x.channel=c.{payload}"}, `"payload" has no value here: it belongs to the request of target.http`},
		{"a header that is none", strings.Replace(publish, "X-Key", `"X Key"`, 1), via, "expected the name of a header"},
		{"beside the embedded gateway", `target: {http: {publish: {url: "http://h", body: {d: "{payload}"}}}}`, via[:1], "found http without a url"},
		{"nothing in it", `target: {url: "ws://h", http: {}}`, nil, "found no publish"},
	} {
		o := options()
		o.Env = func(string) (string, bool) { return "s3cret", true }
		p, problems := Load("x.yaml", []byte(small(row.line)), o, row.set...)
		switch {
		case row.want != "" && (len(problems) == 0 || !strings.Contains(problems.Error(), row.want)):
			t.Errorf("%s\ngot  %v\nwant %s", row.about, problems, row.want)
		case row.want == "" && len(problems) > 0:
			t.Errorf("%s\ngot %v", row.about, problems)
		case row.want == "" && (!p.Publishers[1].HTTP || !p.Publishers[1].Ack || p.MostPosts() != 2):
			t.Errorf("%s becomes %+v, %d posts", row.about, p.Publishers[1], p.MostPosts())
		}
	}

	o := options()
	o.Env = func(string) (string, bool) { return "s3cret", true }
	p := plan(t, small(publish), o, via...)
	r, err := p.Request(&p.Publishers[1], &Publication{Channel: "c.1", Key: "k9"}, []byte(`{"_squall":"x","n":1.50}`))
	if got, want := fmt.Sprintf("%s %s %v %s %v", r.Method, r.URL, r.Headers, r.Body, err), `POST http://h:8000/api/c.1 [{X-Key s3cret} {X-User u1}] {"to":"c.1","data":{"_squall":"x","n":1.50},"more":[1,"k9"]} <nil>`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil || !strings.Contains(b.String(), "over HTTP") || strings.Contains(b.String(), "s3cret") {
		t.Errorf("%v\n%s", err, b.String())
	}

	p = plan(t, small("target: {gateway: {auth: {jwt-key: k}}}"), options(), "clients.p.publish.x.via=http", "clients.p.user=u{i}", "clients.a.user=v{i}",
		"clients.a.token=\"{jwt({'sub': user, 'exp': '1h'})}\"", "clients.p.token=\"{jwt({'sub': user, 'exp': '1h'})}\"")
	p, err = p.Signed(time.Unix(1000, 0), func(claims map[string]any) (string, error) { return fmt.Sprint("token of ", claims["sub"]), nil })
	if err != nil {
		t.Fatal(err)
	}
	r, err = p.Request(&p.Publishers[1], &Publication{Channel: "c.1"}, []byte(`{"n":1}`))
	if got, want := fmt.Sprintf("%s %s %v %s %v", r.Method, r.URL, r.Headers, r.Body, err), `POST /publish [{Authorization Bearer token of u1}] {"channel":"c.1","data":{"n":1}} <nil>`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
