package assert

import (
	"time"

	"squall/assert/history"
)

// setting is where and when an incident happened, for the grouping of findings.
type setting struct {
	phase   string // connecting, subscribing, replaying, live, draining
	fault   uint16 // note of the client's last fault; 0: none
	ago     time.Duration
	witness int32 // index into the part's witnesses; -1: none kept
}

// incident is one occurrence of an anomaly.
type incident struct {
	anomaly  Anomaly
	same     bool // order: the two messages are of one publisher
	inLog    bool // met in the channel's log, not at one subscriber
	came     bool // isolation: the message came, and should not have
	late     bool // close: a matter of time, so not judged of a saturated generator
	client   history.ClientID
	channel  history.ChannelID
	epoch    history.EpochID
	life     int32
	from, to uint64 // offsets, or sequence numbers of id's stream
	n        int64  // messages
	seen     time.Duration
	id       ident // the message, where it is known
	other    ident // the message that contradicts it

	otherChannel history.ChannelID // causal-inversion: of other
	copies       int8              // lost-message: of each message, one a subscription; 0: the message itself
	filter       uint8             // number of the filter that it is about; 0: none
	entry        int               // heartbeat: the expectation that it breaks
	setting      setting
	member       history.MemberID // presence: who it is about; −1: nobody in particular
	said         string           // what was wrong, where nothing above tells
}

// incidents of one shard. All are counted, so many are kept one by one.
type incidents struct {
	all      []incident
	overflow [anomalies]int64
	witness  [][]fact
	kept     map[sign]int
}

// sign is what incidents are grouped by.
type sign struct {
	anomaly Anomaly
	phase   string
	fault   uint16
}

const (
	mostIncidents    = 100_000
	witnessesPerSign = 8
)

func (p *incidents) add(i incident) {
	if len(p.all) >= mostIncidents {
		p.overflow[i.anomaly]++
		return
	}
	p.all = append(p.all, i)
}

// wants reports whether another witness of s is worth keeping.
func (p *incidents) wants(s sign) bool { return p.kept[s] < witnessesPerSign }

// keep stores a witness and returns its number.
func (p *incidents) keep(s sign, facts []fact) int32 {
	if p.kept == nil {
		p.kept = make(map[sign]int)
	}
	p.kept[s]++
	p.witness = append(p.witness, facts)
	return int32(len(p.witness) - 1)
}

// release gives the place of a witness back: what it showed turned out otherwise.
func (p *incidents) release(s sign, witness int32) {
	if witness < 0 {
		return
	}
	p.kept[s]--
	p.witness[witness] = nil
}
