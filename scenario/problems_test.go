package scenario

import (
	"strings"
	"testing"
)

// TestProblems holds what people get wrong, and what they are told.
func TestProblems(t *testing.T) {
	rows := []struct {
		about string
		src   string
		want  string // all lines
	}{
		{"nothing at all", "", "x.yaml:1:1: found an empty file, expected a scenario that begins with squall: 1"},
		{"only a comment", "# later\n", "x.yaml:1:1: found an empty file, expected a scenario that begins with squall: 1"},
		{"a list", "- squall: 1\n", "x.yaml:1:1: found a list, expected a mapping"},
		{"a group's keys beside it", "squall: 1\nname: x\nduration: 3s\nclients:\n  a:\n  count: {count: 6}\n", "x.yaml:5:5: found nothing, expected a mapping; what belongs to it stands below it, indented deeper"},
		{"a line too deep", "squall: 1\nname: x\nduration: 3s\nclients:\n  a:\n    count: 6\n     user: x\n", "x.yaml:7:6: found something that is not YAML: mapping values are not allowed in this context; is each line near it indented like its neighbours?"},
		{"two documents", small() + "---\nsquall: 1\n", "x.yaml:8:1: found a second document, expected exactly one"},
		{"what is required", "squall: 1\n", `x.yaml:1:1: found no "name", expected it: what the scenario is called: kebab-case
x.yaml:1:1: found no "duration", expected it: length of the active part, from the end of the initial arrivals
x.yaml:1:1: found no "clients", expected it: groups of clients by name`},
		{"another version", strings.Replace(small(), "squall: 1", "squall: 2", 1), `x.yaml:1:9: found "2", expected 1`},
		{"the version isn't first", "name: x\nsquall: 1\nduration: 1s\nclients: {a: {count: 1}}\n", `x.yaml:1:1: found "name" first, expected squall: 1 to be the first key`},
		{"a misspelt key", small("expct: promises"), `x.yaml:7:1: found the unknown key "expct" here; did you mean "expect"?`},
		{"a misspelt key below", strings.Replace(small(), "{count: 10", "{cuont: 10", 1), `x.yaml:5:6: found no "count" in clients.a, expected it: how many
x.yaml:5:7: found the unknown key "cuont" in clients.a; did you mean "count"?`},
		{"a strange key", small("drain: {vase: 1s}"), `x.yaml:7:9: found the unknown key "vase" in drain; known here: timeout, ack-timeout`},
		{"a key twice", small("warmup: 1s", "warmup: 2s"), `x.yaml:8:1: found the key "warmup" twice, expected it once`},
		{"columns count characters", small(`timeline: [{at: 1s, say: "äöü€"}, {at: 1}]`), `x.yaml:7:35: found no action, expected one action: disconnect, slow, publish, rate, say, degrade, mute, abuse, subscribe, unsubscribe, scale, block, revoke, gateway or exec
x.yaml:7:40: found "1", expected a duration with its unit, such as 250ms or 1m30s`},
		{"a bare number for a duration", small("warmup: 5"), `x.yaml:7:9: found "5", expected a duration with its unit, such as 250ms or 1m30s`},
		{"nothing for a duration", small("warmup:"), `x.yaml:7:8: found nothing, expected a duration with its unit, such as 250ms or 1m30s`},
		{"a list for a duration", small("warmup: [1s]"), `x.yaml:7:9: found a list, expected a duration with its unit, such as 250ms or 1m30s`},
		{"no client", strings.Replace(small(), "count: 10", "count: 0", 1), `x.yaml:5:14: found "0", expected a whole number of at least 1`},
		{"a number in quotes", strings.Replace(small(), "count: 10", `count: "10"`, 1), `x.yaml:5:14: found "10", expected a whole number of at least 1`},
		{"far too many", strings.Replace(small(), "count: 10", "count: 9999999", 1), `x.yaml:5:6: found more than 1,000,000 clients up to here, expected fewer`},
		{"no group", "squall: 1\nname: x\nduration: 1s\nclients: {}\n", `x.yaml:4:10: found no group, expected at least one`},
		{"a name that isn't kebab-case", strings.Replace(small(), "name: small", "name: My Test", 1), `x.yaml:2:7: found "My Test", expected kebab-case: lower-case letters, digits and single hyphens`},
		{"a word outside of a list", small("expect: [{delivery: exactly-onc}]"), `x.yaml:7:21: found "exactly-onc", expected at-most-once, at-least-once or exactly-once; did you mean "exactly-once"?`},
		{"a word that may stand for a mapping", small("expect: promise"), `x.yaml:7:9: found "promise", expected promises or a mapping; did you mean "promises"?`},
		{"several problems at once", small("warmup: 5", "expect: [{order: per-chanel}]", "nonsense: 1"), `x.yaml:7:9: found "5", expected a duration with its unit, such as 250ms or 1m30s
x.yaml:8:18: found "per-chanel", expected per-publisher, per-channel or causal; did you mean "per-channel"?
x.yaml:9:1: found the unknown key "nonsense" here; known here: squall, name, about, seed, duration, warmup, drain, stop-when, target, clients, timeline, expect, capacity, environments`},
		{"the order of problems is that of the file, whoever finds them", small("timeline: [{at: 1s, slow: {who: b, rate: 1KiB/s}}]", "warmup: 5"), `x.yaml:7:33: found the unknown group "b", expected a or p; did you mean "a"?
x.yaml:8:9: found "5", expected a duration with its unit, such as 250ms or 1m30s`},

		// YAML's own errors.
		{"a limit without quotes", small("expect:", "  - reconnect: {success: 100%}", "  - errors: >= 5"), `x.yaml:9:13: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: - errors: ">= 5"`},
		{"a limit without quotes in braces", small("expect: [{reconnect: {success: %99}}]"), `x.yaml:7:32: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: expect: [{reconnect: {success: "%99"}}]`},
		{"a text with a colon", small("about: a storm: short and hard"), `x.yaml:7:8: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: about: "a storm: short and hard"`},
		{"an at sign", small("about: @home"), `x.yaml:7:8: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: about: "@home"`},
		{"a star", small("about: *all of it"), `x.yaml:7:8: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: about: "*all of it"`},
		{"a template without quotes", strings.Replace(small(), `{count: 10,`, `{count: 10, user: {i},`, 1), `x.yaml:5:24: found a mapping, expected text; put it in quotes: "{i}"`},
		{"a template without quotes, and more", "squall: 1\nname: x\nduration: 1s\nclients:\n  a:\n    count: 1\n    user: {i}-x\n", `x.yaml:7:11: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: user: "{i}-x"`},
		{"two lines that are no YAML", small("about: @home", "seed: @7"), `x.yaml:7:8: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: about: "@home"
x.yaml:8:7: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: seed: "@7"`},
		{"a tab", "squall: 1\nclients:\n\ta: {count: 1}\n", "x.yaml:3:2: found a tab in the indentation, expected spaces"},
		{"a brace that isn't closed", "squall: 1\nclients: {a: {count: 1}\nname: x\n", "x.yaml:2:10: found a { that is never closed, expected its }"},
		{"an unknown anchor", small("about: *nobody"), `x.yaml:7:8: found a value that begins with or contains YAML's own signs, expected text; put it in quotes: about: "*nobody"`},

		// Templates.
		{"an unknown name", strings.Replace(small(), "i % 2", "j % 2", 1), `x.yaml:5:40: in {j % 2}: found the unknown name "j"; did you mean "i"?`},
		{"a name of the language that isn't there", strings.Replace(small(), "{i % 2}", "{seq}", 1), `x.yaml:5:40: in {seq}: "seq" has no value here: it counts publications`},
		{"the user of a group without", strings.Replace(small(), "{i % 2}", "{user}", 1), `x.yaml:5:40: in {user}: "user" has no value here: the group doesn't say it before`},
		{"a brace too few", strings.Replace(small(), "{i % 2}", "{i", 1), `x.yaml:5:40: found a { without its } in "c.{i", expected {{ for a brace`},
		{"a brace too many", strings.Replace(small(), "{i % 2}", "i}", 1), `x.yaml:5:40: found a } without its { in "c.i}", expected }} for a brace`},
		{"nothing in braces", strings.Replace(small(), "{i % 2}", "{}", 1), `x.yaml:5:40: found an empty {} in "c.{}", expected an expression; {{}} are braces`},
		{"a row", strings.Replace(small(), "{i % 2}", "{row.token}", 1), `x.yaml:5:40: in {row.token}: "row" has no value here: the group has no data`},
		{"a variable that isn't set", strings.Replace(small(), "{i % 2}", "{env.NOWHERE}", 1), `x.yaml:5:40: found env.NOWHERE, which is not set; set it, or write env.NOWHERE ?? 'x'`},
		{"env alone", strings.Replace(small(), "{i % 2}", "{env}", 1), `x.yaml:5:40: in {env}: env needs a name, as in env.NAME`},
		{"a function without its braces", strings.Replace(small(), "{i % 2}", "{pick}", 1), `x.yaml:5:40: in {pick}: pick is a function, as in pick(1..50) or now()`},
		{"now before the run", strings.Replace(small(), "{i % 2}", "{now()}", 1), `x.yaml:5:40: in {now()}: now() has a value only in publications`},
		{"an empty range", strings.Replace(small(), "{i % 2}", "{pick(5..1)}", 1), `x.yaml:5:40: for client 0 of the group: in c.{pick(5..1)}: pick needs whole numbers in order, as in pick(1..50)`},
		{"a channel that can't be", strings.Replace(small(), "c.{i % 2}", "a b", 1), `x.yaml:5:40: for client 0 of the group: found the channel "a b", expected no space, control character or *`},
		{"a pattern as a channel", strings.Replace(small(), "c.{i % 2}", "c.*", 1), `x.yaml:5:40: found the pattern "c.*", expected the name of a channel; patterns stand under pattern`},
		{"a payload that is no object", strings.Replace(small(), "rate: 10/s", "rate: 10/s, payload: hi", 1), `x.yaml:6:76: found "hi", expected a mapping: payloads are JSON objects`},
		{"the stamp's key", strings.Replace(small(), "rate: 10/s", "rate: 10/s, payload: {_squall: 1}", 1), `x.yaml:6:86: found the key "_squall", which carries the stamp, expected another`},
		{"an error that only a value shows", strings.Replace(small(), "rate: 10/s", `rate: 10/s, payload: {x: "{[1][i]}"}`, 1), `x.yaml:6:27: publication 1 of client 1: payload: in {[1][i]}: index out of range: 1 (array length is 1)`},

		// Contradictions.
		{"arrivals said twice", strings.Replace(small(), "count: 10", "count: 10, arrive: {over: 1s, rate: 5/s}", 1), `x.yaml:5:43: found over and rate, expected one of them`},
		{"a moment without a trigger", small("timeline: [{say: hi}]"), `x.yaml:7:12: found no trigger, expected one trigger: at, every or when`},
		{"a moment with a misspelt action", small("timeline: [{at: 1s, disconect: {who: a}}]"), `x.yaml:7:21: found the unknown key "disconect" in timeline.0; did you mean "disconnect"?`},
		{"a moment with a misspelt trigger", small("timeline: [{att: 1s, say: hi}]"), `x.yaml:7:13: found the unknown key "att" in timeline.0; did you mean "at"?`},
		{"a moment with two actions", small("timeline: [{at: 1s, say: hi, slow: {rate: 1KiB/s}}]"), `x.yaml:7:12: found slow and say, expected one action: disconnect, slow, publish, rate, say, degrade, mute, abuse, subscribe, unsubscribe, scale, block, revoke, gateway or exec`},
		{"a moment after the end", small("timeline: [{at: 10s, say: hi}]"), `x.yaml:7:17: found 10s, expected a time before the end of the active part at 10s`},
		{"times without every", small("timeline: [{at: 1s, times: 2, say: hi}]"), `x.yaml:7:28: found times without every, expected both`},
		{"more than there are", small("timeline: [{at: 1s, disconnect: {who: a, share: 11}}]"), `x.yaml:7:49: found 11, expected at most 10, which is all of them`},
		{"a code without a close", small("timeline: [{at: 1s, disconnect: {code: 4000}}]"), `x.yaml:7:40: found a code with how: reset, expected it with how: close`},
		{"a code that nobody may send", small("timeline: [{at: 1s, disconnect: {how: close, code: 1006}}]"), `x.yaml:7:52: found 1006, expected a close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999`},
		{"a freeze for no time", small("timeline: [{at: 1s, disconnect: {how: freeze}}]"), `x.yaml:7:33: found a freeze without an away time above 0, expected how long it lasts`},
		{"publications of those who don't publish", small("timeline: [{at: 1s, rate: {who: a, to: 5/s}}]"), `x.yaml:7:27: found clients without a publish entry, expected a group that publishes`},
		{"an unknown publisher", small("timeline: [{at: 1s, rate: {publisher: y, to: 5/s}}]"), `x.yaml:7:39: found the unknown publisher "y", expected x; did you mean "x"?`},
		{"limits in the wrong order", small("expect: [{latency: {p50: 1s, p99: 500ms}}]"), `x.yaml:7:35: found 500ms for p99 and 1s for p50, expected the limit of p99 to be the higher one`},
		{"a latency without a limit", small("expect: [{latency: {of: delivery}}]"), `x.yaml:7:20: found no limit, expected at least one, such as p99: 250ms`},
		{"two expectations in one", small("expect: [{errors: 0, recovery: complete}]"), `x.yaml:7:10: found recovery and errors, expected one of delivery, order, recovery, latency, reconnect, errors, queue, isolation, heartbeat, close, retained, will, throttle, debounce, batch, aggregate, transform, priority, state, snapshot or presence`},
		{"waived without delivery", small("expect: [{order: per-channel, waived: 0}]"), `x.yaml:7:39: found waived without delivery, expected both`},
		{"recovery without a history", small("target: {gateway: {history: none}}", "expect: [{recovery: complete}]"), `x.yaml:8:21: found recovery expected although target.gateway.history is none, expected one or the other`},
		{"more expected than promised", small("target: {promises: {delivery: at-most-once}}", "expect: [{delivery: exactly-once}]"), `x.yaml:8:21: found exactly-once expected although target.promises.delivery is at-most-once, expected no more than is promised`},
		{"more promised than kept", small("target: {gateway: {history: {size: 5}}, promises: {history: {size: 6}}}"), `x.yaml:7:68: found more than the embedded gateway keeps (5 messages), expected no more; configure target.gateway instead`},
		{"two kinds of target", small("target: {url: ws://a.test, gateway: {slow-consumers: disconnect}}"), `x.yaml:7:37: found url and gateway, expected one of them`},
		{"an address without a scheme", small("target: {url: \"127.0.0.1:8000/ws\"}"), `x.yaml:7:15: found "127.0.0.1:8000/ws", expected ws:// or wss://; did you mean "ws://127.0.0.1:8000/ws"?`},
		{"a host without a scheme", small("target: {url: \"joe:secret@localhost:8000\"}"), `x.yaml:7:15: found "localhost:8000", expected ws:// or wss://; did you mean "ws://localhost:8000"?`},
		{"an address of another kind", small("target: {url: http://a.test/ws}"), `x.yaml:7:15: found "http://a.test/ws", expected ws:// or wss://; did you mean "ws://a.test/ws"?`},
		{"an unknown dialect", small("target: {url: ws://a.test, dialect: centrifuge}"), `x.yaml:7:37: found the unknown dialect "centrifuge", expected events, centrifugo or plain; did you mean "centrifugo"?`},
		{"a dialect to come", small("target: {url: ws://a.test, dialect: mqtt}"), `x.yaml:7:37: "dialect: mqtt" is known, not yet available`},
		{"another dialect for the embedded gateway", small("target: {dialect: plain}"), `x.yaml:7:19: found the dialect plain for the embedded gateway, which speaks events; expected events, or a target of another kind`},
		{"recovery where there is none", small("target: {url: ws://a.test, dialect: plain, promises: {recovery: true, history: {size: 3, ttl: 1s}}}"), `x.yaml:7:65: found recovery promised, expected none: the dialect plain can't ask for what was missed`},
		{"recover where it can't be", strings.Replace(small("target: {url: ws://a.test, dialect: plain}"), `c.{i % 2}"`, `c.{i % 2}", recover: true`, 1), `x.yaml:5:62: found recover: true, expected none: the dialect plain can't ask for what was missed; optional: true leaves it out`},
		{"ack where there is none", strings.Replace(small("target: {url: ws://a.test, dialect: plain}"), "rate: 10/s", "rate: 10/s, ack: true", 1), `x.yaml:6:72: found ack: true, expected false: the dialect plain has no acknowledgements`},

		// Rights.
		{"a refusal that nothing judges", strings.Replace(small("expect: [{errors: 0}]"), `c.{i % 2}"`, `c.{i % 2}", refused: true`, 1), `x.yaml:5:62: found refused: true, expected isolation: strict under expect, the rule that judges it`},
		{"clients that nothing judges", strings.Replace(small("expect: [{errors: 0}]"), `a: {count: 10, subscribe: [{channel: "c.{i % 2}"}]}`, "a: {count: 10, refused: true}", 1), `x.yaml:5:27: found refused: true, expected isolation: strict under expect, the rule that judges it`},
		{"subscriptions of those who stay outside", strings.Replace(small("expect: [{isolation: strict}]"), "a: {count: 10", "a: {count: 10, refused: true", 1), `x.yaml:5:44: found subscribe in a group that is to be refused, expected none: its clients never get so far`},
		{"recovery of what is refused", strings.Replace(small("expect: [{isolation: strict}]"), `c.{i % 2}"`, `c.{i % 2}", refused: true, recover: true`, 1), `x.yaml:5:77: found recover: true with refused, expected none: what is refused has no position`},
		{"a moment for what is refused", strings.Replace(small("expect: [{isolation: strict}]", "timeline: [{at: 1s, subscribe: {who: a, channel: c.1}}]"), `c.{i % 2}"`, `c.{i % 2}", refused: true`, 1), `x.yaml:8:50: found "c.1", expected another topic: the group says that its subscription there is to be refused`},
		{"roles without tokens", small(`target: {gateway: {roles: [{role: a, channels: ["x.*"]}]}}`), `x.yaml:7:27: found roles without auth, expected both: a role is a claim of a token`},
		{"a role twice", small(`target: {gateway: {auth: {jwt-key: k}, roles: [{role: a, channels: x}, {role: a, channels: y}]}}`), `x.yaml:7:79: found the role "a" twice, expected it once`},
		{"a role of nothing", small(`target: {gateway: {auth: {jwt-key: k}, roles: [{role: a, channels: ["x.**.y"]}]}}`), `x.yaml:7:69: found the pattern "x.**.y", expected ** at its end only`},
		{"a token in the wrong place", strings.Replace(small(), `"c.{i % 2}"`, `"c.{jwt({'sub': 'x'})}"`, 1), `x.yaml:5:40: in {jwt({'sub': 'x'})}: jwt() has a value only in token and headers of clients`},
		{"a token without claims", strings.Replace(small(), `a: {count: 10`, `a: {count: 10, token: "{jwt()}"`, 1), `x.yaml:5:25: in {jwt()}: jwt needs its claims, as in jwt({'sub': user, 'exp': '10m'})`},
		{"a token for a while", strings.Replace(small(), `a: {count: 10`, `a: {count: 10, token: "{jwt({'exp': 'soon'})}"`, 1), `x.yaml:5:25: for client 0 of the group: in {jwt({'exp': 'soon'})}: found exp: "soon" in jwt(), expected a duration from the start of the run, such as '10m' or '-1m', or a number of seconds since 1970`},
		{"a token that ends in the run", strings.Replace(small(), `a: {count: 10`, `a: {count: 10, token: "{jwt({'exp': '10s'})}"`, 1), `x.yaml:5:25: found a token for 10s in a run of up to 40s, expected one that lasts, or refused: true`},
		{"a token that begins in the run", strings.Replace(small(), `a: {count: 10`, `a: {count: 10, headers: {A: "{jwt({'nbf': '1s'})}"}`, 1), `x.yaml:5:6: found a token that is not valid before 1s, expected one that is, or refused: true`},
		{"a header twice", strings.Replace(small("target: {headers: {x-a: b}}"), `a: {count: 10`, `a: {count: 10, headers: {X-A: c}`, 1), `x.yaml:5:33: found "X-A" under target.headers as well, expected it once`},
		{"data of another kind", strings.Replace(small(), `a: {count: 10`, `a: {count: 10, data: {file: rows.xls}`, 1), `x.yaml:5:31: found "rows.xls", expected a file whose name ends in .csv or .jsonl`},
		{"data that can't be read", strings.Replace(small(), `a: {count: 10`, `a: {count: 10, data: {file: rows.csv}`, 1), `x.yaml:5:31: found data, expected none: no file can be read here`},

		// Aliases.
		{"an anchor that contains itself", small("timeline: &t [*t]"), `x.yaml:7:15: found an anchor that contains itself: *t, expected a value`},
		{"a payload that contains itself", strings.Replace(small(), "rate: 10/s", "rate: 10/s, payload: &p {x: *p}", 1), `x.yaml:6:83: found an anchor that contains itself: *p, expected a value`},
	}
	for _, row := range rows {
		t.Run(row.about, func(t *testing.T) {
			_, problems := Load("x.yaml", []byte(row.src), options())
			if got := problems.Error(); got != row.want {
				t.Errorf("got\n%s\nwant\n%s\nin\n%s", got, row.want, row.src)
			}
		})
	}
}

// TestSet: --set changes values by their paths before anything is judged.
func TestSet(t *testing.T) {
	rows := []struct {
		about string
		set   []string
		want  string // problems
		check func(p *Plan) bool
	}{
		{"a number", []string{"clients.a.count=3"}, "", func(p *Plan) bool { return p.Groups[0].Count == 3 }},
		{"an entry by its name", []string{"clients.p.publish.x.rate=99/s"}, "", func(p *Plan) bool { return p.Publishers[0].Rate == 99 }},
		{"an entry by its index", []string{"clients.p.publish.0.rate=99/s"}, "", func(p *Plan) bool { return p.Publishers[1].Rate == 99 }},
		{"what wasn't there", []string{"target.gateway.history.size=7"}, "", func(p *Plan) bool { return p.Promises.History.Size == 7 }},
		{"a template without quotes", []string{"clients.a.user={i}"}, "", func(p *Plan) bool { return p.Clients[4].User == "4" }},
		{"a whole mapping", []string{"drain={timeout: 1s}"}, "", func(p *Plan) bool { return p.Drain.Timeout == 1e9 }},
		{"the last one holds", []string{"seed=3", "seed=4"}, "", func(p *Plan) bool { return p.Seed == 4 && len(p.Set) == 2 }},
		{"a wrong value", []string{"clients.a.count=many"}, `--set clients.a.count=many: found "many", expected a whole number of at least 1`, nil},
		{"a long change", []string{"expect=[{delivery: exactly-once}, {order: per-channel}, {errors: none}]"}, `--set expect=[{delivery: exactly-once}, {order: per-channel}, {er…: found "none", expected a limit of a count such as 0, "< 5" or 2..5`, nil},
		{"a wrong key", []string{"clients.a.cuont=3"}, `--set clients.a.cuont=3: found the unknown key "cuont" in clients.a; did you mean "count"?`, nil},
		{"no value", []string{"clients.a.count"}, `--set clients.a.count: found "clients.a.count", expected PATH=VALUE such as clients.voters.count=200`, nil},
		{"no such entry", []string{"clients.p.publish.y.rate=1/s"}, `--set clients.p.publish.y.rate=1/s: found no entry "y" in clients.p.publish, expected an index below 1 or x`, nil},
		{"through a value", []string{"duration.x=3"}, `--set duration.x=3: found "10s" at duration, expected a mapping or a list to look into`, nil},
		{"a new group", []string{"clients.b={count: 3}", "clients.b.user=x"}, "", func(p *Plan) bool { return p.Groups[2].Count == 3 }},
		{"a new group lacks its count", []string{"clients.b={user: x}"}, `--set clients.b={user: x}: found no "count" in clients.b, expected it: how many`, nil},
		{"no such group", []string{"clients.aa.count=3"}, `--set clients.aa.count=3: found no group "aa", expected a or p; did you mean "a"?`, nil},
		{"no such list", []string{"timeline.0.at=3s"}, `--set timeline.0.at=3s: found nothing at timeline, expected a list to look into`, nil},
	}
	for _, row := range rows {
		t.Run(row.about, func(t *testing.T) {
			p, problems := Load("x.yaml", []byte(small()), options(), row.set...)
			if got := problems.Error(); got != row.want {
				t.Fatalf("got\n%s\nwant\n%s", got, row.want)
			}
			if row.check != nil && !row.check(p) {
				t.Errorf("got a plan without the change: %+v", p)
			}
		})
	}
	p := plan(t, small("target: embedded"), options(), "target.promises.recovery=false")
	if p.Promises.Recovery || p.Clients[0].Subs[0].Recover {
		t.Error("got recovery, want none: target: embedded has room for promises")
	}
	base := strings.Replace(small("  z: *a"), "a: {count", "a: &a {count", 1)
	p = plan(t, base, options(), "clients.z.count=1")
	if p.Groups[0].Count != 10 || p.Groups[2].Count != 1 {
		t.Errorf("got counts %d and %d, want 10 and 1: a change behind an alias is nobody else's", p.Groups[0].Count, p.Groups[2].Count)
	}
}
