package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const rightful = `squall: 1
name: rightful
duration: 10s
target:
  gateway:
    auth: {jwt-key: "{env.STAGE}", anonymous: true}
    roles:
      - {role: member, channels: ["vote.*", "user.{user}"]}
      - {role: anonymous, channels: vote.1}
clients:
  members:
    count: 3
    user: "m{i}"
    role: member
    token: "{jwt({'sub': user, 'role': role, 'exp': '10m', 'nbf': 5})}"
    headers: {Authorization: "Bearer {jwt({'sub': user})}", X-N: "{i}"}
    subscribe: [{channel: vote.1}, {channel: "user.m{i + 1}", refused: true}]
  late: {count: 1, token: "{jwt({'sub': 'm0', 'exp': '-1m'})}x", refused: true}
expect: [{isolation: strict}]
`

// TestSigned: tokens are made when a run begins, and are secret.
func TestSigned(t *testing.T) {
	p := plan(t, rightful, options())
	if g := p.Target.Gateway; !g.Auth.On || !g.Auth.Anonymous || p.Key != "s3cret-stage" || fmt.Sprint(g.Roles) != "[{member [vote.* user.{user}]} {anonymous [vote.1]}]" {
		t.Errorf("got %+v, %+v", g.Auth, g.Roles)
	}
	if c := p.Clients[1]; c.Subs[0].Refused || !c.Subs[1].Refused || c.Subs[1].Recover || p.Groups[0].Refused || !p.Groups[1].Refused {
		t.Errorf("got %+v", c)
	}
	now := time.Unix(1000, 0)
	signed, err := p.Signed(now, func(claims map[string]any) (string, error) { return fmt.Sprint(claims), nil })
	if err != nil {
		t.Fatal(err)
	}
	c := signed.Clients[1]
	if c.Token != "map[exp:1600 nbf:5 role:member sub:m1]" || fmt.Sprint(c.Headers) != "[{Authorization Bearer map[sub:m1]} {X-N 1}]" {
		t.Errorf("got %q, %v", c.Token, c.Headers)
	}
	if got := signed.Clients[3].Token; got != "map[exp:940 sub:m0]x" {
		t.Errorf("got %q, want an expired token with a wrong signature", got)
	}
	for _, secret := range []string{"s3cret-stage", "map[sub:m1]", c.Token} {
		if !strings.Contains(strings.Join(signed.Secrets, "\n"), secret) {
			t.Errorf("%q is not among the secrets", secret)
		}
	}
	if strings.Contains(p.Clients[1].Token, "m1") || len(signed.Clients) != len(p.Clients) {
		t.Error("the plan itself was changed")
	}
	again, err := signed.Signed(now.Add(time.Hour), func(map[string]any) (string, error) { return "", errors.New("again") })
	if err != nil || again != signed {
		t.Errorf("was signed again: %v", err)
	}
	if _, err := p.Signed(now, func(map[string]any) (string, error) { return "", errors.New("no key") }); err == nil {
		t.Error("a token that can't be made went through")
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"role member: vote.*, user.{user}", "clients with a token, and anonymous ones", "user.m{i + 1}, to be refused", "Authorization: ***", "the target must not let them in"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "s3cret") || strings.Contains(b.String(), "--jwt-key") || strings.Contains(b.String(), edge) {
		t.Errorf("a secret, or a need that there isn't, is printed:\n%s", b.String())
	}
}

// TestKey: --jwt-key replaces the file's key; a plan can be looked at without one.
func TestKey(t *testing.T) {
	o := options()
	o.Key = "from the command line"
	if p := plan(t, rightful, o); p.Key != o.Key || p.NeedsKey() {
		t.Errorf("got %q", p.Key)
	}
	keyless := strings.Replace(rightful, `jwt-key: "{env.STAGE}", `, "", 1)
	p := plan(t, keyless, options())
	var b strings.Builder
	if err := p.Print(&b); err != nil || !p.NeedsKey() || !strings.Contains(b.String(), "--jwt-key FILE or env:NAME") {
		t.Errorf("%v: the plan doesn't say what it needs:\n%s", err, b.String())
	}
	o = options()
	o.Run = "0a"
	_, problems := Load("x.yaml", []byte(keyless), o)
	want := `x.yaml:6:11: found no jwt-key, expected one, or --jwt-key FILE or env:NAME
x.yaml:15:12: found jwt() without a key to sign with, expected --jwt-key FILE or env:NAME
x.yaml:18:27: found jwt() without a key to sign with, expected --jwt-key FILE or env:NAME`
	if got := problems.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const fed = `squall: 1
name: fed
duration: 10s
clients:
  a:
    count: 4
    data: {file: FILE, pick: PICK}
    user: "{row.name}"
    vars: {room: "r{row.room}"}
    token: "{row.token}"
    subscribe: [{channel: "c.{room}"}]
    publish: [{name: x, channel: "c.{room}", rate: 1/s, payload: {n: "{row.room}"}}]
`

const (
	peopleCSV   = "name,room,token\nann,1,t-ann\n\"bob, jr\",2,t-bob\ncy,3,t-cy\n"
	peopleJSONL = `{"name":"ann","room":1,"token":"t-ann"}` + "\n\n" + `{"name":"bob, jr","room":2,"token":"t-bob"}` + "\n" + `{"name":"cy","room":3,"token":"t-cy"}`
)

// TestRows: each client gets a row of a file.
func TestRows(t *testing.T) {
	files := map[string]string{"dir/p.csv": peopleCSV, "dir/p.jsonl": peopleJSONL}
	load := func(file, pick string) (*Plan, Problems) {
		o := options()
		o.Read = func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		}
		return Load("dir/x.yaml", []byte(strings.NewReplacer("FILE", file, "PICK", pick).Replace(fed)), o)
	}
	for _, file := range []string{"p.csv", "p.jsonl"} {
		p, problems := load(file, "in-order")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var got []string
		for i, c := range p.Clients {
			m, err := p.Publishers[i].Compose(0, 0, "")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s/%s/%s/%s", c.User, p.Channels[c.Subs[0].Channel], c.Token, m.Payload))
		}
		text := map[string]string{"p.csv": `"`, "p.jsonl": ""}[file]
		want := strings.ReplaceAll("ann/c.r1/t-ann/{Qn|1Q} bob, jr/c.r2/t-bob/{Qn|2Q} cy/c.r3/t-cy/{Qn|3Q} ann/c.r1/t-ann/{Qn|1Q}", "Q", text)
		want = strings.ReplaceAll(strings.ReplaceAll(want, text+"n|", `"n":`+text), `""`, `"`)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got\n%s\nwant\n%s", file, strings.Join(got, " "), want)
		}
		if secrets := strings.Join(p.Secrets, " "); secrets != "t-ann t-bob t-cy" {
			t.Errorf("%s: the secrets are %q, want those of the tokens alone", file, secrets)
		}
	}
	p, _ := load("p.csv", "random")
	q, _ := load("p.csv", "random")
	users := map[string]int{}
	for i := range p.Clients {
		users[p.Clients[i].User]++
		if p.Clients[i].User != q.Clients[i].User {
			t.Error("the same seed drew other rows")
		}
	}
	if users["ann"] == 2 && users["cy"] == 1 && users["bob, jr"] == 1 && p.Clients[3].User == "ann" {
		t.Error("random is in-order")
	}
	for name, text := range map[string]string{
		"empty.csv": "", "bare.csv": "name,room,token\n", "twice.csv": "a,a\n1,2\n", "short.csv": "name,room,token\nann,1\n",
		"none.jsonl": "\n", "list.jsonl": "[1]\n", "two.jsonl": "{}\n{} {}\n", "other.csv": "name,token\nann,t\n", "gap.jsonl": `{"name":"a","room":1,"token":"t"}` + "\n" + `{"name":"b","token":"t"}`,
	} {
		files["dir/"+name] = text
	}
	for _, row := range []struct{ file, pick, want string }{
		{"absent.csv", "in-order", `7:18: reading "absent.csv": no such file`},
		{"empty.csv", "in-order", `7:18: empty.csv: found an empty file, expected a line with the names of the columns, and rows`},
		{"bare.csv", "in-order", `7:18: bare.csv: found no row, expected at least one`},
		{"twice.csv", "in-order", `7:18: twice.csv: line 1: found the column "a", expected names that are not empty, each once`},
		{"short.csv", "in-order", `7:18: short.csv: line 2: wrong number of fields`},
		{"none.jsonl", "in-order", `7:18: none.jsonl: found no row, expected at least one`},
		{"list.jsonl", "in-order", `7:18: list.jsonl: line 1: expected one JSON object`},
		{"two.jsonl", "in-order", `7:18: two.jsonl: line 2: expected one JSON object`},
		{"other.csv", "in-order", `9:18: found row.room, expected a column of the data: name, token`},
		{"gap.jsonl", "in-order", `9:18: for client 1 of the group: in r{row.room}: found nothing, expected a value`},
		{"p.csv", "unique", `7:18: found 3 rows for 4 clients, expected one for each: pick: unique gives no row twice`},
	} {
		if _, problems := load(row.file, row.pick); problems.Error() != "dir/x.yaml:"+row.want {
			t.Errorf("%s: got\n%s\nwant\n%s", row.file, problems.Error(), "dir/x.yaml:"+row.want)
		}
	}
}
