package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lane queues what words say, and takes all of it out again: a channel's letter with
// its count and ! for urgent, ? for low; an answer is -, a ping ., and what a session
// remembers has # behind it.
func lane(words string) string {
	subs := make(map[string]*subscription)
	var q queue
	for w := range strings.FieldsSeq(words) {
		it := item{frame: []byte(w + " ")}
		switch name := w[:1]; name {
		case "-":
		case ".":
			it.free = true
		default:
			if subs[name] == nil {
				subs[name] = &subscription{stream: &stream{name: name}}
			}
			it.sub = subs[name]
			it.level = map[byte]level{'!': urgent, '?': low}[strings.TrimSuffix(w, "#")[len(strings.TrimSuffix(w, "#"))-1]]
			if strings.HasSuffix(w, "#") {
				it.number = 1
			}
		}
		q.push(it)
	}
	return strings.TrimSpace(string(q.take(nil, 1<<20)))
}

func TestUrgentOvertakes(t *testing.T) {
	for _, row := range []struct{ comment, says, want string }{
		{"nothing is urgent", "a1 b1 a2", "a1 b1 a2"},
		{"before what waits", "a1 b1 a2 u1!", "u1! a1 b1 a2"},
		{"in their own order", "a1 u1! b1 v1! u2!", "u1! v1! u2! a1 b1"},
		{"not within a channel", "b1 a1 b2 a2! u1!", "u1! b1 a1 a2! b2"},
		{"normal before low", "l1? l2? a1 b1 u1!", "u1! a1 b1 l1? l2?"},
		{"low before nothing", "a1 l1? b1", "a1 b1 l1?"},
		{"not before an answer", "a1 - b1 u1!", "a1 - u1! b1"},
		{"but before a ping", "a1 . b1 u1!", "u1! a1 . b1"},
		{"not what a session counts", "a1# b1 u1!", "a1# u1! b1"},
		{"nor that something else", "a1 u1!#", "a1 u1!#"},
	} {
		if got := lane(row.says); got != row.want {
			t.Errorf("%s: %s comes as %s, want %s", row.comment, row.says, got, row.want)
		}
	}
}

// TestNothingStarves: what is low waits for no more than so many others, however much
// is urgent.
func TestNothingStarves(t *testing.T) {
	var q queue
	a, b, u := &subscription{stream: &stream{}}, &subscription{stream: &stream{}}, &subscription{stream: &stream{}}
	q.push(item{frame: []byte("first"), sub: a})
	q.push(item{frame: []byte("low"), sub: a, level: low})
	q.take(nil, 1)
	for i := range 3 * mostOvertaken {
		q.push(item{frame: []byte("normal"), sub: b})
		if i%2 == 0 {
			q.push(item{frame: []byte("urgent"), sub: u, level: urgent})
		}
	}
	before := 0
	for string(q.take(nil, 1)) != "low" {
		if before++; before > 4*mostOvertaken {
			t.Fatal("it starves")
		}
	}
	if before < mostOvertaken {
		t.Errorf("%d came before, want %d at least: nothing was overtaken", before, mostOvertaken)
	}
}

// TestOvertakingKeepsOrder: whatever is queued, and taken meanwhile, everything comes
// once; each channel in its order; what is lower behind what is higher, unless it came
// before; and answers where they stood.
func TestOvertakingKeepsOrder(t *testing.T) {
	overtook := 0
	rapid.Check(t, func(t *rapid.T) {
		subs := []*subscription{{stream: &stream{}}, {stream: &stream{}}, {stream: &stream{}}}
		type pushed struct {
			of    int // −1: an answer
			level level
		}
		var q queue
		var all []pushed
		var came []int
		take := func(most int) {
			for range most {
				text := string(q.take(nil, 1))
				if text == "" {
					return
				}
				var n int
				fmt.Sscan(text, &n)
				came = append(came, n)
			}
		}
		for n := range rapid.IntRange(1, 120).Draw(t, "n") {
			p := pushed{rapid.IntRange(-1, 2).Draw(t, "of"), level(rapid.IntRange(-1, 1).Draw(t, "level"))}
			if rapid.IntRange(0, 3).Draw(t, "answer") > 0 && p.of < 0 {
				p.of = 0
			}
			it := item{frame: []byte(fmt.Sprint(n))}
			if p.of >= 0 {
				it.sub, it.level = subs[p.of], p.level
			}
			all = append(all, p)
			q.push(it)
			if rapid.IntRange(0, 4).Draw(t, "take") == 0 {
				take(1)
			}
		}
		take(len(all))
		if len(came) != len(all) {
			t.Fatalf("%d of %d came", len(came), len(all))
		}
		for i, later := range came {
			for _, earlier := range came[i+1:] {
				if earlier > later {
					continue
				}
				a, b := all[later], all[earlier] // b was pushed first, and a came first
				overtook++
				held := slices.ContainsFunc(all[:earlier], func(o pushed) bool { return o.of == b.of && o.level < b.level }) // by its own channel
				if a.of < 0 || b.of < 0 || a.of == b.of || a.level <= b.level && !held {
					t.Fatalf("%d %+v overtook %d %+v", later, a, earlier, b)
				}
			}
		}
	})
	if overtook == 0 {
		t.Fatal("nothing overtook anything")
	}
}

func TestPriorityWords(t *testing.T) {
	plain := `{"id":1,"type":"connect"}` + "\n" + listen
	for _, cfg := range []Config{{HeartbeatEvery: -1}, {HeartbeatEvery: -1, Priority: true}} {
		converse(t, cfg, []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "a", says: `{"id":3,"type":"publish","channel":"c","priority":"urgent","data":1}` + "\n" +
				`{"id":4,"type":"publish","channel":"c","priority":"low","data":2}` + "\n" +
				`{"id":5,"type":"publish","channel":"c","priority":"normal","data":3}` + "\n" +
				`{"id":6,"type":"publish","channel":"c","priority":"now","data":4}`,
				want: "event c @1 1, published id=3 @1, event c @2 2, published id=4 @2, event c @3 3, published id=5 @3, error id=6 400"},
		})
	}
}

// TestPriorityDefects: what a publication's priority becomes.
func TestPriorityDefects(t *testing.T) {
	for _, row := range []struct {
		defect string
		every  int
		want   []level
	}{
		{"", 0, []level{urgent, urgent, normal, low}},
		{"urgent-waits", 1, []level{normal, normal, normal, low}},
		{"urgent-last", 2, []level{urgent, low, normal, low}},
	} {
		var defects []Defect
		if row.defect != "" {
			defects = []Defect{{Name: row.defect, Every: row.every}}
		}
		g, err := New(Config{Priority: true, Seed: 1, Defects: defects})
		if err != nil {
			t.Fatal(err)
		}
		for i, word := range []string{"urgent", "urgent", "normal", "low"} {
			if got := g.level(&command{urgency: []byte(word)}); got != row.want[i] {
				t.Errorf("%s: %s becomes %d, want %d", row.defect, word, got, row.want[i])
			}
		}
		g.Close()
	}
}

// TestUrgentLetsBy: a line that is full of urgent events moves what is behind them,
// too, but not much of it.
func TestUrgentLetsBy(t *testing.T) {
	var q queue
	a, u := &subscription{stream: &stream{}}, &subscription{stream: &stream{}}
	for range 10 {
		q.push(item{frame: []byte("low"), sub: a, level: low})
	}
	others := 0
	for range 20 * mostHurried {
		q.push(item{frame: []byte("urgent"), sub: u, level: urgent})
		if string(q.take(nil, 1)) == "low" {
			others++
		}
	}
	if others != 10 {
		t.Errorf("%d of 10 came", others)
	}
	q.push(item{frame: []byte("low"), sub: a, level: low})
	for range mostHurried - 1 {
		q.push(item{frame: []byte("urgent"), sub: u, level: urgent})
		if q.take(nil, 1); len(q.items) == q.next {
			t.Fatal("it let something by too soon")
		}
	}
}
