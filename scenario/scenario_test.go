package scenario

import (
	"os"
	"strings"
	"testing"
	"time"

	"squall/scenarios"
)

// dialects as a caller would hand them in.
func dialects() []DialectInfo {
	return []DialectInfo{
		{Name: "events", Offends: true, Recover: true, Offsets: true, Ack: true, Patterns: true, Filters: true, Unsubscribe: true, Sessions: true, Owned: true, Keys: true, Retain: true, Wills: true, Snapshot: true, Priority: true, Fallback: true, Presence: true, Promises: Embedded()},
		{Name: "centrifugo", Offends: true, Recover: true, Offsets: true, Ack: true, Unsubscribe: true, Promises: Promises{Delivery: "at-most-once", Order: "per-channel"}},
		{Name: "plain"},
	}
}

func options() Options { return Options{Dialects: dialects(), Env: environment} }

func environment(name string) (string, bool) {
	v, ok := map[string]string{"TOKEN": "s3cret-token", "STAGE": "s3cret-stage"}[name]
	return v, ok
}

// small is a scenario with the given lines added; clients a (10, subscribed to
// one of two channels) and p (2, publishing).
func small(more ...string) string {
	return `squall: 1
name: small
duration: 10s
clients:
  a: {count: 10, subscribe: [{channel: "c.{i % 2}"}]}
  p: {count: 2, publish: [{name: x, channel: "c.{i}", rate: 10/s}]}
` + strings.Join(more, "\n") + "\n"
}

func plan(t *testing.T, src string, o Options, set ...string) *Plan {
	t.Helper()
	p, problems := Load("x.yaml", []byte(src), o, set...)
	if len(problems) > 0 {
		t.Fatalf("%v\nin\n%s", problems, src)
	}
	return p
}

func shipped(t *testing.T) map[string][]byte {
	t.Helper()
	names := scenarios.Names()
	if len(names) < 4 {
		t.Fatalf("got %v, want the shipped scenarios", names)
	}
	all := make(map[string][]byte)
	for _, name := range names {
		_, all[name+".yaml"], _ = scenarios.Find(name)
	}
	if len(all) != len(names) {
		t.Fatalf("two scenarios share a name: %v", names)
	}
	return all
}

func TestShippedScenarios(t *testing.T) {
	for name, src := range shipped(t) {
		p, problems := Load(name, src, options())
		if len(problems) > 0 {
			t.Errorf("%v", problems)
			continue
		}
		if p.Name+".yaml" != name {
			t.Errorf("%s: got the name %s, want that of the file", name, p.Name)
		}
		if p.Duration > 20*time.Second {
			t.Errorf("%s: got %v, want at most 20s", name, p.Duration)
		}
		header, _, _ := strings.Cut(string(src), "squall: 1")
		if !strings.Contains(header, "# Proves: ") || !strings.Contains(header, "# Fails with: ") {
			t.Errorf("%s: got the header\n%s\nwant what it proves and what makes it fail", name, header)
		}
	}
}

// TestReconnectStorm follows the example of the language document.
func TestReconnectStorm(t *testing.T) {
	p := plan(t, string(shipped(t)["reconnect-storm.yaml"]), options())
	if len(p.Clients) != 2040 || len(p.Publishers) != 40 || len(p.Channels) != 40 {
		t.Fatalf("got %d clients, %d publishers, %d channels, want 2040, 40, 40", len(p.Clients), len(p.Publishers), len(p.Channels))
	}
	if got := p.Target.Gateway.History; got != (History{5000, time.Minute}) || p.Promises.History != got {
		t.Errorf("got history %v, promised %v, want 5000 and 1m for both", got, p.Promises.History)
	}
	m := p.Moments[0]
	if len(m.Victims) != 800 || m.How != "reset" || m.At != 6*time.Second {
		t.Errorf("got %d victims by %s at %v, want 800 by reset at 6s", len(m.Victims), m.How, m.At)
	}
	last := -1
	for _, v := range m.Victims {
		if v.Client <= last || v.Client >= 2000 || v.Delay < 0 || v.Delay >= 500*time.Millisecond || v.Away < time.Second || v.Away > 4*time.Second {
			t.Fatalf("got the victim %+v after %d, want ascending voters, within 500ms, away 1s to 4s", v, last)
		}
		last = v.Client
	}
	if k := p.Peaks; k.Connections != 2040 || k.Published != 200 || k.Delivered != 10000 || k.Deliveries != 200000 || k.Descriptors != 2*2040+spareDescriptors {
		t.Errorf("got %+v", k)
	}
	if w := p.Expect[0].Waived; w.Op != "<=" || w.A != 0 {
		t.Errorf("got waived %+v, want at most 0, since recovery is promised", w)
	}
	for i := range p.Clients[:2000] {
		c := p.Clients[i]
		if len(c.Subs) != 1 || !c.Subs[0].Recover || p.Channels[c.Subs[0].Channel] != "vote."+itoa(i%40) {
			t.Fatalf("client %d: got %+v", i, c.Subs)
		}
	}
}

// TestSeedDecides: the same file and seed print the same bytes and draw the
// same; another seed draws otherwise.
func TestSeedDecides(t *testing.T) {
	for name, src := range shipped(t) {
		text := func(seed uint64) string {
			o := options()
			o.Seed = &seed
			var b strings.Builder
			p := plan(t, string(src), o)
			if err := p.Print(&b); err != nil {
				t.Fatal(err)
			}
			for _, m := range p.Moments {
				for _, v := range m.Victims {
					b.WriteString(itoa(v.Client) + v.Delay.String() + v.Away.String())
				}
			}
			for i := range p.Publishers {
				due, _ := p.Pacer(i).Next()
				b.WriteString(due.String())
			}
			return b.String()
		}
		if one, two := text(5), text(5); one != two {
			t.Errorf("%s: the same seed gives two plans", name)
		}
		if text(5) == strings.ReplaceAll(text(6), "seed 6", "seed 5") {
			t.Errorf("%s: two seeds give the same plan", name)
		}
	}
}

// TestAddedClientsChangeNobody: what one moment or publisher draws doesn't
// depend on what is written after it.
func TestAddedClientsChangeNobody(t *testing.T) {
	one := plan(t, small("timeline:", "  - {at: 1s, disconnect: {who: a, share: 50%, away: 1s..2s}}"), options())
	two := plan(t, small("  z: {count: 5}", "timeline:", "  - {at: 1s, disconnect: {who: a, share: 50%, away: 1s..2s}}", "  - {at: 1s, say: x}"), options())
	for i, v := range one.Moments[0].Victims {
		if two.Moments[0].Victims[i] != v {
			t.Fatalf("victim %d: got %+v, want %+v", i, two.Moments[0].Victims[i], v)
		}
	}
	for i := range one.Publishers {
		if one.Publishers[i].Phase != two.Publishers[i].Phase {
			t.Fatalf("publisher %d: got phase %v, want %v", i, two.Publishers[i].Phase, one.Publishers[i].Phase)
		}
	}
}

func TestPrint(t *testing.T) {
	src := small(
		"target: {url: \"wss://user:pass@host.test/{env.STAGE}\", headers: {X-Key: \"{env.TOKEN}\"}}",
		"expect: [promises, {latency: {p99: 1s}}]",
		"timeline:",
		"  - {every: 4s, disconnect: {who: a, share: 40%, over: 1s, how: close, fresh: true}}",
		"  - {at: 1s, slow: {who: a, share: 1, rate: 2KiB/s, for: 2s}}",
		"  - {at: 2s, publish: {who: p, publisher: x, channel: extra, count: 3, rate: 2/s}}",
		"  - {at: 3s, rate: {who: p, to: 50/s, over: 2s}}",
		"  - {at: 9s, say: \"nearly there\"}",
	)
	p, problems := Load("/somewhere/absolute/x.yaml", []byte(src), options(), "clients.a.user=reader-{i}", "warmup=1s")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	golden := "testdata/plan.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, secret := range []string{"s3cret", "user:pass", "/somewhere", placeholderRun} {
		if strings.Contains(got, secret) {
			t.Errorf("the plan shows %q", secret)
		}
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("got a line of %d columns, want at most 80: %s", n, line)
		}
	}
	if want := []string{"s3cret-stage", "s3cret-token"}; strings.Join(p.Secrets, " ") != strings.Join(want, " ") {
		t.Errorf("got the secrets %v, want %v", p.Secrets, want)
	}
	if got := p.Target.Headers[0].Value; got != "s3cret-token" {
		t.Errorf("got the header %q, want the variable's value", got)
	}
}
