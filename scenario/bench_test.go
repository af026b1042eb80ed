package scenario

import "testing"

// BenchmarkLoad plans 10,000 clients.
func BenchmarkLoad(b *testing.B) {
	src := []byte(small())
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Load("x.yaml", src, options(), "clients.a.count=10000", `clients.a.user=u{i}`); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

// BenchmarkCompose makes a publication of which everything differs.
func BenchmarkCompose(b *testing.B) {
	p, problems := Load("x.yaml", []byte(publishers), options())
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	var k int64
	for b.Loop() {
		if _, err := p.Publishers[1].Compose(k, 0, "r"); err != nil {
			b.Fatal(err)
		}
		k++
	}
}
