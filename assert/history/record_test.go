package history

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawEvent(r *rand.Rand) Event {
	e := Event{
		Kind: Kind(1 + r.IntN(int(Say))), Result: Result(r.IntN(3)), Who: Who(r.IntN(4)), Flags: Flags(r.Uint32()),
		Client: ClientID(r.IntN(100) - 1), Life: r.Int32(), Code: r.Int32N(5000), Channel: ChannelID(r.IntN(4) - 1), Epoch: EpochID(r.IntN(3)),
		Offset: r.Uint64(), Publisher: r.Int32() - r.Int32(), Incarnation: r.Uint32(), Seq: r.Uint64(),
		Due: time.Duration(r.Int64()), Sent: time.Duration(r.Int64N(1e9)), Arrived: time.Duration(r.Int64N(1e9)), Seen: time.Duration(r.Int64N(1e9)), Bytes: r.Int32(),
	}
	if r.IntN(3) == 0 {
		e.Note = []string{"disconnect reset", "slow", "ä", strings.Repeat("x", 100)}[r.IntN(4)]
	}
	return e
}

func record(t interface{ Fatal(...any) }, header string, shards [][]Event) []byte {
	var out bytes.Buffer
	w, err := NewWriter(&out, []byte(header), NewNames([]string{"room", "hall", "e1"}))
	if err != nil {
		t.Fatal(err)
	}
	for i, list := range shards {
		s := w.Shard(i)
		for _, e := range list {
			s.Add(e)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatIsRecordedIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		shards := make([][]Event, rapid.IntRange(1, 3).Draw(t, "shards"))
		for i := range shards {
			for range rapid.IntRange(0, 3000).Draw(t, "events") {
				shards[i] = append(shards[i], drawEvent(r))
			}
		}
		x, err := NewReader(bytes.NewReader(record(t, "{}", shards)))
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		got := make([][]Event, len(shards))
		for {
			i, e, err := x.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got[i] = append(got[i], e)
		}
		if string(x.Header) != "{}" || x.Names.Name(1) != "hall" {
			t.Fatalf("header %q, names %q", x.Header, x.Names.All())
		}
		for i := range shards {
			if len(got[i]) != len(shards[i]) {
				t.Fatalf("shard %d: %d events, want %d", i, len(got[i]), len(shards[i]))
			}
			for k := range got[i] {
				if got[i][k] != shards[i][k] {
					t.Fatalf("event %d of shard %d:\n got %+v\nwant %+v", k, i, got[i][k], shards[i][k])
				}
			}
		}
	})
}

// A recording that is cut anywhere says so, and gives what stands before.
func TestCutRecordingSaysSo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var list []Event
	for range 500 {
		list = append(list, drawEvent(r))
	}
	whole := record(t, "head", [][]Event{list})
	for cut := range whole {
		x, err := NewReader(bytes.NewReader(whole[:cut]))
		for n := 0; err == nil; n++ {
			var e Event
			if _, e, err = x.Next(); err == nil && e != list[n] {
				t.Fatalf("cut at %d: event %d differs", cut, n)
			}
		}
		if err == io.EOF {
			t.Fatalf("cut at %d of %d: read to a clean end", cut, len(whole))
		}
		var cutOff *Truncated
		if cut > len(magic) && !errors.As(err, &cutOff) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

func TestForeignFilesAreNamed(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "not a recording"},
		{"squall: 1\nname: x\n", "not a recording"},
		{magic + "\x07", "version 7"},
	} {
		if _, err := NewReader(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
}

type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}

func TestFullDiskIsReportedAtClose(t *testing.T) {
	w, err := NewWriter(&full{left: 20}, nil, NewNames(nil))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		e := drawEvent(r)
		e.Channel, e.Epoch = -1, 0
		w.Shard(0).Add(e)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}

func FuzzReader(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	f.Add(record(f, "head", [][]Event{{drawEvent(r), drawEvent(r)}, {drawEvent(r)}}))
	f.Add([]byte(magic + "\x01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		x, err := NewReader(bytes.NewReader(in))
		if err != nil {
			return
		}
		defer x.Close()
		for n := 0; n < 1<<16; n++ {
			_, e, err := x.Next()
			if err != nil {
				return
			}
			if e.Client >= mostClients || int(e.Channel) >= x.Names.Len() {
				t.Fatalf("accepted %+v", e)
			}
		}
	})
}

// The coder alone, so that fuzzing is not spent on the compression.
func FuzzCoder(f *testing.F) {
	var c coder
	r := rand.New(rand.NewPCG(1, 2))
	var seed []byte
	for range 5 {
		e := drawEvent(r)
		seed = c.append(seed, &e)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, in []byte) {
		var back, again coder
		for len(in) > 0 {
			e, rest, err := back.next(in, 3)
			if err != nil {
				return
			}
			again.append(nil, &e)
			if len(rest) >= len(in) {
				t.Fatal("no progress")
			}
			in = rest
		}
	})
}
