package driver

import (
	"bytes"
	"testing"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/scenario"
)

// TestPublicationsAreEntered: what is told of a publication for each book of its channel,
// and that nothing is where there are no books.
func TestPublicationsAreEntered(t *testing.T) {
	names := history.NewNames([]string{"bank.1", "chat"})
	s := listener(names)
	published := history.Event{Kind: history.Publish, Client: 3, Life: 2, Publisher: 1, Incarnation: 4, Seq: 9, Offset: 5, Flags: history.FlagOutbox, Due: 1, Sent: 2, Seen: 3}
	const payload = `{"account":"s3cret-1","amount":-0.25,"closed":true}`
	if got := s.enter(published, []byte(payload)); got != nil {
		t.Errorf("without books: %+v", got)
	}
	s.fleet.mask = masker([]string{"s3cret"})
	s.fleet.plan.Books = []scenario.Book{{Channel: "bank.*", Key: "account", Value: "amount"}, {Channel: "bank.*", Key: "account", Tombstone: "closed"}, {Channel: "bank.*", Value: "account"}}
	for range 2 {
		got := s.enter(published, []byte(payload))
		if len(got) != 3 {
			t.Fatalf("%d entries, want 3: %+v", len(got), got)
		}
		for i, e := range got {
			if e.Kind != history.Booked || e.Client != 3 || e.Publisher != 1 || e.Incarnation != 4 || e.Seq != 9 || e.Channel != 0 || e.Code != int32(i+1) || e.Seen != 3 {
				t.Errorf("entry %d: %+v", i, e)
			}
		}
		if e := got[0]; e.Result != history.OK || names.Name(int32(e.Epoch)) != "***-1" || scenario.Amount(e.Offset).String() != "-0.25" || e.Flags != 0 {
			t.Errorf("got %s %s %+v", names.Name(int32(e.Epoch)), scenario.Amount(e.Offset), e)
		}
		if e := got[1]; e.Result != history.OK || e.Epoch != got[0].Epoch || e.Offset != 0 || !e.Has(history.FlagGone) {
			t.Errorf("got %+v", e)
		}
		if e := got[2]; e.Result != history.Failed || e.Note != "the field account is no number" {
			t.Errorf("got %+v", e)
		}
	}
	published.Channel = 1
	if got := s.enter(published, []byte(payload)); len(got) != 0 {
		t.Errorf("on another channel: %+v", got)
	}
}

const purse = `squall: 1
name: purse
duration: 10s
clients:
  a: {count: 1, subscribe: [{channel: a}]}
  p: {count: 2, publish: [{channel: a, rate: 10/s, payload: {account: "{n}", amount: "{seq / 4}"}}]}
expect:
  - state: {channel: a, fold: sum, key: account, value: amount, equals: published}
`

// TestWhatIsAddedUpIsWeighed: where the state by key is expected, what comes has to be
// what was published.
func TestWhatIsAddedUpIsWeighed(t *testing.T) {
	plan, problems := scenario.Load("x.yaml", []byte(purse), scenario.Options{Dialects: []scenario.DialectInfo{{Name: "events", Offsets: true}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s, sink := weigher(t)
	s.fleet.plan, s.weighing = plan, weighing{on: plan.Compares()}
	m, err := plan.Publishers[1].Compose(4, 0, s.fleet.runID)
	if err != nil {
		t.Fatal(err)
	}
	st := s.numbered(dialect.Stamp{Run: s.fleet.cfg.Run, Publisher: 1, Seq: 5, Channel: history.Hash([]byte("a"))}, 0, &m)
	right := dialect.AppendStamped(nil, m.Payload, st, 200)
	for round := range 3 {
		for _, row := range []struct {
			name    string
			message []byte
			want    string
		}{
			{"right", event("a", right), "recv weighed"},
			{"as a server might print it", event("a", reprinted(t, right)), "recv weighed"},
			{"rounded", event("a", bytes.Replace(right, []byte("1.25"), []byte("1"), 1)), "recv weighed, altered weighed 2: the field amount has another value"},
		} {
			if got := sink.hear(s, row.message); got != row.want {
				t.Errorf("round %d, %s: got %s, want %s", round, row.name, got, row.want)
			}
		}
	}
}
