package driver

import (
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// TestEnds: who is waited for at the end of a shaped channel.
func TestEnds(t *testing.T) {
	const ms = time.Millisecond
	names := history.NewNames([]string{"tally", "clock", "plain"})
	plan := &scenario.Plan{Promises: scenario.Promises{Shapes: []scenario.Shape{
		{Kind: scenario.Throttle, Match: "tally", Every: 200 * ms, Keep: "last"}, {Kind: scenario.Throttle, Match: "clock", Every: 200 * ms, Keep: "first"},
	}}}
	sub := func(ch history.ChannelID, at time.Duration, flags history.Flags) history.Event {
		return history.Event{Kind: history.Subscribed, Channel: ch, Seen: at, Flags: flags}
	}
	pub := func(ch history.ChannelID, p int32, seq uint64, at time.Duration) history.Event {
		return history.Event{Kind: history.Publish, Client: 9, Channel: ch, Publisher: p, Seq: seq, Sent: at}
	}
	ack := func(ch history.ChannelID, p int32, seq uint64, at time.Duration, r history.Result) history.Event {
		return history.Event{Kind: history.Outcome, Client: 9, Channel: ch, Publisher: p, Seq: seq, Seen: at, Result: r}
	}
	recv := func(ch history.ChannelID, p int32, seq uint64, at time.Duration) history.Event {
		return history.Event{Kind: history.Deliver, Channel: ch, Publisher: p, Seq: seq, Seen: at, Flags: history.FlagStamped}
	}
	for _, row := range []struct {
		comment string
		events  []history.Event
		awaits  bool
	}{
		{"the last has not come", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), recv(0, 1, 1, 3*ms), pub(0, 1, 2, 4*ms), ack(0, 1, 2, 5*ms, history.OK)}, true},
		{"it has", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), pub(0, 1, 2, 4*ms), recv(0, 1, 2, 3*ms)}, false},
		{"nothing was said since the answer", []history.Event{pub(0, 1, 1, 2*ms), sub(0, 3*ms, 0)}, false},
		{"but it has recovered", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), sub(0, 3*ms, history.FlagRecovered)}, true},
		{"it was refused that", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), sub(0, 3*ms, 0)}, false},
		{"the last was refused", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), ack(0, 1, 1, 3*ms, history.Failed)}, false},
		{"the last of one of two", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), pub(0, 2, 1, 2*ms), ack(0, 1, 1, 3*ms, history.OK), recv(0, 2, 1, 4*ms)}, false},
		{"of the one who was heard before", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), ack(0, 1, 1, 3*ms, history.OK), pub(0, 2, 1, 4*ms), recv(0, 1, 1, 5*ms)}, true},
		{"with a filter", []history.Event{{Kind: history.Subscribe, Publisher: 1}, sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms)}, false},
		{"given back", []history.Event{sub(0, 1*ms, 0), pub(0, 1, 1, 2*ms), {Kind: history.Unsubscribe}}, false},
		{"where the first is kept", []history.Event{sub(1, 1*ms, 0), pub(1, 1, 1, 2*ms)}, false},
		{"not shaped", []history.Event{sub(2, 1*ms, 0), pub(2, 1, 1, 2*ms)}, false},
	} {
		x := newEnds(plan, names)
		for i := range row.events {
			x.add(&row.events[i])
		}
		all := make(map[history.ChannelID][]lastSaid)
		for k, l := range x.said {
			all[k.channel] = append(all[k.channel], l)
		}
		awaits := false
		for k, e := range x.subs {
			awaits = awaits || e.awaits(admitted(all[k.channel]))
		}
		if awaits != row.awaits {
			t.Errorf("%s: waited for %v, want %v", row.comment, awaits, row.awaits)
		}
	}
	if newEnds(&scenario.Plan{}, names) != nil {
		t.Error("a plan without shapes has ends to follow")
	}
}
