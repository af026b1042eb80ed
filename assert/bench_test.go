package assert

import (
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// fleet is a judge with so many clients, each subscribed to one of the
// channels, and a publisher of each channel.
func fleet(clients, channels int) (*Judge, func(round int) []history.Event) {
	names := history.NewNames(nil)
	for range channels {
		names.ID("room." + string(rune('a'+len(names.All())%26)) + string(rune('a'+len(names.All())/26)))
	}
	epoch := history.EpochID(names.ID("epoch"))
	b := &Brief{
		Groups:   []BriefGroup{{Name: "voters", Count: clients, Subs: clients}, {Name: "tellers", First: clients, Count: channels}},
		Promises: scenario.Promises{Delivery: "exactly-once", Order: "per-channel", Recovery: true, History: scenario.History{Size: 1000, TTL: time.Hour}},
		Offsets:  true, Ack: true, Memory: 1 << 30,
		Expect: []scenario.Expectation{
			{Rule: "delivery", Want: "exactly-once"}, {Rule: "order", Want: "per-channel"}, {Rule: "recovery", Want: "honest"},
			{Rule: "latency", Latency: scenario.LatencyWant{Of: "delivery", During: "all"}},
		},
	}
	j := NewJudge(b, names)
	now := time.Millisecond
	for c := range clients {
		id, ch := history.ClientID(c), history.ChannelID(c%channels)
		j.Add(history.Event{Kind: history.Open, Client: id, Life: 1, Channel: -1, Seen: now})
		j.Add(history.Event{Kind: history.Subscribe, Client: id, Life: 1, Channel: ch, Sent: now, Seen: now})
		j.Add(history.Event{Kind: history.Subscribed, Client: id, Life: 1, Channel: ch, Epoch: epoch, Flags: history.FlagPositioned, Seen: now})
	}
	j.Add(history.Event{Kind: history.Phase, Client: -1, Channel: -1, Note: history.PhaseActive, Seen: now})
	buf := make([]history.Event, 0, clients)
	return j, func(round int) []history.Event {
		now += time.Millisecond
		seq := uint64(round + 1)
		buf = buf[:0]
		for ch := range channels {
			e := history.Event{Kind: history.Publish, Client: history.ClientID(clients + ch), Life: 1, Channel: history.ChannelID(ch), Publisher: int32(ch), Seq: seq, Due: now, Sent: now, Seen: now}
			j.Add(e)
			e.Kind, e.Result = history.Outcome, history.OK
			j.Add(e)
		}
		for c := range clients {
			ch := c % channels
			buf = append(buf, history.Event{Kind: history.Deliver, Client: history.ClientID(c), Life: 1, Channel: history.ChannelID(ch), Epoch: epoch, Offset: seq,
				Publisher: int32(ch), Seq: seq, Flags: history.FlagStamped | history.FlagPositioned, Due: now, Seen: now + time.Millisecond, Arrived: now + time.Millisecond, Bytes: 120})
		}
		return buf
	}
}

// One delivery judged by delivery, order, recovery and latency, with 10,000
// clients. It fails unless every delivery that was fed has been judged.
func BenchmarkJudgeDelivery(b *testing.B) {
	j, round := fleet(10_000, 40)
	fed, n := int64(0), 0
	events := round(0)
	b.ReportAllocs()
	for b.Loop() {
		if n == len(events) {
			b.StopTimer()
			events, n = round(int(fed)/len(events)), 0
			b.StartTimer()
		}
		j.Add(events[n])
		n++
		fed++
	}
	vs := j.Verdicts(End{})
	if got := vs[0].Counts[0].N; got != fed {
		b.Fatalf("judged %d deliveries, fed %d", got, fed)
	}
	if vs[0].State == Fail || vs[1].State == Fail {
		b.Fatalf("%+v %+v", vs[0], vs[1])
	}
	b.ReportMetric(float64(fed), "judged")
}

func TestDeliveryAllocatesNothing(t *testing.T) {
	j, round := fleet(1000, 10)
	for i := range 200 {
		for _, e := range round(i) {
			j.Add(e)
		}
	}
	events, n := round(200), 0
	if a := testing.AllocsPerRun(900, func() { j.Add(events[n]); n++ }); a != 0 {
		t.Errorf("%v allocations per delivery", a)
	}
}
