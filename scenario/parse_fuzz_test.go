package scenario

import "testing"

// FuzzParse: whatever the file, nothing panics, every problem has a place and
// words, and a plan without problems can be printed and paced.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small()), "clients.a.count=3")
	f.Add([]byte(small("timeline: [{every: 3s, disconnect: {share: 10%, how: cut, away: 1s..2s}}]")), "")
	f.Add([]byte("a: &a [*a, {<<: *a}]\nb: {i}\nc: >= 5\n"), "b.c=1")
	f.Add([]byte("squall: 1\nclients: {a: {count: 1, vars: {x: []}, publish: [{payload: {y: \"{x}\"}}]}}\n"), "clients.a=1")
	f.Add([]byte("squall: 1\nclients: &c {a: {<<: [*c, *c]}}\n"), "clients.a.b.c=1")
	f.Fuzz(func(t *testing.T, src []byte, set string) {
		o := options()
		o.Defects = []string{"fifo-violation"}
		var changes []string
		if set != "" {
			changes = append(changes, set)
		}
		s, problems := Parse("x.yaml", src, changes...)
		total := 0
		for _, g := range s.Clients {
			total += max(g.Count, 0)
		}
		if total > 2000 {
			return
		}
		p, all := Load("x.yaml", src, o, changes...)
		if len(problems) > 0 && len(all) == 0 {
			t.Fatalf("Parse finds %v, Load nothing", problems)
		}
		for _, x := range append(problems, all...) {
			if x.Text == "" || x.Origin == "" && (x.Line < 1 || x.Column < 1) {
				t.Fatalf("got %+v, want a place and words", x)
			}
		}
		if len(all) > 0 {
			return
		}
		if p == nil {
			t.Fatal("got neither a plan nor a problem")
		}
		if err := p.Print(discard{}); err != nil {
			t.Fatal(err)
		}
		for i := range p.Publishers {
			p.Pacer(i).Next()
		}
	})
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
