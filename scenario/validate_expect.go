package scenario

import (
	"reflect"
	"strconv"
)

func (v *validator) expectations() {
	names := make(map[string]bool)
	if v.s.given("expect") && len(v.s.Expect) == 0 {
		v.fail("expect", "found an empty list, expected promises or at least one expectation")
	}
	for i := range v.s.Expect {
		e, path := &v.s.Expect[i], join("expect", strconv.Itoa(i))
		if e.Word != "" {
			continue
		}
		given, all := v.choices(path, reflect.TypeFor[ExpectSpec](), func(f field) bool { return f.rule })
		if len(given) != 1 {
			v.fail(path, "found %s, expected one of %s", counted(given, "no expectation"), words(all))
		}
		if e.Name != "" {
			if names[e.Name] {
				v.fail(join(path, "name"), "found the name %s twice, expected it once", quote(e.Name))
			}
			names[e.Name] = true
		}
		v.groups(join(path, "to"), e.To)
		if e.Waived.Op != "" && e.Delivery == "" {
			v.fail(join(path, "waived"), "found waived without delivery, expected both")
		}
		if e.Within.Given && e.Recovery == "" {
			v.fail(join(path, "within"), "found within without recovery, expected both")
		}
		if l := e.Latency; l != nil {
			at := join(path, "latency")
			if len(v.quantiles(at, l.Quantiles)) == 0 && v.sound(at) {
				v.fail(at, "found no limit, expected at least one, such as p99: 250ms")
			}
		}
		if e.Close != nil {
			v.closes(join(path, "close"), e.Close)
		}
		if e.Retained != "" {
			v.retained(join(path, "retained"))
		}
		if e.Will != "" {
			v.willWanted(join(path, "will"))
		}
		if w := e.Throttle; w != nil {
			v.shapeWant(join(path, Throttle), Throttle, e, w)
		}
		if w := e.Debounce; w != nil {
			v.shapeWant(join(path, Debounce), Debounce, e, w)
		}
		if w := e.Batch; w != nil {
			v.batchWant(join(path, batchWord), e, w)
		}
		if w := e.Aggregate; w != nil {
			v.sumWant(join(path, Aggregate), e, w)
		}
		if w := e.Presence; w != nil {
			v.presenceWant(join(path, presenceWord), e, w)
		}
		if w := e.State; w != nil {
			v.stateWant(join(path, "state"), e, w)
		}
		if w := e.Snapshot; w != nil {
			v.snapshotWant(join(path, snapshotWord), e, w)
		}
		if h := e.Heartbeat; h != nil {
			v.beatWant(join(path, "heartbeat"), e, h)
		}
		if r := e.Reconnect; r != nil {
			at := join(path, "reconnect")
			if len(v.quantiles(at, r.Quantiles)) == 0 && r.Success.Op == "" && r.Peak.Op == "" && v.sound(at) {
				v.fail(at, "found no limit, expected at least one, such as success: 100%%")
			}
		}
	}
	v.transformWants()
	v.contradictions()
}

// list lists the limits that are given, from the median up, then max and mean.
func (q Quantiles) list() []Quantile {
	var all []Quantile
	for _, x := range []struct {
		key   string
		q     float64
		limit TimeLimit
	}{
		{"p50", 0.5, q.P50}, {"p75", 0.75, q.P75}, {"p90", 0.9, q.P90}, {"p95", 0.95, q.P95}, {"p99", 0.99, q.P99},
		{"p99.9", 0.999, q.P999}, {"p99.99", 0.9999, q.P9999}, {"max", 1, q.Max}, {"mean", 0, q.Mean},
	} {
		if x.limit.Op != "" {
			all = append(all, Quantile{Key: x.key, Q: x.q, Limit: x.limit.Limit})
		}
	}
	return all
}

// quantiles refuses an upper limit below that of a lower quantile.
func (v *validator) quantiles(path string, q Quantiles) []Quantile {
	all := q.list()
	for i, hi := range all {
		for _, lo := range all[:i] {
			if hi.Key == "mean" {
				continue
			}
			if a, b := upper(lo.Limit), upper(hi.Limit); a >= 0 && b >= 0 && b < a {
				v.fail(join(path, hi.Key), "found %s for %s and %s for %s, expected the limit of %s to be the higher one", hi.Limit.Text, hi.Key, lo.Limit.Text, lo.Key, hi.Key)
				break
			}
		}
	}
	return all
}

// upper is the upper end of a limit, -1 if it has none.
func upper(l Limit) float64 {
	switch l.Op {
	case "<", "<=":
		return l.A
	case "..":
		return l.B
	}
	return -1
}

// contradictions refuses what the file itself rules out. What a dialect doesn't
// promise is left to the judge, who finds it not applicable.
func (v *validator) contradictions() {
	t := v.s.Target
	if t == nil {
		return
	}
	var claim PromisesSpec
	if t.Promises != nil {
		claim = *t.Promises
	}
	none := func(h *HistorySpec) bool { return h != nil && (h.Word == "none" || h.Size != nil && *h.Size == 0) }
	why := ""
	switch {
	case claim.Recovery != nil && !*claim.Recovery:
		why = "target.promises.recovery is false"
	case none(claim.History):
		why = "target.promises.history is none"
	case t.Gateway != nil && none(t.Gateway.History):
		why = "target.gateway.history is none"
	}
	if why != "" && claim.Recovery != nil && *claim.Recovery {
		v.fail("target.promises.recovery", "found recovery promised although %s, expected a history to recover from", why)
	}
	strength := map[string]int{"at-most-once": 1, "at-least-once": 2, "exactly-once": 3}
	order := map[string]int{"none": 1, "per-publisher": 2, "per-channel": 3}
	for i := range v.s.Expect {
		e, path := &v.s.Expect[i], join("expect", strconv.Itoa(i))
		if e.Recovery == "complete" && why != "" {
			v.fail(join(path, "recovery"), "found recovery expected although %s, expected one or the other", why)
		}
		if a, b := strength[e.Delivery], strength[claim.Delivery]; b > 0 && a > b {
			v.fail(join(path, "delivery"), "found %s expected although target.promises.delivery is %s, expected no more than is promised", e.Delivery, claim.Delivery)
		}
		if a, b := order[e.Order], order[claim.Order]; b > 0 && a > b {
			v.fail(join(path, "order"), "found %s expected although target.promises.order is %s, expected no more than is promised", e.Order, claim.Order)
		}
	}
}
