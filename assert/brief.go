package assert

import (
	"time"

	"squall/scenario"
)

// Brief is what the judge knows of a run beside its events: what was promised,
// what is expected, and who is who. It travels in the head of a recording, so
// that an old run can be judged again; it holds no secret.
type Brief struct {
	Tool       string                 `json:"tool,omitempty"` // version of Squall that drove the run
	Run        string                 `json:"run"`
	Scenario   string                 `json:"scenario"`
	About      string                 `json:"about,omitempty"`
	File       string                 `json:"file,omitempty"`
	Set        []string               `json:"set,omitempty"` // changes by --set, without secrets
	Engine     string                 `json:"engine,omitempty"`
	Started    time.Time              `json:"started"`
	Seed       uint64                 `json:"seed"`
	Target     string                 `json:"target"` // for people; without user info
	Dialect    string                 `json:"dialect"`
	Command    string                 `json:"command"` // that repeats the run
	Duration   time.Duration          `json:"duration_ns"`
	Warmup     time.Duration          `json:"warmup_ns"`
	Groups     []BriefGroup           `json:"groups"`
	Publishers []BriefPublisher       `json:"publishers"`
	Promises   scenario.Promises      `json:"promises"`
	Offsets    bool                   `json:"offsets"` // the dialect's deliveries carry dense offsets where the channel has history
	Ack        bool                   `json:"ack"`
	Silence    uint16                 `json:"silence,omitempty"` // close code that blames a silent client
	Lost       uint16                 `json:"lost,omitempty"`    // close code that says that another connection has the session now
	Expect     []scenario.Expectation `json:"expect"`
	Personal   []int32                `json:"personal,omitempty"`  // numbers of channels that belong to one user
	Observed   []int32                `json:"observed,omitempty"`  // numbers of channels on which the payloads are not ours
	Filters    []string               `json:"filters,omitempty"`   // of subscriptions, by number from 1; none that is secret
	Wills      int32                  `json:"wills,omitempty"`     // number of the first will: they stand behind the publishers; 0: there is none
	Goodbye    string                 `json:"goodbye,omitempty"`   // what a client says when it goes: close frame, or a word of the dialect's
	Members    []string               `json:"members,omitempty"`   // by client, whom the target takes it for, where presence is judged; none that is secret
	Strangers  bool                   `json:"strangers,omitempty"` // and of some of them nobody knows
	Apart      bool                   `json:"apart,omitempty"`     // lists of who is there are not told in one order with who comes and goes, and a pong may come before both
	Blocked    bool                   `json:"blocked,omitempty"`   // the plan lets clients need their fallback
	Memory     int64                  `json:"memory"`              // bytes that the ledger may use
}

// BriefGroup is one group of clients.
type BriefGroup struct {
	Name    string `json:"name"`
	First   int    `json:"first"`
	Count   int    `json:"count"`
	Subs    int    `json:"subs"` // planned subscriptions, all clients together
	Recover bool   `json:"recover"`
	Never   bool   `json:"never"`             // does not reconnect
	Limited bool   `json:"limited,omitempty"` // each has a link or a reading of its own
	Refused bool   `json:"refused,omitempty"` // must not be let in
	Renew   bool   `json:"renew,omitempty"`   // has tokens that expire, a new one for each connection
}

// BriefPublisher is one publisher: which client it is and what the entry is called.
type BriefPublisher struct {
	Client int    `json:"client"`
	Name   string `json:"name"`

	Priority string `json:"priority,omitempty"` // urgent, low; "" is normal
}
