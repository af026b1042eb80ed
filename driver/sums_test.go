package driver

import (
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// sumShard is a shard that reads sums of one channel.
func sumShard(names *history.Names) *shard {
	s := listener(names)
	s.fleet.plan.Told = []scenario.Book{{Channel: "votes.*", Key: "option", Value: "sum"}}
	return s
}

// TestSumsAreRead: what a delivery without a stamp holds, and what it doesn't.
func TestSumsAreRead(t *testing.T) {
	for _, row := range []struct {
		payload string
		key     string
		amount  int64
		unread  string
	}{
		{`{"option":"yes","sum":42,"count":3}`, "yes", 42e6, ""},
		{`{"count":3,"sum":-0.25,"option":"n\u006f"}`, "no", -250000, ""},
		{`{"option":7,"sum":0}`, "7", 0, ""},
		{`{"option":true,"sum":1e3}`, "true", 1000e6, ""},
		{`{"option":"a","sum":0.30000000000000004}`, "a", 300000, ""},
		{`{"option":"a","sum":9223372036853.775807}`, "a", 9223372036853775807, ""},
		{`{"option":"a","sum":99999999999999999999}`, "", 0, "the field sum holds no number"},
		{`{"option":"a","sum":"1"}`, "", 0, "the field sum holds no number"},
		{`{"option":"a"}`, "", 0, "the field sum holds no number"},
		{`{"option":null,"sum":1}`, "", 0, "the field option holds no key"},
		{`{"option":["a"],"sum":1}`, "", 0, "the field option holds no key"},
		{`{"option":"` + strings.Repeat("a", 300) + `","sum":1}`, "", 0, "the field option holds no key"},
		{`{"sum":1}`, "", 0, "the field option holds no key"},
		{`7`, "", 0, "it is no object"},
	} {
		names := history.NewNames([]string{"votes.1", "other"})
		s := sumShard(names)
		s.in.Channel = 0
		s.readSum([]byte(row.payload))
		in := &s.in
		if in.Told != 1 || in.Unread != row.unread {
			t.Errorf("%s: got %d, %q, want %q", row.payload, in.Told, in.Unread, row.unread)
			continue
		}
		if row.unread == "" && (names.Name(int32(in.Key)) != row.key || in.Amount != row.amount) {
			t.Errorf("%s: got %d of %q, want %d of %q", row.payload, in.Amount, names.Name(int32(in.Key)), row.amount, row.key)
		}
		if s.in.Channel = 1; row.unread == "" {
			if s.readSum([]byte(row.payload)); in.Told != 0 {
				t.Errorf("%s is read on another channel", row.payload)
			}
		}
	}
}

// TestReadingSumsIsCheap: nothing is allocated for a sum of a key that is known.
func TestReadingSumsIsCheap(t *testing.T) {
	s := sumShard(history.NewNames([]string{"votes.1"}))
	payload := []byte(`{"option":"yes","sum":42.5,"count":3}`)
	if n := testing.AllocsPerRun(100, func() { s.readSum(payload) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestWindowsAreOver: the drain waits until the last window that was added up is over.
func TestWindowsAreOver(t *testing.T) {
	const ms = time.Millisecond
	names := history.NewNames([]string{"votes", "tally"})
	x := newEnds(&scenario.Plan{Promises: scenario.Promises{Shapes: []scenario.Shape{
		{Kind: scenario.Aggregate, Match: "votes", Every: 500 * ms}, {Kind: scenario.Throttle, Match: "tally", Every: 9000 * ms, Keep: "last"},
	}}}, names)
	for _, e := range []history.Event{
		{Kind: history.Subscribed, Channel: 0, Seen: 1 * ms}, {Kind: history.Publish, Channel: 0, Seen: 10 * ms, Sent: 10 * ms}, {Kind: history.Outcome, Channel: 0, Seen: 20 * ms, Result: history.OK},
		{Kind: history.Deliver, Channel: 0, Seen: 900 * ms}, {Kind: history.Publish, Channel: 1, Seen: 30 * ms},
	} {
		x.add(&e)
	}
	if want := 520*ms + windowSlack; x.over != want {
		t.Errorf("it is over at %v, want %v", x.over, want)
	}
	if len(x.subs) > 0 {
		t.Errorf("a last message is waited for where sums come: %v", x.subs)
	}
}
