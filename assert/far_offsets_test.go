package assert

import (
	"testing"
	"time"

	"squall/assert/history"
)

// Offsets that a server has invented may be any distance apart, in one shard and
// between shards; comparing logs takes no longer for it. (Found by the fuzzing
// server, as a judge that never came to its end.)
func TestFarOffsetsEnd(t *testing.T) {
	const far = "2305843009213693952"
	head := "expect: delivery=pass\n0.1 v0 open\n0.1 v1 open\n0.1 v0 sub room\n0.1 v1 sub room\n0.2 v0 ack room 0/e1\n0.2 v1 ack room 0/e1\n0.5 run phase active\n" +
		"1.0 t0 pub room t0#1\n1.1 t0 ok room t0#1\n1.2 t0 pub room t0#2\n1.3 t0 ok room t0#2\n"
	for name, text := range map[string]string{
		"in both":  "1.2 v0 recv room 1/e1 t0#1\n1.2 v1 recv room 1/e1 t0#1\n1.4 v0 recv room " + far + "/e1 t0#2\n1.4 v1 recv room " + far + "/e1 t0#2\n",
		"in one":   "1.2 v0 recv room 1/e1 t0#1\n1.2 v1 recv room 1/e1 t0#1\n1.4 v0 recv room " + far + "/e1 t0#2\n1.4 v1 recv room 2/e1 t0#2\n",
		"at first": "1.2 v0 recv room " + far + "/e1 t0#1\n1.2 v1 recv room 1/e1 t0#1\n1.4 v1 recv room 2/e1 t0#2\n",
	} {
		s, err := parseScript(head + text + "3 run phase end\n")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, verdicts := judgeEvents(s.brief, s.names, s.events, 2)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		if verdicts[0].State == Pass {
			t.Errorf("%s: passed: %s", name, verdicts[0].Reason)
		}
	}
}

// What stands on both sides of a hole between two shards is still put in order.
func TestFarOffsetsAreWalked(t *testing.T) {
	near, far := newLog(0, 1), newLog(0, 1)
	e := history.Event{Kind: history.Deliver, Epoch: 1, Flags: history.FlagStamped | history.FlagPositioned}
	e.Offset, e.Seq = 5, 9
	near.see(&e)
	e.Offset, e.Seq = 1<<61, 3
	far.see(&e)
	var met []inversion
	new(settlement).walk(&channelEnd{}, 1, []*log{near, far}, func(v inversion) { met = append(met, v) })
	if len(met) != 1 || met[0].early != 3 || met[0].late != 9 || met[0].earlyAt != 1<<61 || met[0].lateAt != 5 {
		t.Errorf("%+v", met)
	}
}
