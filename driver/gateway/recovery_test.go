package gateway

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/dialect"
)

// receipt is what one subscriber of a channel got: the order of the offsets and
// of the data, over all its lives, and what was odd about it.
type receipt struct {
	t      *testing.T
	s      *site
	name   string
	user   string
	c      *client
	epoch  string
	offset uint64   // the position: the last received, or an answer's top
	data   []string // in the order of arrival

	refused, recovered int
	replayed           int
	lost               uint64 // offsets that were jumped over
	repeated           int    // offsets that came again
	backwards          int    // offsets that came after a higher one, for the first time
	overlaps           int    // live, though replayed
	epochs             int    // answers of recovered with another epoch
	mute               int    // lives in which something was owed and nothing came
	inverted           int    // first arrivals after a later one of the same publisher
	seen               map[uint64]bool
	last               map[int]int // of each publisher
}

// aPublisher is the distance between the numbers that two publishers send.
const aPublisher = 1_000_000

func newReceipt(t *testing.T, s *site, user string) *receipt {
	return &receipt{t: t, s: s, name: "c", user: user, seen: map[uint64]bool{}, last: map[int]int{}}
}

// join subscribes, from the position if there is one.
func (r *receipt) join() {
	r.c = r.s.client(r.user)
	if r.epoch == "" {
		r.c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: r.name})
	} else {
		r.c.recover(r.name, r.epoch, r.offset)
	}
}

// take reads what has come, until nothing comes for d. It returns how many
// events that were.
func (r *receipt) take(d time.Duration) (events int) {
	for {
		r.c.nc.SetReadDeadline(time.Now().Add(d))
		m, err := r.c.next()
		if err != nil {
			r.c.nc.SetReadDeadline(time.Time{})
			return events
		}
		r.message(m)
		if m.Kind == dialect.Delivered {
			events++
		}
	}
}

func (r *receipt) message(m dialect.Message) {
	switch m.Kind {
	case dialect.Subscribed:
		switch {
		case m.Recovered && string(m.Epoch) != r.epoch:
			r.epochs++
			r.restart(m)
		case m.Recovered:
			r.recovered++
		case m.Recovering:
			r.refused++
			r.restart(m)
		default:
			r.restart(m)
		}
	case dialect.Gapped:
		r.restart(m)
	case dialect.Delivered:
		r.data = append(r.data, string(m.Payload))
		if n, err := strconv.Atoi(string(m.Payload)); err == nil && !r.seen[m.Offset] {
			p := n / aPublisher
			if n < r.last[p] {
				r.inverted++
			}
			r.last[p] = max(r.last[p], n)
		}
		if m.Replay {
			r.replayed++
		}
		switch {
		case r.seen[m.Offset]:
			r.repeated++
			if !m.Replay {
				r.overlaps++
			}
		case m.Offset < r.offset:
			r.backwards++
		case m.Offset > r.offset+1:
			r.lost += m.Offset - r.offset - 1
		}
		r.seen[m.Offset] = true
		r.offset = max(r.offset, m.Offset)
	}
}

func (r *receipt) restart(m dialect.Message) {
	if string(m.Epoch) != r.epoch {
		r.seen = map[uint64]bool{}
	}
	r.epoch, r.offset = string(m.Epoch), m.Offset
}

// trouble is all that a correct gateway never causes.
func (r *receipt) trouble() string {
	if r.lost == 0 && r.repeated == 0 && r.backwards == 0 && r.epochs == 0 && r.mute == 0 && r.inverted == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d lost, %d repeated (%d live after replay), %d backwards, %d inverted, %d false epochs, %d mute",
		r.user, r.lost, r.repeated, r.overlaps, r.backwards, r.inverted, r.epochs, r.mute)
}

// crowd is a run of some minutes: publishers who publish, subscribers who come
// and go, abandoned sockets included. Everything is drawn from the seed.
type crowd struct {
	subscribers, publishers int
	rounds                  int
	seed                    uint64
}

// run returns the receipts and how many events were acknowledged.
func (w crowd) run(t *testing.T, s *site) (all []*receipt, acked int) {
	rng := rand.New(rand.NewPCG(w.seed, 1))
	var pubs []*client
	for i := range w.publishers {
		pubs = append(pubs, s.client(fmt.Sprint("publisher-", i)))
	}
	for i := range w.subscribers {
		r := newReceipt(t, s, fmt.Sprint("user-", i))
		r.join()
		all = append(all, r)
	}
	var abandoned []*client
	n := 0
	for range w.rounds {
		for range rng.IntN(6) { // without waiting in between: writes and reads overlap
			p := rng.IntN(len(pubs))
			n++
			pubs[p].command(&dialect.Command{Verb: dialect.Publish, Channel: "c", Payload: []byte(strconv.Itoa(p*aPublisher + n))})
			if rng.IntN(3) == 0 {
				time.Sleep(time.Duration(rng.IntN(10)) * time.Millisecond)
			}
		}
		r := all[rng.IntN(len(all))]
		switch {
		case r.c == nil:
			r.join()
		case rng.IntN(3) == 0: // left without a word, seen or unread
			if rng.IntN(2) == 0 {
				r.take(time.Millisecond)
			}
			if rng.IntN(4) == 0 {
				abandoned = append(abandoned, r.c) // stays open, for a while nobody reads
			} else {
				r.c.nc.Close()
			}
			r.c = nil
			if rng.IntN(2) == 0 {
				r.join()
			}
		default:
			r.take(time.Millisecond)
		}
	}
	time.Sleep(time.Second)
	for _, p := range pubs {
		for _, l := range p.drainFor(time.Second) {
			if l[:9] == "published" {
				acked++
			}
		}
	}
	// Everybody returns. A last event reaches all who still listen.
	for _, r := range all {
		if r.c == nil {
			r.join()
		}
	}
	time.Sleep(time.Second)
	for _, r := range all {
		r.take(time.Second)
	}
	last := pubs[0].publish("c", `"last"`)
	synctest.Wait()
	for _, r := range all {
		if events := r.take(time.Second); events == 0 {
			r.mute++
		}
		if last.Positioned && r.offset != last.Offset {
			r.lost++
		}
		r.c.nc.Close()
	}
	for _, c := range append(abandoned, pubs...) {
		c.nc.Close()
	}
	return all, acked
}

// TestRecovery: whoever comes back gets everything once and in order, on any
// course of events.
func TestRecovery(t *testing.T) {
	resumes, replayed := 0, 0
	for seed := range uint64(40) {
		bubble(t, Config{Seed: seed + 1, HeartbeatEvery: -1}, func(t *testing.T, s *site) {
			all, acked := crowd{subscribers: 6, publishers: 2, rounds: 120, seed: seed}.run(t, s)
			for _, r := range all {
				if bad := r.trouble(); bad != "" {
					t.Errorf("seed %d: %s", seed, bad)
				}
				if r.refused > 0 {
					t.Errorf("seed %d: %s was refused %d recoveries", seed, r.user, r.refused)
				}
				resumes += r.recovered
				replayed += r.replayed
			}
			if acked < 200 {
				t.Errorf("seed %d: only %d publications", seed, acked)
			}
		})
	}
	if resumes < 500 || replayed < 1000 {
		t.Errorf("%d recoveries with %d replayed events prove little", resumes, replayed)
	}
}

// TestSameOrderForAll: two who were there throughout have the same data.
func TestSameOrderForAll(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site) {
		var subs []*receipt
		for i := range 3 {
			r := newReceipt(t, s, fmt.Sprint(i))
			r.join()
			r.take(time.Millisecond)
			subs = append(subs, r)
		}
		done := make(chan bool)
		for i := range 4 {
			go func() {
				p := s.client("p")
				for n := range 200 {
					p.publish("c", strconv.Itoa(i*aPublisher+n))
				}
				p.nc.Close()
				done <- true
			}()
		}
		for range 4 {
			<-done
		}
		for _, r := range subs {
			r.take(time.Second)
			if fmt.Sprint(r.data) != fmt.Sprint(subs[0].data) || len(r.data) != 800 || r.trouble() != "" {
				t.Errorf("subscriber %s: %d events, %s", r.user, len(r.data), r.trouble())
			}
			r.c.nc.Close()
		}
	})
}
