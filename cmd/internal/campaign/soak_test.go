package campaign

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"squall/assert"
	"squall/driver/gateway"
	"squall/report"
	"squall/scenario"
)

// Long runs on real sockets, by hand; each prints one line of JSON a run. Those
// against real servers are counted in testdata/proof/servers.json, as squall prove
// counts, and go on where that ends:
//
//	go test ./cmd/internal/campaign -run Soak -timeout 2h -v -soak clean,defects,overload,centrifuge,mosquitto,mochi
var (
	soak     = flag.String("soak", "", "which long runs to make: clean, defects, overload, centrifuge, mosquitto, mochi; separated by commas")
	soakRuns = flag.Int("soak-runs", 0, "runs a row; 0: 5 of clean, 3 of each defect, 1 of each of overload, 10 of each row of a real server")
	soakOnly = flag.String("soak-only", "", "only rows whose name contains this")
)

// row is what one run of a soak says.
type row struct {
	Row       string           `json:"row"`
	Scenario  string           `json:"scenario"`
	Seed      uint64           `json:"seed"`
	State     string           `json:"state"`
	Clients   int              `json:"clients"`
	Delivered int64            `json:"delivered"`
	LagP99    time.Duration    `json:"lag_p99_ns"`
	Took      time.Duration    `json:"took_ns"`
	Found     map[string]int64 `json:"found,omitempty"`
	Why       string           `json:"why,omitempty"`
	OK        bool             `json:"ok"`
}

func sum(name string, seed uint64, r *report.Result) row {
	x := row{
		Row: name, Scenario: r.Scenario, Seed: seed, State: r.State.String(), Clients: r.Clients,
		Delivered: r.Traffic.Delivered, LagP99: r.Generator.LagP99, Took: r.Took, Found: make(map[string]int64),
	}
	for _, v := range r.Verdicts {
		if v.State != assert.Pass {
			x.Why += fmt.Sprintf("%s: %s %s; ", v.Name, v.State, v.Reason)
		}
		for _, f := range v.Findings {
			x.Found[f.Anomaly] += f.Times
		}
	}
	return x
}

// once runs a plan on real sockets.
func once(t *testing.T, p *scenario.Plan) *report.Result {
	t.Helper()
	r, err := Run(context.Background(), p, Options{Run: rand.Uint32(), Command: "squall run"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSoak(t *testing.T) {
	if *soak == "" {
		t.Skip("long runs are made by hand: -soak clean,defects,overload,centrifuge,mosquitto,mochi")
	}
	for _, kind := range strings.Split(*soak, ",") {
		switch kind {
		case "clean":
			soakClean(t)
		case "defects":
			soakDefects(t)
		case "overload":
			soakOverload(t)
		case "centrifuge", "mosquitto", "mochi":
			soakServer(t, kind)
		default:
			t.Fatalf("-soak: %q is none of clean, defects, overload, centrifuge, mosquitto, mochi", kind)
		}
	}
}

func runs(usual int) uint64 {
	if *soakRuns > 0 {
		return uint64(*soakRuns)
	}
	return uint64(usual)
}

func tellRow(t *testing.T, x row) {
	line, _ := json.Marshal(x)
	fmt.Println(string(line))
	if !x.OK {
		t.Errorf("%s seed %d: %s %s", x.Row, x.Seed, x.State, x.Why)
	}
}

// soakClean: every shipped scenario on the correct gateway.
func soakClean(t *testing.T) {
	for _, file := range shipped(t) {
		name := "clean/" + strings.TrimSuffix(file, ".yaml")
		if !strings.Contains(name, *soakOnly) {
			continue
		}
		for seed := uint64(1); seed <= runs(5); seed++ {
			x := sum(name, seed, once(t, plan(t, file, seed)))
			x.OK = x.State == "pass"
			tellRow(t, x)
		}
	}
}

// soakDefects: every defect in every scenario that names it, a few at a time:
// what is proved does not depend on timing.
func soakDefects(t *testing.T) {
	anomaly := make(map[string]string)
	for _, d := range gateway.Defects() {
		anomaly[d.Name] = d.Anomaly
	}
	type job struct {
		file, defect string
		seed         uint64
	}
	var jobs []job
	for _, file := range shipped(t) {
		for _, d := range failsWith(t, file) {
			for seed := uint64(1); seed <= runs(3); seed++ {
				jobs = append(jobs, job{file, d, seed})
			}
		}
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, j := range jobs {
		name := "defect/" + strings.TrimSuffix(j.file, ".yaml") + "/" + j.defect
		if !strings.Contains(name, *soakOnly) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			r := once(t, plan(t, j.file, j.seed, "target.gateway.defects=["+j.defect+"]"))
			x := sum(name, j.seed, r)
			err := FoundByName(r, anomaly[j.defect])
			if x.OK = err == nil; !x.OK {
				x.Why = err.Error() + "; " + x.Why
			}
			tellRow(t, x)
		})
	}
	wg.Wait()
}
