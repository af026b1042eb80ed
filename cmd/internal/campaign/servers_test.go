package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"squall/report"
	"squall/scenario"
)

// What shipped scenarios need to run against an MQTT broker: nobody asks for a
// recovery, and no more is expected than such a broker promises.
const (
	atLeastOnce    = "expect=[{delivery: at-least-once}, {order: per-publisher}, {errors: 0}]"
	exactlyOnce    = "expect=[{delivery: exactly-once}, {order: per-publisher}, {errors: 0}]"
	keptQueue      = "target.promises.queue={size: 7000, ttl: 60s}"
	backToSessions = "expect=[{queue: complete}, {delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
	mutedAcks      = "timeline=[{at: 2s, mute: {who: phones, share: 70%, what: acks, for: 4s}}, {at: 4s, disconnect: {who: phones, share: 70%, over: 500ms, how: reset, away: 500ms..2s}}, {at: 9s, mute: {who: phones, share: 50%, what: acks}}]"
	aloneHurt      = "expect=[{close: {when: abuse}}, {delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
	keptLatest     = "expect=[{retained: latest}, {delivery: at-least-once}, {order: per-publisher}, {isolation: strict}, {errors: 0}, {reconnect: {success: 100%}}]"
	comeAndStay    = "timeline=[{at: 2s, scale: {who: boards, to: 400, over: 4s}}, {at: 4s, disconnect: {who: boards, share: 30%, over: 2s, how: reset, away: 1s..2s}}]"
	willWhenLost   = "expect=[{will: when-lost}, {delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
	andReturns     = "expect=[{delivery: at-least-once}, {order: per-publisher}, {errors: 0}, {reconnect: {success: 100%}}]"
)

// serverRow is a shipped scenario as a real server's promises allow it.
type serverRow struct {
	name, file, dialect string
	set                 []string
	only                string   // the server; "": any of the list
	flags               []string // of its recipe
}

// serverRows are the runs against a real server.
func serverRows(server string) (rows []serverRow) {
	all := brokerRows
	if server == "centrifuge" {
		all = centrifugeRows
	}
	for _, r := range all {
		if r.only == "" || r.only == server {
			rows = append(rows, r)
		}
	}
	return rows
}

// centrifugeRows are storms and cuts with 5,000 clients, and what else that server
// has. Slow consumers are left out: what such a client has missed is more than the
// queue that had to overflow, so the server closes it again and again when it
// returns, and a run takes minutes.
var centrifugeRows = []serverRow{
	{"reconnect-storm", "reconnect-storm.yaml", "centrifugo", []string{"clients.voters.count=4960"}, "", nil},
	{"cuts", "cuts.yaml", "centrifugo", []string{"clients.members.count=4960"}, "", nil},
	{"fan-out", "fan-out.yaml", "centrifugo", nil, "", nil},
	{"replies", "replies.yaml", "centrifugo", nil, "", nil},
	{"steady-churn", "steady-churn.yaml", "centrifugo", nil, "", nil},
	{"race-windows", "race-windows.yaml", "centrifugo", nil, "", []string{"-ping", "2s"}},
	{"half-dead", "half-dead.yaml", "centrifugo", nil, "", []string{"-ping", "2s"}},
	{"compressed", "compressed.yaml", "centrifugo", []string{"clients.readers.count=1000", "clients.readers.subscribe=[{channel: 'feed.{i % 4}', recover: true}]"}, "", nil},
	{"hostile-clients", "hostile-clients.yaml", "centrifugo", []string{"clients.members.count=1000"}, "", nil},
	{"who-is-here", "who-is-here.yaml", "centrifugo", append(withTokens("hosts", "members", "phones", "wardens"), "clients.members.count=600", "clients.wardens.subscribe=[{channel: elsewhere}]", closesSlowly), "", []string{"-presence", "-jwt-key", keyOfServers, "-ping", "1s"}},
}

// keyOfServers signs the tokens by which a server knows whose a connection is.
const keyOfServers = "of-these-servers-only"

// closesSlowly is how long a server of that library takes to let a client go that has
// vanished: a ping, half a second for the pong, and five for the answer to the close frame.
const closesSlowly = "target.promises.heartbeat={every: 1s, timeout: 6s}"

// withTokens lets the clients of groups say who they are.
func withTokens(groups ...string) (set []string) {
	for _, g := range groups {
		set = append(set, "clients."+g+`.token="{jwt({'sub': user})}"`)
	}
	return set
}

// brokerRows are those against MQTT brokers. Mochi is spared what it is known to do
// wrong (see its recipe): returns that come before it has noticed the loss,
// unsubscribes, and sessions that it keeps.
var brokerRows = []serverRow{
	{"fan-out", "fan-out.yaml", "mqtt", []string{"clients.listeners.subscribe.0.recover=false", atLeastOnce}, "", nil},
	{"fan-out-3.1.1", "fan-out.yaml", "mqtt311", []string{"clients.listeners.subscribe.0.recover=false", atLeastOnce}, "", nil},
	{"fan-out-qos2", "fan-out.yaml", "mqtt", []string{"clients.listeners.subscribe.0.recover=false", "clients.listeners.count=400", "target.promises.delivery=exactly-once", exactlyOnce}, "", nil},
	{"reconnect-storm", "reconnect-storm.yaml", "mqtt", []string{"clients.voters.subscribe.0.recover=false", andReturns}, "", nil},
	{"reconnect-storm-3.1.1", "reconnect-storm.yaml", "mqtt311", []string{"clients.voters.subscribe.0.recover=false", andReturns}, "", nil},
	{"cuts", "cuts.yaml", "mqtt", []string{"clients.members.subscribe.0.recover=false", andReturns}, "mosquitto", nil},
	{"offline-queue", "offline-queue.yaml", "mqtt", []string{keptQueue, backToSessions}, "mosquitto", nil},
	{"offline-queue-qos2", "offline-queue.yaml", "mqtt", []string{keptQueue, "target.promises.delivery=exactly-once", strings.Replace(backToSessions, "at-least", "exactly", 1)}, "mosquitto", nil},
	{"offline-queue-muted", "offline-queue.yaml", "mqtt", []string{keptQueue, mutedAcks, backToSessions}, "mosquitto", nil},
	{"offline-queue-muted-qos2", "offline-queue.yaml", "mqtt", []string{keptQueue, mutedAcks, "target.promises.delivery=exactly-once", strings.Replace(backToSessions, "at-least", "exactly", 1)}, "mosquitto", nil},
	{"offline-queue-3.1.1", "offline-queue.yaml", "mqtt311", []string{keptQueue, backToSessions}, "mosquitto", nil},
	{"hostile-clients", "hostile-clients.yaml", "mqtt", []string{"clients.members.subscribe.0.recover=false", "clients.hostile.subscribe.0.recover=false", aloneHurt}, "mochi", nil},
	{"retained", "retained.yaml", "mqtt", []string{keptLatest}, "mosquitto", nil},
	{"retained-3.1.1", "retained.yaml", "mqtt311", []string{keptLatest}, "mosquitto", nil},
	{"retained-qos2", "retained.yaml", "mqtt", []string{"target.promises.delivery=exactly-once", strings.Replace(keptLatest, "at-least", "exactly", 1)}, "mosquitto", nil},
	{"retained-stay", "retained.yaml", "mqtt", []string{keptLatest, comeAndStay}, "mochi", nil},
	{"retained-stay-3.1.1", "retained.yaml", "mqtt311", []string{keptLatest, comeAndStay}, "mochi", nil},
	{"last-words", "last-words.yaml", "mqtt", []string{"clients.members.subscribe.0.recover=false", willWhenLost}, "", nil},
	{"last-words-3.1.1", "last-words.yaml", "mqtt311", []string{"clients.members.subscribe.0.recover=false", willWhenLost}, "", nil},
	{"cuts-3.1.1", "cuts.yaml", "mqtt311", []string{"clients.members.subscribe.0.recover=false", andReturns}, "mosquitto", nil},
}

// serversProof is where the runs against real servers are counted.
const serversProof = "testdata/proof/servers.json"

// soakServer brings the rows of a server to their runs, each against one that was
// started anew.
func soakServer(t *testing.T, server string) {
	start := startMosquitto
	if server != "mosquitto" {
		bin := buildRecipe(t, server)
		start = func(t *testing.T, flags ...string) (string, func()) {
			return startRecipe(t, bin, append(flags, "-quiet")...)
		}
	}
	rows := make(map[string]serverRow)
	url := "ws://127.0.0.1:1/" // of the server at hand
	plan := &ProofPlan{Sources: make(map[string][]byte), Runs: int(runs(10))}
	for _, r := range serverRows(server) {
		if strings.Contains(server+"/"+r.name, *soakOnly) {
			rows[r.name], plan.Sources[r.name] = r, source(t, r.file)
			plan.Cells = append(plan.Cells, report.Cell{Scenario: r.name, Where: server})
		}
	}
	plan.Compile = func(name string, _ []byte, seed uint64, _ ...string) (*scenario.Plan, error) {
		r := rows[name]
		return planAt(t, r.file, seed, url, r.dialect, r.set...), nil
	}
	plan.Ready = func(_ context.Context, j Job) (stop func(), err error) {
		url, stop = start(t, rows[j.Scenario].flags...)
		return stop, nil
	}
	plan.Options.Command, plan.Options.Version = "squall run", "dev"
	proof := new(report.Proof)
	if f, err := os.Open(serversProof); err == nil {
		proof, err = report.ReadProof(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	plan.Progress = func(j Job, a Answer, _ report.Totals) {
		j.Source = nil
		line, _ := json.Marshal(struct {
			Job
			Answer
		}{j, a})
		fmt.Println(string(line))
		if a.Why != "" {
			t.Errorf("%s/%s seed %d: %s", server, j.Scenario, j.Seed, a.Why)
		}
		if err := report.WriteFile(serversProof, proof.JSON); err != nil {
			t.Error(err)
		}
	}
	if err := Prove(t.Context(), plan, proof); err != nil {
		t.Fatal(err)
	}
	proof.Sort()
	if err := report.WriteFile(serversProof, proof.JSON); err != nil {
		t.Error(err)
	}
}
