package dialect

import (
	"fmt"
	"strings"
	"testing"
)

// decode lists the messages of a payload as text, and what stopped it.
func decode(d Decoder, payload string) (lines []string, err error) {
	d.Reset([]byte(payload))
	var m Message
	for d.Next(&m) {
		lines = append(lines, describe(&m))
	}
	return lines, d.Err()
}

func describe(m *Message) string {
	kinds := [...]string{"ignored", "connected", "subscribed", "unsubscribed", "published", "delivered", "gapped", "error", "pinged", "ponged", "draining", "received", "released", "granted", "passed", "present", "joined", "left", "row", "snapshot"}
	words := []string{kinds[m.Kind]}
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(m.ID != 0, "id=%d", m.ID)
	add(len(m.Channel) > 0, "channel=%s", m.Channel)
	add(len(m.Member) > 0, "member=%s", m.Member)
	add(len(m.Client) > 0 && m.Kind != Connected, "of=%s", m.Client)
	add(len(m.Epoch) > 0, "epoch=%s", m.Epoch)
	add(m.Positioned, "offset=%d", m.Offset)
	add(m.Recovering, "recovering")
	add(m.Recovered, "recovered")
	add(m.Replay, "replay")
	add(m.Retained, "retained")
	add(m.Last, "last")
	add(m.Code != 0, "code=%d", m.Code)
	add(len(m.Reason) > 0, "reason=%q", m.Reason)
	add(m.HeartbeatEvery > 0, "every=%v", m.HeartbeatEvery)
	add(m.HeartbeatTimeout > 0, "timeout=%v", m.HeartbeatTimeout)
	add(m.WantsPong, "wants-pong")
	add(m.RetryAfter > 0, "retry=%v", m.RetryAfter)
	add(m.KeepAlive > 0, "keep-alive=%v", m.KeepAlive)
	add(m.Window > 0, "window=%d", m.Window)
	add(m.Quality > 0, "quality=%d", m.Quality)
	add(m.Repeated, "repeated")
	add(m.Resumed, "resumed")
	add(m.Began > 0, "began=%d", m.Began)
	add(m.Denied, "denied")
	add(m.Vague, "vague")
	add(m.Payload != nil, "payload=%s", m.Payload)
	return strings.Join(words, " ")
}

type frame struct {
	comment string
	text    string
	want    string // messages, separated by " | "; "!…" at the end: an error that contains …
}

func testFrames(t *testing.T, dialect Dialect, frames []frame) {
	t.Helper()
	d := dialect.Decoder() // one for all: Reset must forget everything
	for _, row := range frames {
		lines, err := decode(d, row.text)
		got := strings.Join(lines, " | ")
		want, wantErr, bad := strings.Cut(row.want, "!")
		if got != strings.TrimSuffix(want, " | ") {
			t.Errorf("%s: %s\n got %s\nwant %s", row.comment, row.text, got, want)
		}
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%s: %s: error %v, want one about %q", row.comment, row.text, err, wantErr)
		case !bad && err != nil:
			t.Errorf("%s: %s: %v", row.comment, row.text, err)
		}
	}
}

func TestEventsMessages(t *testing.T) {
	testFrames(t, Events{}, []frame{
		{"connect", `{"id":1,"type":"connected","client":"abc","heartbeat_ms":25000,"timeout_ms":10000}`, `connected id=1 every=25s timeout=10s wants-pong`},
		{"without heartbeat", `{"id":1,"type":"connected","client":"abc"}`, `connected id=1`},
		{"plain subscribe", `{"id":2,"type":"subscribed","channel":"vote.1","epoch":"e","offset":0}`, `subscribed id=2 channel=vote.1 epoch=e offset=0`},
		{"recovered", `{"id":2,"type":"subscribed","channel":"vote.1","epoch":"e","offset":15,"recovering":true,"recovered":true}`, `subscribed id=2 channel=vote.1 epoch=e offset=15 recovering recovered`},
		{"refused", `{"id":2,"type":"subscribed","channel":"vote.1","epoch":"f","offset":3,"recovering":true,"recovered":false}`, `subscribed id=2 channel=vote.1 epoch=f offset=3 recovering`},
		{"without history", `{"id":2,"type":"subscribed","channel":"vote.1"}`, `subscribed id=2 channel=vote.1`},
		{"live", `{"type":"event","channel":"vote.1","offset":16,"data":{"a":[1]}}`, `delivered channel=vote.1 offset=16 payload={"a":[1]}`},
		{"replayed", `{"type":"event","channel":"vote.1","offset":13,"replay":true,"data":"x"}`, `delivered channel=vote.1 offset=13 replay payload="x"`},
		{"kept by its channel", `{"type":"event","channel":"vote.1","retained":true,"data":1}`, `delivered channel=vote.1 retained payload=1`},
		{"without offset", `{"type":"event","channel":"vote.1","data":null}`, `delivered channel=vote.1 payload=null`},
		{"members in another order, with space", "{ \"data\" : 1 ,\n \"offset\":7, \"channel\":\"v\\u006fte\", \"more\":{}, \"type\" : \"event\" }", `delivered channel=vote offset=7 payload=1`},
		{"highest offset", `{"type":"event","channel":"c","offset":18446744073709551615,"data":1}`, `delivered channel=c offset=18446744073709551615 payload=1`},
		{"acknowledged", `{"id":3,"type":"published","offset":17}`, `published id=3 offset=17`},
		{"acknowledged without history", `{"id":3,"type":"published"}`, `published id=3`},
		{"left", `{"id":4,"type":"unsubscribed","channel":"c"}`, `unsubscribed id=4 channel=c`},
		{"gap", `{"type":"gap","channel":"c","epoch":"e","offset":40,"reason":"slow"}`, `gapped channel=c epoch=e offset=40 reason="slow"`},
		{"refusal", `{"id":5,"type":"error","code":409,"error":"already-subscribed","message":"already \"c\""}`, `error id=5 code=409 reason="already \"c\""`},
		{"beats", `{"type":"ping"}` + "\n" + `{"id":7,"type":"pong"}`, `pinged | ponged id=7`},
		{"drain", `{"type":"drain","retry_ms":2000}`, `draining retry=2s`},
		{"who is there", `{"type":"presence","channel":"c","members":["a","b"]}`, `present channel=c payload=["a","b"]`},
		{"nobody is named", `{"type":"presence","channel":"c"}`, `!presence without members`},
		{"no list", `{"type":"presence","channel":"c","members":{}}`, `!presence without members`},
		{"members of an event are none", `{"type":"event","channel":"c","members":[1]}`, `!event without data`},
		{"they come and go", `{"type":"join","channel":"c","member":"a"}` + "\n" + `{"type":"leave","member":"\u0062","channel":"c"}`, `joined channel=c member=a | left channel=c member=b`},
		{"rows", `{"type":"snapshot","channel":"c","epoch":"e","offset":7,"rows":[{"offset":3,"data":{"a":[1]}}, {"more":0,"data":2,"offset":7}]}` + "\n" + `{"type":"ping"}`,
			`row channel=c epoch=e offset=3 payload={"a":[1]} | row channel=c epoch=e offset=7 payload=2 | snapshot channel=c epoch=e offset=7 | pinged`},
		{"rows before all else", `{"rows":[{"data":null,"offset":3}],"last":true,"offset":7,"epoch":"e","channel":"\u0063","type":"snapshot"}`, `row channel=c epoch=e offset=3 payload=null | snapshot channel=c epoch=e offset=7 last`},
		{"no row", `{"type":"snapshot","channel":"c","epoch":"e","offset":0,"rows":[],"last":true}`, `snapshot channel=c epoch=e offset=0 last`},
		{"rows of an event are none", `{"type":"event","channel":"c","rows":[{"offset":1,"data":1}],"data":1}`, `delivered channel=c payload=1`},
		{"no rows", `{"type":"snapshot","channel":"c","epoch":"e","offset":7}`, `!snapshot without rows`},
		{"rows are no list", `{"type":"snapshot","offset":7,"rows":{}}`, `!snapshot without rows`},
		{"a snapshot of nowhere", `{"type":"snapshot","rows":[]}`, `!snapshot without an offset`},
		{"a row without data", `{"type":"snapshot","offset":7,"rows":[{"offset":1,"data":1},{"offset":2}]}`, `row offset=1 payload=1 | !row without`},
		{"a row without offset", `{"type":"snapshot","offset":7,"rows":[{"data":2}]}` + "\n" + `{"type":"ping"}`, `!row without`},
		{"a row that is none", `{"type":"snapshot","offset":7,"rows":[7]}`, `!unexpected type`},
		{"a row with a wrong offset", `{"type":"snapshot","offset":7,"rows":[{"offset":"1","data":1}]}`, `!unexpected type`},
		{"half a snapshot", `{"type":"snapshot","offset":7,"rows":[{"offset":1,"data":1}`, `!malformed`},
		{"a newer server", `{"type":"squall","x":1}`, `ignored`},
		{"three in one message", `{"type":"event","channel":"a","offset":1,"data":1}` + "\n" + `{"type":"event","channel":"b","offset":2,"data":2}` + "\n" + `{"type":"ping"}` + "\n", `delivered channel=a offset=1 payload=1 | delivered channel=b offset=2 payload=2 | pinged`},
		{"nothing", ``, ``},

		{"no type", `{"id":1}`, `!without a type`},
		{"no data", `{"type":"event","channel":"a","offset":1}`, `!without data`},
		{"a good one, then garbage", `{"type":"ping"}` + "\n" + `{"type":`, `pinged | !malformed`},
		{"not an object", `["type"]`, `!unexpected type`},
		{"offset of a wrong type", `{"type":"event","offset":"1","data":1}`, `!unexpected type`},
		{"negative offset", `{"type":"event","offset":-1,"data":1}`, `!unexpected type`},
		{"offset too large", `{"type":"event","offset":18446744073709551616,"data":1}`, `!unexpected type`},
		{"another protocol", `hello`, `!malformed`},
	})
}

func TestCentrifugoMessages(t *testing.T) {
	testFrames(t, Centrifugo{}, []frame{
		{"connect", `{"id":1,"connect":{"client":"UUID","version":"x","ping":25,"pong":true,"subs":{"s":{"epoch":"e"}}}}`, `connected id=1 every=25s wants-pong | granted channel=s`},
		{"pings without pongs", `{"id":1,"connect":{"client":"UUID","ping":4}}`, `connected id=1 every=4s`},
		{"no pings", `{"id":1,"connect":{"client":"UUID"}}`, `connected id=1`},
		{"subscribe without history", `{"id":2,"subscribe":{}}`, `subscribed id=2`},
		{"subscribe to an empty stream", `{"id":2,"subscribe":{"recoverable":true,"epoch":"wBgT","positioned":true}}`, `subscribed id=2 epoch=wBgT offset=0`},
		{"subscribe to a stream", `{"id":2,"subscribe":{"recoverable":true,"epoch":"wBgT","positioned":true,"offset":7}}`, `subscribed id=2 epoch=wBgT offset=7`},
		{"recovered: the offset repeats the request, the top is the last publication's",
			`{"id":3,"subscribe":{"recoverable":true,"epoch":"E","publications":[{"data":{"n":4},"offset":4},{"data":{"n":5},"offset":5,"info":{"user":"u"}}],"recovered":true,"offset":3,"positioned":true,"was_recovering":true}}`,
			`subscribed id=3 epoch=E offset=5 recovering recovered | delivered id=3 epoch=E offset=4 replay payload={"n":4} | delivered id=3 epoch=E offset=5 replay payload={"n":5}`},
		{"recovered, nothing missed", `{"id":3,"subscribe":{"recoverable":true,"epoch":"E","recovered":true,"offset":3,"was_recovering":true}}`, `subscribed id=3 epoch=E offset=3 recovering recovered`},
		{"recovered with an empty backlog", `{"id":3,"subscribe":{"publications":[],"epoch":"E","recovered":true,"offset":3,"was_recovering":true}}`, `subscribed id=3 epoch=E offset=3 recovering recovered`},
		{"refused", `{"id":3,"subscribe":{"recoverable":true,"epoch":"F","offset":9,"was_recovering":true,"positioned":true}}`, `subscribed id=3 epoch=F offset=9 recovering`},
		{"members in another order, epoch last", `{"subscribe":{"publications":[{"offset":1,"data":1}],"recovered":true,"epoch":"E"},"id":3}`, `subscribed id=3 epoch=E offset=1 recovering recovered | delivered id=3 epoch=E offset=1 replay payload=1`},
		{"recovery, then live, in one frame", `{"id":3,"subscribe":{"publications":[{"data":1,"offset":1}],"recovered":true,"epoch":"E","was_recovering":true}}` + "\n" + `{"push":{"channel":"c","pub":{"data":2,"offset":2}}}`, `subscribed id=3 epoch=E offset=1 recovering recovered | delivered id=3 epoch=E offset=1 replay payload=1 | delivered channel=c offset=2 payload=2`},
		{"publication", `{"push":{"channel":"news","pub":{"data":{"n":1},"info":{"user":"u","client":"UUID"},"offset":1,"epoch":"wBgT"}}}`, `delivered channel=news epoch=wBgT offset=1 payload={"n":1}`},
		{"publication without history", `{"push":{"channel":"news","pub":{"data":"x"}}}`, `delivered channel=news payload="x"`},
		{"acknowledged", `{"id":3,"publish":{}}`, `published id=3`},
		{"left", `{"id":4,"unsubscribe":{}}`, `unsubscribed id=4`},
		{"thrown out", `{"push":{"channel":"news","unsubscribe":{"code":2500,"reason":"insufficient state"}}}`, `unsubscribed channel=news code=2500 reason="insufficient state"`},
		{"sent away, may come back", `{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}`, `draining code=3001 reason="shutdown"`},
		{"sent away for good", `{"push":{"disconnect":{"code":3500,"reason":"invalid token"}}}`, `error code=3500 reason="invalid token"`},
		{"refusal", `{"id":8,"error":{"code":103,"message":"permission denied"}}`, `error id=8 code=103 reason="permission denied" denied`},
		{"ping", `{}`, `pinged`},
		{"replies in one frame", `{"id":1,"connect":{"client":"U","ping":25,"pong":true}}` + "\n" + `{"id":2,"subscribe":{}}` + "\n" + `{}`, `connected id=1 every=25s wants-pong | subscribed id=2 | pinged`},
		{"subscribed by the server", `{"id":1,"connect":{"client":"U","subs":{"user.a":{"recoverable":true,"epoch":"x","offset":3},"news":{}},"ping":25,"pong":true}}` + "\n" + `{"push":{"channel":"c","subscribe":{}}}`, `connected id=1 every=25s wants-pong | granted channel=user.a | granted channel=news | granted channel=c`},
		{"subscribed to nothing", `{"id":1,"connect":{"client":"U","subs":null}}` + "\n" + `{"id":2,"connect":{"client":"U","subs":{}}}`, `connected id=1 | connected id=2`},
		{"too old", `{"id":1,"error":{"code":109,"message":"token expired"}}` + "\n" + `{"id":2,"error":{"code":102,"message":"unknown channel"}}`, `error id=1 code=109 reason="token expired" denied vague | error id=2 code=102 reason="unknown channel"`},
		{"no right", `{"id":2,"error":{"code":103,"message":"permission denied"}}` + "\n" + `{"id":2,"error":{"code":105,"message":"already subscribed"}}`, `error id=2 code=103 reason="permission denied" denied | error id=2 code=105 reason="already subscribed"`},
		{"pushes of no interest", `{"push":{"channel":"c","join":{"info":{}}}}` + "\n" + `{"push":{"channel":"c","leave":{"info":{}}}}` + "\n" + `{"push":{"message":{"data":1}}}` + "\n" + `{"push":{"channel":"c","subscribe":{}}}` + "\n" + `{"push":{"refresh":{}}}`, `ignored channel=c | ignored channel=c | ignored | granted channel=c | ignored`},
		{"who is there", `{"id":7,"presence":{"presence":{"UUID":{"client":"UUID","user":"u"},"V\u0056":{"client":"VV"}}}}`, `present id=7 payload={"UUID":{"client":"UUID","user":"u"},"V\u0056":{"client":"VV"}}`},
		{"nobody is there", `{"id":7,"presence":{}}` + "\n" + `{"presence":{"presence":null},"id":8}`, `present id=7 payload={} | present id=8 payload={}`},
		{"somebody comes, and goes", `{"push":{"channel":"c","join":{"info":{"user":"u","client":"UUID","conn_info":{"a":1}}}}}` + "\n" + `{"push":{"leave":{"info":{"client":"UUID","user":"u"}},"channel":"c"}}`, `joined channel=c member=u of=UUID | left channel=c member=u of=UUID`},
		{"nobody that is known comes", `{"push":{"channel":"c","join":{"info":{"client":"UUID"}}}}`, `joined channel=c of=UUID`},
		{"a list that is none", `{"id":7,"presence":[]}`, `!unexpected type`},
		{"who comes without an object", `{"push":{"channel":"c","join":{"info":"u"}}}`, `!unexpected type`},
		{"replies to what we never ask", `{"id":9,"rpc":{"data":1}}` + "\n" + `{"id":9,"history":{"publications":[{"data":1}]}}`, `ignored id=9 | ignored id=9`},

		{"publication without data", `{"push":{"channel":"c","pub":{"offset":1}}}`, `!without data`},
		{"recovered publication without data", `{"id":3,"subscribe":{"publications":[{"offset":1}],"recovered":true,"epoch":"E"}}`, `!without data`},
		{"publications of a wrong type", `{"id":3,"subscribe":{"publications":[7]}}`, `!unexpected type`},
		{"no list of publications", `{"id":3,"subscribe":{"publications":{}}}`, `!unexpected type`},
		{"a reply that is no object", `{"id":3,"subscribe":7}`, `!unexpected type`},
		{"cut", `{"push":{"channel":"c","pub":{"data":{"n"`, `!malformed`},
		{"another protocol", `0{"sid":"x"}`, `!unexpected type`},
	})
}

func TestCommands(t *testing.T) {
	for _, row := range []struct {
		comment            string
		command            Command
		events, centrifugo string // "" if the protocol can't say it
	}{
		{"anonymous", Command{Verb: Connect, ID: 1}, `{"id":1,"type":"connect"}`, `{"id":1,"connect":{"name":"squall"}}`},
		{"with a token", Command{Verb: Connect, ID: 1, Token: `a"b`, User: "u"}, `{"id":1,"type":"connect","token":"a\"b","user":"u"}`, `{"id":1,"connect":{"token":"a\"b","name":"squall"}}`},
		{"with a will", Command{Verb: Connect, ID: 1, User: "u", Will: &Will{Channel: "c", Payload: []byte(`{"a":1}`)}}, `{"id":1,"type":"connect","user":"u","will":{"channel":"c","data":{"a":1}}}`, `{"id":1,"connect":{"name":"squall"}}`},
		{"subscribe", Command{Verb: Subscribe, ID: 2, Channel: "vote.1"}, `{"id":2,"type":"subscribe","channel":"vote.1"}`, `{"id":2,"subscribe":{"channel":"vote.1"}}`},
		{"subscribe, and ask who is there", Command{Verb: Subscribe, ID: 2, Channel: "c", Presence: true}, `{"id":2,"type":"subscribe","channel":"c","presence":true}`, `{"id":2,"subscribe":{"channel":"c","join_leave":true}}`},
		{"subscribe to rows", Command{Verb: Subscribe, ID: 2, Channel: "c", Snapshot: true}, `{"id":2,"type":"subscribe","channel":"c","snapshot":true}`, `{"id":2,"subscribe":{"channel":"c"}}`},
		{"recover", Command{Verb: Subscribe, ID: 2, Channel: "c", Recover: true, Epoch: "e", Offset: 12}, `{"id":2,"type":"subscribe","channel":"c","recover":{"epoch":"e","offset":12}}`, `{"id":2,"subscribe":{"channel":"c","recover":true,"offset":12,"epoch":"e"}}`},
		{"recover from the start", Command{Verb: Subscribe, ID: 2, Channel: "c", Recover: true, Epoch: "e"}, `{"id":2,"type":"subscribe","channel":"c","recover":{"epoch":"e","offset":0}}`, `{"id":2,"subscribe":{"channel":"c","recover":true,"epoch":"e"}}`},
		{"leave", Command{Verb: Unsubscribe, ID: 3, Channel: "c"}, `{"id":3,"type":"unsubscribe","channel":"c"}`, `{"id":3,"unsubscribe":{"channel":"c"}}`},
		{"publish", Command{Verb: Publish, ID: 4, Channel: "c", Key: "k", Payload: []byte(`{"a":1}`)}, `{"id":4,"type":"publish","channel":"c","key":"k","data":{"a":1}}`, `{"id":4,"publish":{"channel":"c","data":{"a":1}}}`},
		{"publish what is to be kept", Command{Verb: Publish, ID: 4, Channel: "c", Retain: true, Payload: []byte(`1`)}, `{"id":4,"type":"publish","channel":"c","retain":true,"data":1}`, `{"id":4,"publish":{"channel":"c","data":1}}`},
		{"a channel of any letters", Command{Verb: Subscribe, ID: 5, Channel: "ü\"\n"}, `{"id":5,"type":"subscribe","channel":"ü\"\n"}`, `{"id":5,"subscribe":{"channel":"ü\"\n"}}`},
		{"ping", Command{Verb: Ping, ID: 6}, `{"id":6,"type":"ping"}`, ``},
		{"pong", Command{Verb: Pong}, `{"type":"pong"}`, `{}`},
		{"who is there", Command{Verb: Who, ID: 7, Channel: "c"}, `{"id":7,"type":"presence","channel":"c"}`, `{"id":7,"presence":{"channel":"c"}}`},
		{"no verb", Command{ID: 1}, ``, ``},
	} {
		for d, want := range map[Dialect]string{Events{}: row.events, Centrifugo{}: row.centrifugo} {
			got, err := d.Append([]byte("x"), &row.command)
			switch {
			case want == "" && err == nil:
				t.Errorf("%s: %s says %s", row.comment, d.About().Name, got)
			case want != "" && (err != nil || string(got) != "x"+want):
				t.Errorf("%s: %s says %s, %v; want %s", row.comment, d.About().Name, got, err, want)
			}
		}
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range All() {
		a := d.About()
		if found, ok := Find(a.Name); !ok || found != d || seen[a.Name] {
			t.Errorf("Find(%q) does not find it, or it is there twice", a.Name)
		}
		seen[a.Name] = true
		if a.Summary == "" || !strings.HasPrefix(a.Path, "/") {
			t.Errorf("%s: incomplete: %+v", a.Name, a)
		}
		if _, err := d.Append(nil, &Command{Verb: Ping, ID: 1}); (err == nil) != a.Can.ClientPing {
			t.Errorf("%s: can ping: %v, but Append says %v", a.Name, a.Can.ClientPing, err)
		}
	}
	if _, ok := Find("telex"); ok {
		t.Error("found a dialect that is none")
	}
}

// TestSlicesOutliveNext: what Next returned stays valid until Reset.
func TestSlicesOutliveNext(t *testing.T) {
	d := Events{}.Decoder()
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, `{"type":"event","channel":"\u0063%d","offset":1,"data":%d}`, i, i)
	}
	d.Reset([]byte(text.String()))
	var all []Message
	var m Message
	for d.Next(&m) {
		all = append(all, m)
	}
	if len(all) != 200 || d.Err() != nil {
		t.Fatalf("%d messages, %v", len(all), d.Err())
	}
	for i, m := range all {
		if string(m.Channel) != fmt.Sprintf("c%d", i) {
			t.Fatalf("message %d is on channel %s", i, m.Channel)
		}
	}
}

func fuzzDecode(f *testing.F, dialect Dialect, seeds []string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := string(payload)
		d := dialect.Decoder()
		d.Reset(payload)
		var m Message
		n := 0
		for d.Next(&m) {
			if n++; n > len(payload)+1 {
				t.Fatal("more messages than bytes")
			}
			if (m.Kind == Delivered || m.Kind == Row) && m.Payload == nil {
				t.Fatalf("%q: delivered without a payload", payload)
			}
			if len(m.Channel)+len(m.Epoch)+len(m.Payload)+len(m.Reason) > 4*len(payload) {
				t.Fatalf("%q: more came out than went in", payload)
			}
			if m.HeartbeatEvery < 0 || m.HeartbeatTimeout < 0 || m.RetryAfter < 0 || m.Code < 0 {
				t.Fatalf("%q: negative: %+v", payload, m)
			}
		}
		if d.Next(&m) {
			t.Fatal("Next went on after its end")
		}
		if string(payload) != before {
			t.Fatal("the payload was changed")
		}
	})
}

func FuzzEvents(f *testing.F) {
	fuzzDecode(f, Events{}, []string{
		`{"id":2,"type":"subscribed","channel":"vote.1","epoch":"e","offset":15,"recovering":true,"recovered":true}`,
		`{"type":"event","channel":"\u0061","offset":16,"data":{"a":[1]}}` + "\n" + `{"type":"gap","channel":"c","epoch":"e","offset":40,"reason":"slow"}`,
		`{"id":1,"type":"connected","heartbeat_ms":25000,"timeout_ms":99999999999999999}`,
		`{"type":"snapshot","channel":"\u0061","epoch":"e","offset":7,"rows":[{"offset":3,"data":{"a":[1]}},{"data":2,"offset":7}],"last":true}` + "\n" + `{"type":"ping"}`,
		`{"rows":[{"offset":1}],"type":"snapshot","offset":1}`,
	})
}

func FuzzCentrifugo(f *testing.F) {
	fuzzDecode(f, Centrifugo{}, []string{
		`{"id":3,"subscribe":{"epoch":"E","publications":[{"data":{"n":4},"offset":4},{"data":5,"offset":5}],"recovered":true,"offset":3}}`,
		`{"push":{"channel":"news","pub":{"data":{"n":1},"offset":1}}}` + "\n{}",
		`{"id":7,"presence":{"presence":{"UUID":{"client":"UUID","user":"u"}}}}`, `{"push":{"channel":"c","join":{"info":{"user":"u","client":"UUID"}}}}`,
		`{"id":1,"connect":{"ping":25,"pong":true}}`, `{"push":{"disconnect":{"code":3001,"reason":"x"}}}`,
	})
}

const (
	eventFrame = `{"type":"event","channel":"vote.12","offset":12345,"data":{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45","option":3,"voter":"voter-1423"}}`
	pubFrame   = `{"push":{"channel":"vote.12","pub":{"data":{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45","option":3,"voter":"voter-1423"},"offset":12345}}}`
)

// mqttFrame is a publication with an expiry, as mochi sends it.
func mqttFrame(q Quality) string {
	body := `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45","option":3,"voter":"voter-1423"}`
	head := "\x00\x07vote/12"
	if q > AtMostOnce {
		head += "\x00\x01"
	}
	head += "\x05\x02\x00\x01\x51\x80"
	return string(rune(0x30|byte(q)<<1)) + string(appendLength(nil, len(head)+len(body))) + head + body
}

func TestHotPathAllocatesNothing(t *testing.T) {
	for name, f := range map[string]func(){
		"events":     hot(Events{}, eventFrame),
		"centrifugo": hot(Centrifugo{}, pubFrame),
		"MQTT QoS 0": hot(MQTT{Version: 5}, mqttFrame(AtMostOnce)),
		"MQTT QoS 1": hot(MQTT{Version: 5}, mqttFrame(AtLeastOnce)),
		"MQTT 3.1.1": hot(MQTT{Version: 4}, "\x32\x0c\x00\x06news/a\x00\x01m1"),
		"snapshot":   hot(Events{}, `{"type":"snapshot","channel":"c","epoch":"e","offset":7,"rows":[{"offset":3,"data":{"a":1}},{"offset":7,"data":2}],"last":true}`),
		"escapes":    hot(Events{}, strings.Replace(eventFrame, "vote", `v\u006fte`, 1)),
		"replay":     hot(Centrifugo{}, `{"id":3,"subscribe":{"epoch":"E","publications":[{"data":{"n":4},"offset":4},{"data":5,"offset":5}],"recovered":true,"offset":3}}`),
	} {
		f() // the scratch grows once
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations a message", name, n)
		}
	}
	var s Stamp
	escaped := []byte(`{"k\"":1,"\u005fsquall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45"}`)
	if n := testing.AllocsPerRun(100, func() { FindStamp(escaped, &s) }); n != 0 {
		t.Errorf("FindStamp: %v allocations", n)
	}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = AppendStamped(buf[:0], []byte(`{"a":1}`), sample, 512) }); n != 0 {
		t.Errorf("AppendStamped: %v allocations", n)
	}
}

// hot decodes one message as the driver does, stamp included.
func hot(dialect Dialect, text string) func() {
	d := dialect.Decoder()
	payload := []byte(text)
	var m Message
	var s Stamp
	return func() {
		d.Reset(payload)
		for d.Next(&m) {
			FindStamp(m.Payload, &s)
		}
	}
}

func benchmarkDecode(b *testing.B, dialect Dialect, text string) {
	d := dialect.Decoder()
	payload := []byte(text)
	var m Message
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(payload)
		for d.Next(&m) {
		}
	}
	if m.Kind != Delivered || d.Err() != nil {
		b.Fatal("not decoded", d.Err())
	}
}

func BenchmarkEvents(b *testing.B)     { benchmarkDecode(b, Events{}, eventFrame) }
func BenchmarkCentrifugo(b *testing.B) { benchmarkDecode(b, Centrifugo{}, pubFrame) }
func BenchmarkMQTT(b *testing.B)       { benchmarkDecode(b, MQTT{Version: 5}, mqttFrame(AtLeastOnce)) }

func BenchmarkFindStamp(b *testing.B) {
	for name, size := range map[string]int{"plain": 0, "filled": 150, "1KiB": 1024} {
		b.Run(name, func(b *testing.B) {
			p := AppendStamped(nil, []byte(`{"option":3,"voter":"voter-1423","comment":"abcdefghijklmnopqrstuvwxyz abcd"}`), sample, size)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			var s Stamp
			for b.Loop() {
				if FindStamp(p, &s) != StampValid {
					b.Fatal("no stamp")
				}
			}
		})
	}
}

func BenchmarkAppendStamped(b *testing.B) {
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendStamped(buf[:0], []byte(`{"option":3,"voter":"voter-1423"}`), sample, 150)
	}
}
