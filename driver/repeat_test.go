package driver

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/session"
	"squall/scenario"
)

// listener is a shard that does nothing but listen for one client.
func listener(names *history.Names) *shard {
	s := &shard{
		fleet: &fleet{cfg: Config{Run: 7, Names: names}, plan: &scenario.Plan{}}, names: history.NewCache(names), mostNames: 1000,
		dec: dialect.Events{}.Decoder(), repeats: repeats{seed: maphash.MakeSeed()}, wheel: engine.NewWheel(0), clients: make([]client, 1), setbacks: make(setbacks), sink: deafSink{},
	}
	s.clients[0].Init(&session.Config{}, 0, nil, nil)
	s.clients[0].conn = deafConn{}
	return s
}

func frame(channel string, run uint32, seq uint64, offset int, replay bool) string {
	of := channel
	if seq%5 == 4 {
		of = "elsewhere" // the stamp names another channel than the frame
	}
	st := dialect.Stamp{Run: run, Publisher: 1, Incarnation: 1, Seq: seq, Due: time.Duration(seq), Channel: history.Hash([]byte(of)), Fence: seq%3 == 0}
	data := dialect.AppendStamped(nil, []byte(`{"a":1}`), st, 0)
	return fmt.Sprintf(`{"type":"event","channel":%q,"offset":%d,"data":%s,"replay":%t}`, channel, offset, data, replay)
}

// Whatever comes, and however often, a shard that remembers understands it as one
// that reads every message anew.
func TestARepeatedMessageSaysTheSame(t *testing.T) {
	var known, hits int
	rapid.Check(t, func(t *rapid.T) {
		names := history.NewNames([]string{"a", "b\u00e4", "elsewhere"})
		memory, fresh := listener(names), listener(names)
		one := rapid.Custom(func(t *rapid.T) string {
			f := frame(rapid.SampledFrom([]string{"a", "bä", "new"}).Draw(t, "channel"), rapid.SampledFrom([]uint32{7, 8}).Draw(t, "run"),
				rapid.Uint64Range(1, 4).Draw(t, "seq"), rapid.IntRange(1, 3).Draw(t, "offset"), rapid.Bool().Draw(t, "replay"))
			switch rapid.IntRange(0, 9).Draw(t, "shape") {
			case 0:
				return f + f // two deliveries in one message
			case 1:
				return f + `{"type":"draining"}`
			case 2:
				return f[:len(f)-1] + `,"epoch":"e"}`
			case 3:
				i := rapid.IntRange(0, len(f)-1).Draw(t, "at")
				return f[:i] + string(rapid.SampledFrom([]byte("1a} ")).Draw(t, "byte")) + f[i+1:]
			}
			return f
		})
		pool := rapid.SliceOfN(one, 1, 6).Draw(t, "pool")
		for i, k := range rapid.SliceOfN(rapid.IntRange(0, len(pool)-1), 1, 40).Draw(t, "order") {
			at := engine.Stamp{Read: time.Duration(i), Arrived: time.Duration(i), Kernel: i%2 == 0}
			for _, s := range []*shard{memory, fresh} {
				s.msg, s.in = dialect.Message{}, session.Incoming{} // a message that can't be read says nothing
			}
			fresh.repeats = repeats{seed: maphash.MakeSeed()}
			e := memory.repeats.find([]byte(pool[k]))
			if e != nil && e.known {
				hits++
			}
			memory.msg, fresh.msg = dialect.Message{}, dialect.Message{} // not what an earlier payload said
			memory.receive(&memory.clients[0], 0, []byte(pool[k]), at)
			fresh.receive(&fresh.clients[0], 0, []byte(pool[k]), at)
			if e != nil && e.known {
				known++
			}
			got, want := memory.in, fresh.in
			m, n := plain(*got.Message), plain(*want.Message)
			if n.Kind != dialect.Delivered { // what follows a lone delivery is not remembered
				continue
			}
			got.Message, want.Message = nil, nil
			if !reflect.DeepEqual(m, n) || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\nremembered %+v %+v\nread       %+v %+v", pool[k], got, m, want, n)
			}
		}
	})
	if known == 0 || hits == 0 {
		t.Fatalf("%d messages became known and %d were met again: the situation did not occur", known, hits)
	}
}

// plain is a message without its byte slices, which the shard has resolved.
func plain(m dialect.Message) dialect.Message {
	m.Channel, m.Payload, m.Reason, m.Client, m.Epoch = nil, nil, nil, nil, nil
	return m
}

func TestOnlyALoneDeliveryIsRemembered(t *testing.T) {
	f := frame("a", 7, 1, 1, false)
	for _, c := range []struct {
		say  string
		want bool
	}{
		{f, true},
		{f + f, false},
		{f[:len(f)-1] + `,"epoch":"e"}`, false},
		{`{"type":"draining"}`, false},
		{`{"type":"event","channel":"a","offset":1,"data":{"a":1}}`, false},
	} {
		s := listener(history.NewNames([]string{"a"}))
		s.repeats.seed = maphash.MakeSeed()
		for range 2 {
			s.receive(&s.clients[0], 0, []byte(c.say), engine.Stamp{})
		}
		if got := s.repeats.find([]byte(c.say)).known; got != c.want {
			t.Errorf("%s: known %v, want %v", c.say, got, c.want)
		}
	}
}

type deafSink struct{}

func (deafSink) Add(history.Event) {}

type deafConn struct{ engine.Conn }

func (deafConn) Close(uint16, string) {}
