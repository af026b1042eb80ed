package campaign

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"squall/assert"
	"squall/driver/gateway"
	"squall/report"
)

// The cores of an overloaded machine are busy with processes that do nothing
// but count.
var overloadBurners = flag.Int("soak-burners", 2*runtime.NumCPU(), "how many processes take the cores away in -soak overload")

// asBurner in the environment makes this test binary a process that counts until
// its stdin ends: when the test closes it, or dies.
const asBurner = "SQUALL_OVERLOAD_BURNER"

func burn(in io.Reader) {
	over := make(chan struct{})
	go func() {
		io.Copy(io.Discard, in)
		close(over)
	}()
	for n := uint64(1); ; n = n*6364136223846793005 + 1442695040888963407 {
		if n&0xfffff == 0xfffff {
			select {
			case <-over:
				return
			default:
			}
		}
	}
}

// overload keeps the cores busy until stop is called.
func overload(t *testing.T, burners int) (stop func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stops []func()
	stop = sync.OnceFunc(func() {
		for _, f := range stops {
			f()
		}
	})
	t.Cleanup(stop)
	for range burners {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), asBurner+"=1", "GOMAXPROCS=1")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stops = append(stops, func() {
			in.Close()
			cmd.Process.Kill()
			cmd.Wait()
		})
	}
	return stop
}

// timed are the rules whose verdicts a saturated generator may leave open. What
// the others find is a matter of order, which no load changes.
var timed = map[string]bool{"heartbeat": true, "reconnect": true, "close": true, "latency": true}

// openByLoad says whether a defect was not found because its rule judges by time
// and the rule said that it could not.
func openByLoad(r *report.Result, anomaly string) bool {
	owner := assert.AnomalyOf(anomaly).Define().Owner
	if r.State != assert.Inconclusive || !r.Generator.Saturated || !timed[owner] && anomaly != assert.SlowResync.String() {
		return false
	}
	for _, v := range r.Verdicts {
		if v.Rule == owner && v.State == assert.Inconclusive && strings.Contains(v.Reason, "saturated") {
			return true
		}
	}
	return false
}

// judgeOverload says what is wrong with the verdict of a run on an overloaded
// machine; anomaly is what the gateway's defect shows, "" of a correct one.
func judgeOverload(r *report.Result, anomaly string) error {
	if anomaly != "" {
		if err := FoundByName(r, anomaly); err != nil && !openByLoad(r, anomaly) {
			return err
		}
		return nil
	}
	for _, v := range r.Verdicts {
		if v.State == assert.Fail {
			return fmt.Errorf("a correct gateway was blamed: %s: %s", v.Name, v.Reason)
		}
	}
	return nil
}

// soakOverload: every shipped scenario on the correct gateway, and the first
// defect of each, while other processes want the cores too.
func soakOverload(t *testing.T) {
	anomaly := make(map[string]string)
	for _, d := range gateway.Defects() {
		anomaly[d.Name] = d.Anomaly
	}
	overload(t, *overloadBurners)
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, 3)
	for seed := uint64(1); seed <= runs(1); seed++ {
		for _, file := range shipped(t) {
			scenario := strings.TrimSuffix(file, ".yaml")
			for _, defect := range []string{"", failsWith(t, file)[0]} {
				name, set := "overload/clean/"+scenario, []string(nil)
				if defect != "" {
					name, set = "overload/defect/"+scenario+"/"+defect, []string{"target.gateway.defects=[" + defect + "]"}
				}
				if !strings.Contains(name, *soakOnly) {
					continue
				}
				p := plan(t, file, seed, set...)
				slots <- struct{}{}
				wg.Go(func() {
					defer func() { <-slots }()
					r, err := Run(t.Context(), p, Options{Run: uint32(seed), Command: "squall run"})
					if err != nil {
						t.Errorf("%s seed %d: %v", name, seed, err)
						return
					}
					x := sum(name, seed, r)
					err = judgeOverload(r, anomaly[defect])
					if x.OK = err == nil; !x.OK {
						x.Why = err.Error() + "; " + x.Why
					}
					tellRow(t, x)
				})
			}
		}
	}
}

// TestJudgeOverload: load leaves open what is judged by time, and nothing else.
func TestJudgeOverload(t *testing.T) {
	late := func(rule string) *report.Result {
		return &report.Result{State: assert.Inconclusive, Generator: report.Generator{Saturated: true}, Verdicts: []assert.Verdict{
			{Rule: rule, Name: rule, State: assert.Inconclusive, Reason: "the generator was saturated: late"},
		}}
	}
	passed := &report.Result{State: assert.Pass, Generator: report.Generator{Saturated: true}}
	blamed := &report.Result{State: assert.Fail, Verdicts: []assert.Verdict{{Rule: "delivery", Name: "delivery", State: assert.Fail, Reason: "lost"}}}
	for _, row := range []struct {
		name, anomaly string
		r             *report.Result
		right         bool
	}{
		{"clean and late", "", late("latency"), true},
		{"clean and blamed", "", blamed, false},
		{"a zombie, late", "zombie-connection", late("heartbeat"), true},
		{"a zombie, passed", "zombie-connection", passed, false},
		{"a loss, late", "lost-message", late("delivery"), false},
		{"a loss, while another rule is late", "zombie-connection", late("latency"), false},
	} {
		if err := judgeOverload(row.r, row.anomaly); (err == nil) != row.right {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestOverloadShort: two runs on busy cores, on real sockets.
func TestOverloadShort(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of real time and all cores")
	}
	began := time.Now()
	stop := overload(t, runtime.NumCPU())
	for _, row := range []struct{ defect, anomaly string }{{"", ""}, {"ack-then-drop", "ack-then-drop"}} {
		set := []string{"duration=3s", "target={gateway: {}}"}
		if row.defect != "" {
			set[1] = "target={gateway: {defects: [" + row.defect + "]}}"
		}
		r := once(t, compile(t, "hostile.yaml", []byte(overloadYAML), 1, set...))
		if err := judgeOverload(r, row.anomaly); err != nil {
			t.Errorf("%q: %v\n%s", row.defect, err, tell(r))
		}
		if r.Traffic.Delivered == 0 {
			t.Errorf("%q: nothing was delivered", row.defect)
		}
	}
	stop()
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

const overloadYAML = `squall: 1
name: overload
seed: 1
duration: 3s
drain: {timeout: 30s}
clients:
  members:
    count: 40
    subscribe: [{channel: "room.{i % 4}", recover: true}]
    reconnect: {first: 100ms, max: 2s}
  tellers: {count: 8, publish: [{channel: "room.{i % 4}", rate: 40/s}]}
timeline:
  - {at: 1s, disconnect: {who: members, share: 30%, how: reset, away: 100ms..500ms}}
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
`
