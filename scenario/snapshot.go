package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Rows: a channel may keep the latest message of each key, its row. Who subscribes with
// snapshot is given the rows as they are at the position of the answer, and then whatever
// is published behind it.
const snapshotWord = "snapshot"

// Rows says that the channels that Match stands for keep rows.
type Rows struct {
	Match     string `json:"match"`
	Key       string `json:"key"`                 // field of the payload, those inside of others with dots
	Tombstone string `json:"tombstone,omitempty"` // a message in which this field is true takes its row away; "": none does
	Max       int    `json:"max,omitempty"`       // of one channel; 0: as many as the gateway likes
}

// String is what people read.
func (r *Rows) String() string {
	s := fmt.Sprintf("%s: a row for each %s", r.Match, r.Key)
	if r.Tombstone != "" {
		s += ", without those that are " + r.Tombstone
	}
	return s
}

// mostRows bounds the rows of a channel of the embedded gateway.
const mostRows = 100_000

// keptRows checks what the file says of rows of the embedded gateway.
func (v *validator) keptRows(t *TargetSpec) {
	g := t.Gateway
	if g == nil {
		return
	}
	const path = "target.gateway.snapshot"
	if v.s.given(path) && len(g.Snapshot) == 0 {
		v.fail(path, "found an empty list, expected channels and their key, as in {channel: \"board.*\", key: row}")
	}
	for i := range g.Snapshot {
		at, r := v.item(path, i), &g.Snapshot[i]
		if r.Channel == "" && v.sound(at) {
			v.fail(at, "found no channel, expected the channels that keep rows, as in channel: \"board.*\"")
		} else if r.Channel != "" {
			v.topicName(join(at, "channel"), r.Channel)
		}
		v.keyed(at, r.Key, r.Gone)
		if v.s.given(join(at, "max")) && r.Max > mostRows {
			v.fail(join(at, "max"), "found %d, expected 1 to %d", r.Max, mostRows)
		}
	}
}

// keyed checks the fields that make rows.
func (v *validator) keyed(path, key, gone string) {
	v.checkField(join(path, "key"), key)
	v.checkField(join(path, "tombstone"), gone)
	if key == "" && v.sound(path) {
		v.fail(path, "found no key, expected the field of the payload that names the row, as in key: account")
	}
}

// snapshotWant checks the body of an expectation about snapshots.
func (v *validator) snapshotWant(path string, e *ExpectSpec, w *SnapshotWant) {
	v.channelWant(path, e, w.Channel)
	v.keyed(path, w.Key, w.Gone)
}

// keepsRows takes over what the embedded gateway keeps.
func (c *compiler) keepsRows(p *Promises, g *GatewaySpec) {
	if g == nil {
		return
	}
	for i := range g.Snapshot {
		r := &g.Snapshot[i]
		c.plan.Target.Gateway.Rows = append(c.plan.Target.Gateway.Rows, Rows{Match: r.Channel, Key: r.Key, Tombstone: r.Gone, Max: r.Max})
		const path = "target.gateway.snapshot"
		if p.History.Size == 0 && !c.failed() {
			c.fail(path, "found rows without a history, expected one: there is no position at which the rows would be")
		}
		for _, x := range p.AllShapes() {
			if Overlap(r.Channel, x.Match) && !c.failed() {
				c.fail(path, "found rows of %s, which is thinned out (%s), expected one of them", quote(r.Channel), x.Kind)
			}
		}
	}
}

// canSnapshot refuses a snapshot where the target can't be asked for it.
func (c *compiler) canSnapshot(path string, optional bool) bool {
	if c.dialect.Snapshot {
		return true
	}
	if !optional {
		c.fail(path, "found snapshot, expected none: the dialect %s can't ask for the rows of a channel; optional: true leaves it out", c.dialect.Name)
	}
	return false
}

// hasRows refuses a snapshot of a channel of which the embedded gateway keeps no rows.
func (c *compiler) hasRows(path, channel string) {
	t := &c.plan.Target
	if !t.Embedded || c.failed() {
		return
	}
	for i := range t.Gateway.Rows {
		if Match(t.Gateway.Rows[i].Match, channel) {
			return
		}
	}
	c.fail(path, "found a snapshot of %s, of which the gateway keeps no rows, expected them: target.gateway.snapshot: {channel: %s, key: …}", quote(channel), quote(channel))
}

// unkept refuses a snapshot where sessions are kept: whose session goes on does not
// subscribe, and would never get the rest of a snapshot that was cut off.
func (c *compiler) unkept(path, channel string) {
	if q := c.plan.Promises.Of(channel); q.Queue.Size > 0 && c.dialect.Sessions && !c.failed() {
		c.fail(path, "found a snapshot of %s, of which sessions keep a backlog, expected one of them: a session that goes on gets no snapshot", quote(channel))
	}
}

// expectSnapshot takes over an expectation about snapshots.
func (c *compiler) expectSnapshot(e *Expectation, w *SnapshotWant, path string) {
	e.Rule, e.Channel = snapshotWord, w.Channel
	e.Book = &Book{Channel: w.Channel, Key: w.Key, Tombstone: w.Gone}
	e.Number = c.book(path, *e.Book)
	if !c.asksRows() && c.dialect.Snapshot && !c.failed() {
		c.fail(path, "found snapshots expected and nobody who asks for one, expected snapshot: true with some subscription")
	}
}

// asksRows reports whether some client asks for rows.
func (c *compiler) asksRows() bool {
	for i := range c.plan.Clients {
		for _, s := range c.plan.Clients[i].Subs {
			if s.Rows {
				return true
			}
		}
	}
	return false
}

// printRows says which channels keep rows.
func (g *GatewayPlan) printRows(out io.Writer) {
	for i := range g.Rows {
		most := ""
		if m := g.Rows[i].Max; m > 0 {
			most = ", at most " + strconv.Itoa(m)
		}
		fmt.Fprintf(out, "\t%s%s\n", &g.Rows[i], most)
	}
}

// FencePayload is what the last message of a channel carries, which the driver publishes
// to close what came before: nothing, or, where rows are kept, a key of its own.
func (p *Plan) FencePayload(channel string) []byte {
	payload := make(map[string]any)
	for i := range p.Target.Gateway.Rows {
		if r := &p.Target.Gateway.Rows[i]; p.Target.Embedded && Match(r.Match, channel) {
			enter(payload, r.Key)
		}
	}
	for i := range p.Expect {
		if e := &p.Expect[i]; e.Rule == snapshotWord && (e.Channel == "" || Match(e.Channel, channel)) {
			enter(payload, e.Book.Key)
		}
	}
	text, _ := json.Marshal(payload) // texts in mappings
	return text
}

// enter puts the fence's key under a path.
func enter(payload map[string]any, path string) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner, _ := payload[name].(map[string]any)
		if inner == nil {
			inner = make(map[string]any)
			payload[name] = inner
		}
		payload = inner
	}
	payload[names[len(names)-1]] = "_fence"
}
