package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScalings(t *testing.T) {
	s := time.Second
	tests := []struct {
		name     string
		timeline string
		sizes    map[time.Duration]int // of the group a, which begins with 10
		members  int
		most     int
	}{
		{"at once", "{at: 2s, scale: {who: a, to: 30}}", map[time.Duration]int{2*s - 1: 10, 2 * s: 30, 9 * s: 30}, 30, 32},
		{"over a time", "{at: 2s, scale: {who: a, to: 20, over: 5s}}", map[time.Duration]int{2 * s: 11, 2500 * time.Millisecond: 12, 4 * s: 15, 7 * s: 20}, 20, 22},
		{"down, and up again", "{at: 2s, scale: {who: a, to: 4}}, {at: 5s, scale: {who: a, to: 8}}", map[time.Duration]int{3 * s: 4, 6 * s: 8}, 10, 12},
		{"to nobody", "{at: 2s, scale: {who: a, to: 0, over: 1s}}", map[time.Duration]int{2 * s: 9, 3 * s: 0}, 10, 12},
		{"one begins in the midst of another", "{at: 2s, scale: {who: a, to: 20, over: 5s}}, {at: 4s, scale: {who: a, to: 10}}", map[time.Duration]int{4*s - 1: 14, 4 * s: 10, 9 * s: 10}, 14, 16},
		{"it ends with the active part", "{at: 8s, scale: {who: a, to: 30, over: 10s}}", map[time.Duration]int{8 * s: 11, 9900 * time.Millisecond: 14}, 14, 16},
		{"again and again", "{every: 2s, scale: {who: a, to: 12}}", map[time.Duration]int{s: 10, 2 * s: 12, 8 * s: 12}, 12, 14},
		{"not in the file's order", "{at: 6s, scale: {who: a, to: 5}}, {at: 3s, scale: {who: a, to: 25}}", map[time.Duration]int{3 * s: 25, 6 * s: 5}, 25, 27},
	}
	for _, tt := range tests {
		c := newCompiler(mustParse(t, small("timeline: ["+tt.timeline+"]")), options())
		for at, want := range tt.sizes {
			if got := c.size("a", at); got != want {
				t.Errorf("%s: %d clients at %v, want %d", tt.name, got, at, want)
			}
		}
		p := plan(t, small("timeline: ["+tt.timeline+"]"), options())
		g := p.group("a")
		if g.Count != tt.members || g.Initial != 10 || p.Peaks.Connections != tt.most {
			t.Errorf("%s: %d members, %d at first, at most %d connections, want %d, 10, %d", tt.name, g.Count, g.Initial, p.Peaks.Connections, tt.members, tt.most)
		}
		there := make([]bool, len(p.Clients))
		for i, c := range p.Clients {
			there[i] = c.Arrive >= 0
		}
		for _, m := range p.Moments {
			for _, v := range m.Victims {
				if in := m.How == "in"; there[v.Client] == in {
					t.Errorf("%s: client %d is sent %s and is already", tt.name, v.Client, m.How)
				} else {
					there[v.Client] = in
				}
			}
		}
	}
}

func mustParse(t *testing.T, src string) *Scenario {
	t.Helper()
	s, problems := Parse("x.yaml", []byte(src))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// Whom a moment strikes is drawn from those who are to be there then.
func TestSharesOfAScaledGroup(t *testing.T) {
	p := plan(t, small(`timeline: [{at: 2s, scale: {who: a, to: 4}}, {at: 4s, scale: {who: a, to: 40}},
  {at: 1s, disconnect: {who: a}}, {at: 3s, disconnect: {who: a, share: 50%}}, {at: 5s, disconnect: {who: a}},
  {when: {who: a, sees: subscribed}, disconnect: {how: fin}}]`), options())
	var got []int
	for _, m := range p.Moments {
		if m.Do == "disconnect" {
			got = append(got, len(m.Victims))
		}
	}
	if want := []int{40, 10, 2, 40}; !slices.Equal(got, want) { // the trigger stands first
		t.Errorf("victims %v, want %v", got, want)
	}
	if p.Publishers[len(p.Publishers)-1].Client != len(p.Clients)-1 {
		t.Error("the last client is no publisher of p")
	}
}

// What is expected in all takes into account who is there.
func TestScaledSums(t *testing.T) {
	one, two := plan(t, small(), options()), plan(t, small("timeline: [{at: 5s, scale: {who: a, to: 20}}]"), options())
	a, b := float64(one.Peaks.Deliveries), float64(two.Peaks.Deliveries)
	if a == 0 || b < 1.4*a || b > 1.6*a || two.Peaks.Delivered < 1.9*one.Peaks.Delivered {
		t.Errorf("%v deliveries with 10, %v with 10 and then 20", a, b)
	}
	var out strings.Builder
	two.Print(&out)
	for _, want := range []string{"a   10 clients, later up to 20", "scale a to 20", "10 clients\n", "connections   22"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, &out)
		}
	}
}

func TestLinks(t *testing.T) {
	src := strings.Replace(small(`timeline: [{at: 2s, degrade: {who: a, delay: 1s..2s, for: 3s}}, {at: 3s, degrade: {who: p, rate: 1KiB/s}}]`),
		"count: 10,", "count: 10, read: 64KiB/s, link: {delay: 20ms..60ms, jitter: 10ms, rate: 4KiB/s},", 1)
	p := plan(t, src, options())
	seen := make(map[time.Duration]bool)
	for i := range 10 {
		l := p.Clients[i].Link
		if l.Delay < 20*time.Millisecond || l.Delay > 60*time.Millisecond || l.Jitter != 10*time.Millisecond || l.Rate != 4096 || !p.Clients[i].Slowed {
			t.Errorf("client %d: %+v", i, l)
		}
		seen[l.Delay] = true
	}
	if len(seen) < 5 || !p.Groups[0].Limited() || p.Groups[1].Limited() {
		t.Errorf("%d delays; limited %v and %v", len(seen), p.Groups[0].Limited(), p.Groups[1].Limited())
	}
	for _, v := range p.Moments[0].Victims {
		if l := v.Link; l.Delay < time.Second || l.Delay > 2*time.Second || l.Rate != 4096 || l.Jitter != 10*time.Millisecond {
			t.Errorf("victim %d: %+v", v.Client, l)
		}
	}
	if m := p.Moments[1]; m.For != 7*time.Second || m.Victims[0].Link != (Link{Rate: 1024}) || !p.Clients[m.Victims[0].Client].Slowed {
		t.Errorf("for %v, %+v", m.For, m.Victims[0].Link)
	}
	var out strings.Builder
	p.Print(&out)
	for _, want := range []string{"read        64KiB/s", "link        delay 20ms..60ms, jitter 10ms, 4KiB/s", "degrade a to delay 1s..2s for 3s", "degrade p to 1KiB/s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, &out)
		}
	}
	var again strings.Builder
	plan(t, src, options()).Print(&again)
	if fmt.Sprint(plan(t, src, options()).Moments[0].Victims) != fmt.Sprint(p.Moments[0].Victims) || again.String() != out.String() {
		t.Error("the same file and seed gave another plan")
	}
}

func TestShapeProblems(t *testing.T) {
	for _, row := range []struct{ group, timeline, want string }{
		{"link: {}", "", "found nothing that changes a link, expected delay, jitter or rate"},
		{"link: {delay: 6s}", "", "found 6s, expected at most 5s"},
		{"link: {jitter: 1s..6s}", "", "found 1s..6s, expected at most 5s"},
		{"link: {rate: 30/min}", "", "expected a rate of bytes"},
		{"read: 0B/s", "", "found less than 1B/s, expected more"},
		{"", "{at: 1s, degrade: {who: a, for: 1s}}", "found nothing that changes a link, expected delay, jitter or rate"},
		{"", "{at: 1s, degrade: {who: b, delay: 1s}}", `found the unknown group "b"`},
		{"", "{at: 1s, degrade: {rate: 0B/s}}", "found less than 1B/s"},
		{"", "{at: 1s, scale: {who: a}}", `found no "to" in timeline.0.scale`},
		{"", "{at: 1s, scale: {to: 3}}", `found no "who" in timeline.0.scale`},
		{"", "{at: 1s, scale: {who: [a, p], to: 3}}", "found a and p, expected one group"},
		{"", "{at: 1s, scale: {who: b, to: 3}}", `found the unknown group "b"`},
		{"", "{at: 1s, scale: {who: a, to: -3}}", `found "-3", expected a whole number of at least 0`},
		{"", "{at: 1s, scale: {who: a, to: 2000000}}", "found more than 1,000,000 clients"},
		{"", "{at: 1s, scale: {who: a, to: 3, share: 5%}}", `unknown key "share"`},
		{"", "{when: {sees: message}, scale: {who: a, to: 3}}", "found when with scale"},
	} {
		src := small("timeline: [" + row.timeline + "]")
		if row.group != "" {
			src = strings.Replace(src, "count: 10,", "count: 10, "+row.group+",", 1)
		}
		_, problems := Load("x.yaml", []byte(src), options())
		if len(problems) == 0 || !strings.Contains(problems[0].Text, row.want) {
			t.Errorf("%s%s\ngot  %v\nwant %s", row.group, row.timeline, problems, row.want)
		}
	}
}
