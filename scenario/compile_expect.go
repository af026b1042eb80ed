package scenario

import (
	"fmt"
	"strings"
)

// expectations lists what is to be judged.
func (c *compiler) expectations() {
	specs := c.s.Expect
	if len(specs) == 0 {
		specs = []ExpectSpec{{Word: "promises"}}
	}
	taken := make(map[string]bool)
	for _, e := range specs {
		if e.Name != "" {
			taken[e.Name] = true
		}
	}
	for i := range specs {
		line := c.s.where(join("expect", itoa(i))).line
		if specs[i].Word == "promises" {
			c.promised(line, taken)
			continue
		}
		e := c.expectation(&specs[i])
		if specs[i].Transform != nil {
			c.expectTransform(&e, &specs[i], join("expect", itoa(i)+".transform.payload"))
		}
		if specs[i].State != nil {
			c.expectState(&e, specs[i].State, join("expect", itoa(i)+".state"))
		}
		if specs[i].Presence != nil {
			c.expectPresence(&e, specs[i].Presence, join("expect", itoa(i)+".presence"))
		}
		if specs[i].Aggregate != nil {
			c.expectSum(&e, specs[i].Aggregate, join("expect", itoa(i)+".aggregate"))
		}
		if specs[i].Snapshot != nil {
			c.expectSnapshot(&e, specs[i].Snapshot, join("expect", itoa(i)+".snapshot"))
		}
		e.Line = line
		if e.Name == "" {
			e.Name = unique(title(&e), taken)
		}
		c.plan.Expect = append(c.plan.Expect, e)
	}
	c.settling()
}

// promised adds what the target claims.
func (c *compiler) promised(line int, taken map[string]bool) {
	p := c.plan.Promises
	var all []Expectation
	if p.Delivery != "" {
		all = append(all, Expectation{Rule: "delivery", Want: p.Delivery, Waived: c.waived(CountLimit{})})
	}
	if p.Order != "" && p.Order != "none" {
		all = append(all, Expectation{Rule: "order", Want: p.Order})
	}
	if p.any(func(q Promises) bool { return q.Recovery }) {
		all = append(all, Expectation{Rule: "recovery", Want: "complete"})
	}
	if p.any(func(q Promises) bool { return q.Queue.Size > 0 }) {
		all = append(all, Expectation{Rule: "queue", Want: "complete"})
	}
	if c.retains() && p.Delivery != "at-most-once" { // whoever takes it claims that
		all = append(all, Expectation{Rule: "retained", Want: "latest"})
	}
	if c.leavesWills() && p.Delivery != "at-most-once" {
		all = append(all, Expectation{Rule: "will", Want: "when-lost"})
	}
	all = append(all, c.shapesPromised(&p)...)
	all = append(all, p.batchesPromised()...)
	all = append(all, Expectation{Rule: "isolation", Want: "strict"}) // whoever takes subscriptions claims that
	all = append(all, c.promisedTransforms()...)
	for _, e := range all {
		e.Line, e.Promised = line, true
		e.Name = unique(title(&e), taken)
		c.plan.Expect = append(c.plan.Expect, e)
	}
}

// waived is the limit of messages excused by honest refusals: 0 unless written
// otherwise where recovery is promised, none elsewhere.
func (c *compiler) waived(l CountLimit) Limit {
	if l.Op == "" && c.plan.Promises.Recovery {
		return Limit{Op: "<=", Text: "0"}
	}
	return l.Limit
}

func (c *compiler) expectation(s *ExpectSpec) Expectation {
	e := Expectation{Name: s.Name, Groups: s.To, Channel: s.Channel}
	switch {
	case s.Delivery != "":
		e.Rule, e.Want, e.Waived = "delivery", s.Delivery, c.waived(s.Waived)
	case s.Order != "":
		e.Rule, e.Want = "order", s.Order
	case s.Recovery != "":
		e.Rule, e.Want, e.Within = "recovery", s.Recovery, s.Within.Duration
	case s.Queue != "":
		e.Rule, e.Want = "queue", s.Queue
	case s.Latency != nil:
		e.Rule = "latency"
		e.Latency = LatencyWant{Of: or(s.Latency.Of, "delivery"), During: or(s.Latency.During, "all"), P: s.Latency.list()}
	case s.Reconnect != nil:
		e.Rule, e.Success, e.P, e.Peak = "reconnect", s.Reconnect.Success.Limit, s.Reconnect.list(), s.Reconnect.Peak.Limit
	case s.Isolation != "":
		e.Rule, e.Want = "isolation", s.Isolation
	case s.Retained != "":
		e.Rule, e.Want = "retained", s.Retained
	case s.Will != "":
		e.Rule, e.Want = "will", s.Will
	case s.Heartbeat != nil:
		e.Rule, e.ServerEvery, e.Reaps = "heartbeat", s.Heartbeat.ServerEvery.Limit, s.Heartbeat.Reaps.Limit
	case s.Priority != nil:
		e.Rule, e.Want, e.Allow = "priority", or(s.Priority.UrgentBefore, "normal"), allowed(s.Priority.Allow)
	case s.Errors != nil:
		e.Rule, e.Errors = "errors", s.Errors.Limit
	case s.Close != nil:
		e.Rule, e.Want, e.Close = "close", s.Close.When, CloseLimit{When: s.Close.When, Codes: s.Close.Codes}
	case s.Throttle != nil:
		e.shapeExpectation(Throttle, s.Throttle)
	case s.Debounce != nil:
		e.shapeExpectation(Debounce, s.Debounce)
	case s.Batch != nil:
		e.Rule, e.Channel, e.Batch = batchWord, or(s.Batch.Channel, e.Channel), BatchLimit{Max: s.Batch.Max, Wait: s.Batch.Wait.Duration}
	}
	return e
}

// title makes a name from the rule and its words.
func title(e *Expectation) string {
	t := e.Rule
	switch e.Rule {
	case "latency":
		t += ": " + e.Latency.Of
		if e.Latency.During != "all" {
			t += ", " + e.Latency.During
		}
	default:
		if e.Want != "" {
			t += ": " + e.Want
		}
	}
	if len(e.Groups) > 0 {
		t += ", to " + strings.Join(e.Groups, "+")
	}
	if e.Channel != "" {
		t += ", channel " + e.Channel
	}
	return t
}

func unique(name string, taken map[string]bool) string {
	try := name
	for i := 2; taken[try]; i++ {
		try = fmt.Sprintf("%s (%d)", name, i)
	}
	taken[try] = true
	return try
}

// limits is what an expectation demands, for people.
func (e *Expectation) limits() string {
	var all []string
	say := func(what string, l Limit) {
		if l.Op != "" {
			all = append(all, strings.TrimSpace(what+" "+limitForm(l)))
		}
	}
	switch e.Rule {
	case "delivery":
		say("waived", e.Waived)
	case "recovery":
		if e.Within > 0 {
			all = append(all, "within "+e.Within.String())
		}
	case "latency":
		for _, q := range e.Latency.P {
			say(q.Key, q.Limit)
		}
	case "reconnect":
		say("success", e.Success)
		say("peak", e.Peak)
		for _, q := range e.P {
			say(q.Key, q.Limit)
		}
	case "errors":
		say("", e.Errors)
	case "close":
		all = append(all, e.Close.String())
	case "priority":
		all = append(all, "allow "+bytesOf(float64(e.Allow)))
	case "transform":
		all = append(all, e.Payload)
	case "state":
		if b := e.Book; b != nil {
			all = append(all, "by "+b.Key)
			if b.Value != "" {
				all = append(all, "of "+b.Value)
			}
			if b.Tombstone != "" {
				all = append(all, "without those that are "+b.Tombstone)
			}
		}
	case snapshotWord:
		all = append(all, "rows by "+e.Book.Key)
		if e.Book.Tombstone != "" {
			all = append(all, "without those that are "+e.Book.Tombstone)
		}
	case "heartbeat":
		say("server-every", e.ServerEvery)
		say("reaps-silent-within", e.Reaps)
	case Throttle:
		all = append(all, fmt.Sprintf("at most %d per %s", e.Shape.Count, short(e.Shape.Per)))
		say("settles within", e.Shape.Settles)
	case presenceWord:
		all = append(all, "settles within "+short(e.Within))
	case batchWord:
		all = append(all, fmt.Sprintf("at most %d in one, within %s", e.Batch.Max, short(e.Batch.Wait)))
	case Debounce:
		all = append(all, "quiet "+short(e.Shape.Quiet))
		say("settles within", e.Shape.Settles)
	case Aggregate:
		all = append(all, fmt.Sprintf("conserves %s by %s, value %s", e.Book.Value, e.Book.Key, e.Told.Value))
	}
	return strings.Join(all, ", ")
}

// limitForm writes a limit with the comparison that it means.
func limitForm(l Limit) string {
	if l.Op == ".." || strings.HasPrefix(l.Text, l.Op) {
		return l.Text
	}
	return l.Op + " " + l.Text
}
