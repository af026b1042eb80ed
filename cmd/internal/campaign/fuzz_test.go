package campaign

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"squall/assert"
	"squall/report"
	"squall/scenario"
)

// A long run of the fuzzing server, by hand:
//
//	go test -race ./cmd/internal/campaign -run TestFuzzingServer -timeout 2h -hostile-for 10m
var (
	hostileFor  = flag.Duration("hostile-for", 0, "how long the fuzzing server goes on; 0: a few seeds")
	hostileFrom = flag.Uint64("hostile-from", 1, "the first seed of -hostile-for")
)

// family is a protocol and a small run that speaks it.
type family struct {
	dialect string
	set     []string
	serve   func(w *world, x *mischief) fake
}

var families = []family{
	{"events", nil, func(w *world, x *mischief) fake { return w.relay(x.pass) }},
	{"centrifugo", []string{
		"clients.members.subscribe=[{channel: room}]", "target.promises={delivery: at-least-once, order: per-channel}",
		"expect=[{delivery: at-least-once}, {order: per-channel}, {reconnect: {success: 100%}}]",
	}, func(w *world, x *mischief) fake {
		return (&booth{w: w, pass: x.pass, answer: answerCentrifugo}).fake()
	}},
	{"mqtt", []string{
		"clients.members.subscribe=[{channel: room}]", "clients.members.heartbeat={every: 5s, timeout: 3s}",
		"expect=[{delivery: at-least-once}, {order: per-publisher}, {reconnect: {success: 100%}}]",
	}, func(w *world, x *mischief) fake {
		return (&booth{w: w, pass: x.pass, answer: answerMQTT, binary: true}).fake()
	}},
}

// fuzzed is what came of a run against a fuzzing server.
type fuzzed struct {
	endured
	x    *mischief
	heap uint64 // the most that was in use at a second's end, over what was before
}

// fuzz runs one seed. The bubble fails if a goroutine is left.
func (f *family) fuzz(t *testing.T, m mood, seed uint64) (z fuzzed) {
	t.Helper()
	at := scenario.Options{Seed: &seed, Run: "00000007", Target: "ws://target:80/", Dialect: f.dialect}
	plan := compileWith(t, "hostile.yaml", []byte(hostileYAML), at, f.set...)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		z.world, z.x = w, newMischief(w, m, seed)
		w.serve(z.x.greets(f.serve(w, z.x)))
		before := heapInUse()
		w.group.Go(func() {
			for {
				select {
				case <-time.After(time.Second):
					if now := heapInUse(); now > before {
						z.heap = max(z.heap, now-before)
					}
				case <-w.over:
					return
				}
			}
		})
		z.r, z.err = Run(context.Background(), plan, Options{Network: &w.net, Loops: 2, Run: 7, Command: "squall run"})
		z.took = w.age()
		w.end()
	})
	return z
}

func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

const (
	mostVirtual = 4 * time.Minute // a run of 20 s, with a handshake that is tried again, a drain and a farewell
	mostHeap    = 192 << 20       // garbage that waits for its collection is in it
)

// wrong says what is wrong with how a run ended, whatever the server did.
func (z *fuzzed) wrong() error {
	if z.took > mostVirtual {
		return fmt.Errorf("it took %v", z.took)
	}
	if z.heap > mostHeap {
		return fmt.Errorf("it kept %d MiB", z.heap>>20)
	}
	if z.err != nil {
		if !errors.Is(z.err, ErrTarget) || z.r != nil {
			return fmt.Errorf("not the target was blamed: %w", z.err)
		}
		return nil
	}
	fails := z.failed()
	switch m := z.x.mood; {
	case m == lawful && (fails["delivery"] || fails["order"] || fails["recovery"]):
		return errors.New("a lawful server was blamed")
	case z.x.harmed == 0 || m < dropping:
		return nil
	case m == dropping && !fails["delivery"]:
		return fmt.Errorf("%d deliveries were dropped, and delivery did not fail", z.x.harmed)
	case m == doubling && z.r.State == assert.Pass:
		return fmt.Errorf("%d deliveries were doubled, and the run passed", z.x.harmed)
	case m == swapping && !fails["order"]:
		return fmt.Errorf("%d deliveries were swapped, and order did not fail", z.x.harmed)
	}
	return nil
}

// failed are the rules that failed.
func (z *fuzzed) failed() map[string]bool {
	fails := make(map[string]bool)
	for _, v := range z.r.Verdicts {
		fails[v.Rule] = fails[v.Rule] || v.State == assert.Fail
	}
	return fails
}

// TestFuzzingServer: whatever a server does, a run ends soon, keeps little, and
// blames nobody without proof; and what was done to deliveries is found.
func TestFuzzingServer(t *testing.T) {
	end := time.Now().Add(*hostileFor)
	did, states, runs := make(map[string]int), make(map[string]int), 0
	last := *hostileFrom + 1
	if testing.Short() {
		last = *hostileFrom
	}
	for _, k := range keptFuzz {
		if z := families[k.family].fuzz(t, k.mood, k.seed); z.wrong() != nil {
			t.Errorf("kept seed %+v: %v; it did %v\n%s", k, z.wrong(), z.x.did, z.text())
		}
	}
	for seed := *hostileFrom; seed <= last || time.Now().Before(end); seed++ {
		for i := range families {
			f := &families[i]
			for m := range moods {
				if m == doubling && f.dialect != "events" {
					continue // at least once allows it
				}
				t.Run(fmt.Sprintf("%s/%v/%d", f.dialect, m, seed), func(t *testing.T) {
					z := f.fuzz(t, m, seed)
					if err := z.wrong(); err != nil {
						t.Errorf("%v; it did %v\n%s", err, z.x.did, z.text())
					}
					for what, n := range z.x.did {
						did[what] += n
					}
					states[fmt.Sprintf("%s %v %d", f.dialect, m, z.exit())]++
					runs++
				})
			}
		}
		if t.Failed() && *hostileFor == 0 {
			return
		}
	}
	t.Logf("%d runs ended as %v; done: %v", runs, states, did)
	for _, what := range []string{"drop", "double", "swap", "close", "pieces"} {
		if did[what] == 0 {
			t.Errorf("%s did not occur", what)
		}
	}
}

// keptFuzz are the seeds that once went wrong.
var keptFuzz = []struct {
	family int
	mood   mood
	seed   uint64
}{
	{0, lawless, 15}, // offsets of 2^64−1, before they were refused: the judge walked all that lies below
}

// TestFuzzJudge: what the test of the fuzzing server would not let through.
func TestFuzzJudge(t *testing.T) {
	ended := func(m mood, rule string, s assert.State) *fuzzed {
		return &fuzzed{
			endured: endured{r: &report.Result{State: s, Verdicts: []assert.Verdict{{Rule: rule, Name: rule, State: s}}}},
			x:       &mischief{mood: m, harmed: 1},
		}
	}
	for _, row := range []struct {
		z    *fuzzed
		want string
	}{
		{ended(lawful, "delivery", assert.Fail), "lawful server was blamed"},
		{ended(lawful, "latency", assert.Fail), ""},
		{ended(lawless, "delivery", assert.Fail), ""},
		{ended(dropping, "delivery", assert.Pass), "dropped"},
		{ended(dropping, "delivery", assert.Fail), ""},
		{ended(doubling, "delivery", assert.Pass), "doubled"},
		{ended(swapping, "order", assert.Inconclusive), "swapped"},
		{&fuzzed{endured: endured{took: time.Hour}}, "took"},
		{&fuzzed{endured: endured{err: errors.New("internal")}}, "not the target"},
		{&fuzzed{heap: 1 << 30}, "kept 1024 MiB"},
	} {
		err := row.z.wrong()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
}
