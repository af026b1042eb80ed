package scenario

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"
)

// Batch: what is published on a channel is gathered, and each subscriber gets it several
// messages in one of the WebSocket. Nothing is left out, so all other promises go on being
// judged there.
const batchWord = "batch"

// Batch is how the messages of the channels that Match stands for are gathered.
type Batch struct {
	Match string        `json:"match"`
	Max   int           `json:"max"`     // messages in one
	Wait  time.Duration `json:"wait_ns"` // at the latest so long after the first of them
}

// BatchLimit is the body of an expectation about batches.
type BatchLimit struct {
	Max  int           `json:"max,omitempty"`
	Wait time.Duration `json:"wait_ns,omitempty"` // from the acknowledgement of a message to its receipt
}

// batchGrace is how much later than promised a message may be there, where nobody says
// how late it may be: between target and client stands more than a batch.
const batchGrace = time.Second

// mostBatch bounds the messages of a batch.
const mostBatch = 1000

// String is the batch for people.
func (b *Batch) String() string {
	return fmt.Sprintf("%s: in batches of at most %d, after %s at the latest", b.Match, b.Max, short(b.Wait))
}

// Batch is what p says of the batches of a channel; nil: nothing. What a rule for
// channels says goes before what the gateway's configuration does.
func (p *Promises) Batch(channel string) *Batch {
	for i := range p.Channels {
		if c := &p.Channels[i]; Match(c.Match, channel) {
			if c.Batch != nil {
				return c.Batch
			}
			break
		}
	}
	for i := range p.Batches {
		if Match(p.Batches[i].Match, channel) {
			return &p.Batches[i]
		}
	}
	return nil
}

// AllBatches lists the batches that p promises.
func (p *Promises) AllBatches() (all []Batch) {
	for _, c := range p.Channels {
		if c.Batch != nil {
			all = append(all, *c.Batch)
		}
	}
	return append(all, p.Batches...)
}

// LongestBatch is how long a message may wait in a batch.
func (p *Promises) LongestBatch() (longest time.Duration) {
	for _, b := range p.AllBatches() {
		longest = max(longest, b.Wait)
	}
	return longest
}

// batches checks what the file says of batches, of the gateway and of promises.
func (v *validator) batches(t *TargetSpec) {
	if g := t.Gateway; g != nil {
		const path = "target.gateway.batch"
		if v.s.given(path) && len(g.Batch) == 0 {
			v.fail(path, "found an empty list, expected a batch, as in {channel: \"activity.*\", max: 50, wait: 100ms}")
		}
		for i := range g.Batch {
			v.batch(v.item(path, i), &g.Batch[i], "")
		}
	}
	if t.Promises == nil {
		return
	}
	for i := range t.Promises.Channels {
		c, path := &t.Promises.Channels[i], join("target.promises.channels", strconv.Itoa(i))
		if c.Batch == nil {
			continue
		}
		v.batch(join(path, batchWord), c.Batch, c.Match)
		if c.Throttle != nil || c.Debounce != nil {
			v.fail(join(path, batchWord), "found batch beside throttle or debounce for %s, expected one of them", quote(c.Match))
		}
	}
}

// batch checks one. Match is what a promise is about already; "" where the batch says it.
func (v *validator) batch(path string, s *ShapeSpec, match string) {
	keys := []string{"max", "wait"}
	if match == "" {
		keys = append([]string{"channel"}, keys...)
	}
	v.onlyKeys(path, batchWord, reflect.TypeFor[ShapeSpec](), keys)
	switch {
	case match == "" && s.Channel == "" && v.sound(path):
		v.fail(path, "found no channel, expected one, as in {channel: \"activity.*\", max: 50, wait: 100ms}")
	case match == "" && s.Channel != "":
		v.topicName(join(path, "channel"), s.Channel)
	}
	v.batchSize(path, s.Max, s.Wait)
}

func (v *validator) batchSize(path string, most int, wait Duration) {
	switch given := v.s.given(join(path, "max")); {
	case !given && v.sound(path):
		v.fail(path, "found no max, expected the most messages of a batch, as in max: 50")
	case given && (most < 1 || most > mostBatch):
		v.fail(join(path, "max"), "found %d, expected 1 to %d", most, mostBatch)
	}
	switch {
	case !wait.Given && v.sound(path):
		v.fail(path, "found no wait, expected how long a batch may wait, as in wait: 100ms")
	case wait.Given && wait.Duration < time.Millisecond:
		v.fail(join(path, "wait"), "found %v, expected 1ms or more", wait)
	}
}

// batchWant checks the body of an expectation about batches.
func (v *validator) batchWant(path string, e *ExpectSpec, w *ShapeWant) {
	v.onlyKeys(path, batchWord, reflect.TypeFor[ShapeWant](), []string{"channel", "max", "wait"})
	v.channelWant(path, e, w.Channel)
	v.batchSize(path, w.Max, w.Wait)
}

// batched takes the batches of the embedded gateway over into its plan and what it
// promises.
func (c *compiler) batched(p *Promises, g *GatewaySpec) {
	if g == nil {
		return
	}
	for i := range g.Batch {
		p.Batches = append(p.Batches, *g.Batch[i].batch(g.Batch[i].Channel))
	}
	c.plan.Target.Gateway.Batches = p.Batches
}

func (s *ShapeSpec) batch(match string) *Batch {
	return &Batch{Match: match, Max: s.Max, Wait: s.Wait.Duration}
}

// batchPromise is the batch that a rule for some channels promises; nil: none.
func (c *compiler) batchPromise(path string, s *ChannelPromise) *Batch {
	switch {
	case s.Batch == nil:
		return nil
	case c.plan.Target.Embedded:
		c.fail(join(path, batchWord), "found batch promised of the embedded gateway, expected it where the gateway is configured: target.gateway.batch")
		return nil
	}
	return s.Batch.batch(s.Match)
}

// batchesPromised are the expectations that batches promise.
func (p *Promises) batchesPromised() (all []Expectation) {
	for _, b := range p.AllBatches() {
		all = append(all, Expectation{Rule: batchWord, Channel: b.Match, Batch: BatchLimit{Max: b.Max, Wait: b.Wait + batchGrace}})
	}
	return all
}

// gathers refuses what can't be kept, or judged, where messages wait in batches.
func (c *compiler) gathers() {
	longest := c.plan.Promises.LongestBatch()
	if longest == 0 {
		return
	}
	if limit := c.plan.Drain.Timeout / 2; longest > limit {
		path := "target.promises.channels"
		if c.s.given("target.gateway.batch") {
			path = "target.gateway.batch"
		}
		c.fail(path, "found a batch that may wait %s, expected half of drain.timeout at most, %s: the run can't tell what is lost from what waits", short(longest), short(limit))
	}
	for i := range c.s.Expect {
		if c.s.Expect[i].Order == "causal" && c.plan.Target.Embedded {
			c.fail(join("expect", strconv.Itoa(i)+".order"), "found causal order expected where messages wait in batches while others answer them, expected one or the other")
		}
	}
}

// printBatches says which channels are gathered.
func (p *Promises) printBatches(out io.Writer) {
	for _, b := range p.AllBatches() {
		fmt.Fprintf(out, "\t%s\n", b.String())
	}
}
