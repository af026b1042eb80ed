package assert

import (
	"time"

	"squall/assert/history"
)

// State is the outcome of one expectation. The zero value is Inconclusive:
// without evidence nothing passes.
type State uint8

// The states, in the order in which they are merged: Fail beats Inconclusive
// beats Pass; NotApplicable counts for nothing.
const (
	Inconclusive State = iota
	Pass
	Fail
	NotApplicable
)

func (s State) String() string {
	return [...]string{"inconclusive", "pass", "fail", "not applicable"}[s]
}

// Verdict is what became of one expectation.
type Verdict struct {
	Name     string    `json:"name"`
	Rule     string    `json:"rule"`
	Line     int       `json:"line"`
	Promised bool      `json:"promised"` // comes from `expect: promises`: not applicable is no reproach
	State    State     `json:"-"`
	Reason   string    `json:"reason,omitempty"`   // why inconclusive or not applicable, and the knob that would settle it; or the failure in one line
	Counts   []Count   `json:"counts,omitempty"`   // how often the situation occurred, and what was waived, unseen, unknown; printed with every verdict
	Findings []Finding `json:"findings,omitempty"` // worst first; one per signature
	Owned    []Count   `json:"owned,omitempty"`    // anomalies seen that other rules own
}

// Count is one named number of a verdict.
type Count struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

// Finding is one anomaly with its evidence: all occurrences of one signature
// (anomaly, phase, last fault).
type Finding struct {
	Anomaly   string           `json:"anomaly"`
	Promise   string           `json:"promise"`         // what was broken, in the scenario's words
	Times     int64            `json:"times"`           // occurrences
	Clients   int              `json:"clients"`         // distinct clients touched
	Of        int              `json:"of"`              // clients to which the promise was made
	Phase     string           `json:"phase"`           // of the first witness: connecting, subscribing, replaying, live, draining
	Fault     string           `json:"fault,omitempty"` // the last fault of that client before it
	FaultAgo  time.Duration    `json:"fault_ago_ns,omitempty"`
	Witness   []Line           `json:"witness"`             // 3 to 8 facts that contradict each other
	Missing   string           `json:"missing,omitempty"`   // what is missing, doubled or misplaced, in one line
	Unexcused []string         `json:"unexcused,omitempty"` // why nothing excuses it
	Client    history.ClientID `json:"client"`              // of the witness; -1 if none
}

// Line is one fact of a witness.
type Line struct {
	At    time.Duration `json:"at_ns"` // since the run began
	Actor string        `json:"actor"` // `voters/731 #2` (client and life), `tellers/3`, `gateway`
	What  string        `json:"what"`  // `recv`, `sub`, `ack`, `RST`…
	Text  string        `json:"text"`
}
