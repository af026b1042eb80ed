package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestConnectAndTalk(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		p.say(text("hello") + frame(true, OpPing, "are you there"))
		r.wantText(1, "hello")
		if e := r.want("message", 1); e.opcode != OpPing || string(e.payload) != "are you there" {
			t.Fatalf("ping came as %v", e)
		}
		if r.name == "epoll" {
			// The kernel begins to stamp a moment after the first socket asks.
			for end := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
				p.say(text("stamped"))
				e := r.wantText(1, "stamped")
				if e.at.Kernel && e.at.Read-e.at.Arrived < time.Second {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("no kernel stamp, or a wild one: %+v", e.at)
				}
			}
		}
		r.do(func() {
			r.conns[1].Send(OpText, []byte("one"))
			r.conns[1].Send(OpBinary, bytes.Repeat([]byte{7}, 70_000))
			r.conns[1].Send(OpPong, nil)
		})
		for i, want := range []int{3, 70_000, 0} {
			if _, payload := p.hear(); len(payload) != want {
				t.Fatalf("message %d has %d bytes, want %d", i, len(payload), want)
			}
		}
		r.wantStats(func(s Stats) bool { return s.Messages >= 2 && s.Conns == 1 && s.BytesIn > 0 && s.BytesOut > 70_003 })
		p.Close()
		r.wantClosed(1, EOF)
		r.wantStats(func(s Stats) bool { return s.Conns == 0 })
	})
}

func TestEarlyBytes(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		r.dialTo(1, r.listener.Addr().String(), nil)
		p := r.accept()
		// Half a frame too, which must be joined with what follows.
		p.say(goodAnswer() + text("first") + text("second") + text("third")[:4])
		r.want("open", 1)
		r.wantText(1, "first")
		r.wantText(1, "second")
		p.say(text("third")[4:])
		r.wantText(1, "third")
	})
}

// Every split of a handshake and of what comes with it must read the same.
func TestHandshakeSplitAtEveryByte(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		stream := goodAnswer() + text("early")
		step := 1
		if r.name == "portable-tls" {
			step = 7 // handshakes take their time
		}
		for i := 1; i < len(stream); i += step {
			token := Token(i)
			r.dialTo(token, r.listener.Addr().String(), nil)
			p := r.accept()
			p.say(stream[:i])
			time.Sleep(time.Millisecond)
			p.say(stream[i:])
			r.want("open", token)
			r.wantText(token, "early")
			p.Close()
			r.want("closed", token)
		}
	})
}

func TestFramesSplitAtEveryByte(t *testing.T) {
	big := strings.Repeat("x", 200)
	stream := text("a") + text(big) + frame(false, OpText, "frag") + frame(true, OpPing, "p") +
		frame(true, OpContinuation, "ment") + frame(true, OpBinary, strings.Repeat("y", 66_000))
	small := len(stream) - 66_000 + 5
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		for i := 1; i < small; i++ {
			p.say(stream[:i])
			if i%5 == 0 {
				time.Sleep(time.Millisecond)
			}
			p.say(stream[i:])
			r.wantText(1, "a")
			r.wantText(1, big)
			if e := r.want("message", 1); e.opcode != OpPing {
				t.Fatalf("split at %d: %v instead of the ping inside", i, e)
			}
			r.wantText(1, "fragment")
			if e := r.want("message", 1); len(e.payload) != 66_000 {
				t.Fatalf("split at %d: %d bytes", i, len(e.payload))
			}
		}
	})
}

func TestBigMessagesBothWays(t *testing.T) {
	const size = 8 << 20
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		payload := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		r.do(func() { r.conns[1].Send(OpBinary, payload) }) // must not block
		time.Sleep(10 * time.Millisecond)
		r.do(func() { r.conns[1].Send(OpText, []byte("after")) })
		if _, got := p.hear(); !bytes.Equal(got, payload) {
			t.Fatal("the big message is not what was sent")
		}
		if _, got := p.hear(); string(got) != "after" {
			t.Fatalf("%.20q instead of the message after", got)
		}
		go io.WriteString(p.Conn, frame(true, OpBinary, string(payload)))
		if e := r.want("message", 1); !bytes.Equal(e.payload, payload) {
			t.Fatal("the big message is not what was received")
		}
	})
}

func TestUpgradeRefused(t *testing.T) {
	tests := []struct {
		name, answer string
		close        bool // the server closes after it
		status       int
		text         string
	}{
		{"401 with a body", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 8\r\n\r\nno token", false, 401, "no token"},
		{"403 without", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false, 403, ""},
		{"404 up to the end", "HTTP/1.1 404 Not Found\r\n\r\nnot here", true, 404, "not here"},
		{"503 in chunks", "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ncome\r\n7\r\n later!\r\n0\r\n\r\n", false, 503, "come later!"},
		{"a long body is cut", "HTTP/1.1 500 Oh\r\nContent-Length: 9999\r\n\r\n" + strings.Repeat("é", 600), false, 500, strings.Repeat("é", 256)},
		{"a body that never comes", "HTTP/1.1 500 Oh\r\nContent-Length: 9999\r\n\r\nstart", false, 500, "start"},
		{"200 is no upgrade", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello"},
		{"wrong accept", strings.Replace(goodAnswer(), "Accept: ", "Accept: x", 1), false, 101, "Sec-WebSocket-Accept"},
		{"no HTTP", "+OK POP3 ready\r\n", false, 0, `not an HTTP answer: "+OK POP3 ready\r\n"`},
		{"binary", "\x16\x03\x01\x00\xff", false, 0, "not an HTTP answer"},
		{"ends early", "HTTP/1.1 101 Swi", true, 0, "the answer ended early"},
		{"endless header", "HTTP/1.1 101 X\r\n" + strings.Repeat("a: b\r\n", 12_000), false, 0, "65536"},
	}
	onAll(t, func(t *testing.T, r *rig) {
		for i, tt := range tests {
			token := Token(i + 1)
			r.dialTo(token, r.listener.Addr().String(), nil)
			p := r.accept()
			_, _ = io.WriteString(p.Conn, tt.answer) // who refuses a header without end may hang up before its end
			if tt.close {
				p.Close()
			}
			end := r.wantClosed(token, NotUpgraded)
			if end.Status != tt.status || !strings.Contains(end.Text, tt.text) {
				t.Errorf("%s: got %d %q, want %d %q", tt.name, end.Status, end.Text, tt.status, tt.text)
			}
			p.Close()
		}
	})
}

func TestUnreachable(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		r.dialTo(1, r.nobody, nil)
		if end := r.wantClosed(1, Unreachable); !strings.Contains(end.Text, "connection refused") {
			t.Errorf("told as %q", end.Text)
		}
		if r.name != "memory" {
			r.dialTo(2, "no.such.name.invalid:80", nil)
			if end := r.wantClosed(2, Unreachable); end.Text == "" {
				t.Error("no word about an unknown name")
			}
			r.dialTo(3, "127.0.0.1:notaport", nil)
			r.wantClosed(3, Unreachable)
		}
	})
}

func TestNamesAreLookedUp(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		if r.name == "memory" || r.tls != nil {
			t.Skip("no names here")
		}
		_, port, _ := strings.Cut(r.listener.Addr().String(), ":")
		for token := Token(1); token <= 3; token++ {
			r.dialTo(token, "localhost:"+port, nil)
			r.accept().say(goodAnswer())
			r.want("open", token)
		}
	})
}

func TestAcceptAndHang(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		began := r.loop.Now()
		r.dialTo(1, r.listener.Addr().String(), func(d *Dial) { d.Timeout = 200 * time.Millisecond })
		p := r.accept()
		end := r.wantClosed(1, TimedOut)
		if took := end.At.Read - began; took < 200*time.Millisecond || took > 2*time.Second {
			t.Errorf("gave up after %v, want 200ms", took)
		}
		p.Close()
	})
}

func TestTLSThatNeverAnswers(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		if r.tls == nil {
			t.Skip("no TLS here")
		}
		r.dialTo(1, r.listener.Addr().String(), func(d *Dial) { d.Timeout = 200 * time.Millisecond })
		c, err := r.listener.Accept() // without its handshake
		if err != nil {
			t.Fatal(err)
		}
		r.wantClosed(1, TimedOut)
		c.Close()
		r.dialTo(2, r.listener.Addr().String(), func(d *Dial) { d.TLS = &TLS{} }) // certificate not trusted
		go func() {
			if c, err := r.listener.Accept(); err == nil {
				c.Read(make([]byte, 1))
				c.Close()
			}
		}()
		if end := r.wantClosed(2, Unreachable); !strings.Contains(end.Text, "certificate") {
			t.Errorf("told as %q", end.Text)
		}
	})
}

func TestServerResets(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.do(func() { r.conns[1].Send(OpText, []byte("unread")) })
		time.Sleep(5 * time.Millisecond)
		p.reset()
		r.wantClosed(1, Reset)

		p = r.connect(2)
		r.do(func() { r.conns[2].Send(OpText, []byte("unread")) })
		time.Sleep(5 * time.Millisecond)
		p.say(text("last words"))
		if r.tls == nil {
			p.Close() // with unread input: a reset after the last words
			r.wantText(2, "last words")
			r.wantClosed(2, Reset)
		}
	})
}

func TestServerCloseFrame(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		p.say(text("before") + frame(true, OpClose, "\x0f\xa0see you") + text("after"))
		r.wantText(1, "before")
		if end := r.wantClosed(1, CloseFrame); end.Code != 4000 || end.Text != "see you" {
			t.Errorf("ended %+v", end)
		}
		if op, body := p.hear(); op != OpClose || string(body) != "\x0f\xa0" {
			t.Errorf("answered with opcode %d %q", op, body)
		}
		p = r.connect(2)
		p.say(frame(true, OpClose, ""))
		if end := r.wantClosed(2, CloseFrame); end.Code != 0 {
			t.Errorf("ended %+v", end)
		}
		if rest, err := p.end(); err != nil || len(rest) != 6 {
			t.Errorf("heard %q %v after an empty close frame", rest, err)
		}
	})
}

func TestLocalClose(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		r.do(func() { r.conns[1].Close(1001, "going"); r.conns[1].Close(1000, "twice"); r.conns[1].Send(OpText, nil) })
		if op, body := p.hear(); op != OpClose || string(body) != "\x03\xe9going" {
			t.Fatalf("opcode %d %q", op, body)
		}
		p.say(text("still under way") + frame(true, OpClose, "\x03\xe8ok"))
		r.wantText(1, "still under way")
		if end := r.wantClosed(1, Local); end.Code != 1000 {
			t.Errorf("ended %+v", end)
		}
		if rest, err := p.end(); len(rest) != 0 || err != nil {
			t.Errorf("after the close handshake: %q %v", rest, err)
		}

		p = r.connect(2) // the server only hangs up
		r.do(func() { r.conns[2].Close(1000, "") })
		p.hear()
		p.Close()
		if end := r.wantClosed(2, Local); end.Code != 0 {
			t.Errorf("ended %+v", end)
		}

		p = r.connect(3) // the server does nothing
		began := r.loop.Now()
		r.do(func() { r.conns[3].Close(0, "") })
		end := r.wantClosed(3, Local)
		if took := end.At.Read - began; took < closeWait || took > closeWait+time.Second {
			t.Errorf("waited %v for the answer, want %v", took, closeWait)
		}
		p.Close()

		r.dialTo(4, r.listener.Addr().String(), nil) // before it is open
		p = r.accept()
		r.do(func() { r.conns[4].Close(1000, "") })
		r.wantClosed(4, Local)
		p.Close()
	})
}

func TestHalfClose(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		p.say(text("x"))
		r.wantText(1, "x")
		p.Conn.(interface{ CloseWrite() error }).CloseWrite()
		r.wantClosed(1, EOF)
	})
}

func TestStallAndResume(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		const n, size = 400, 64 << 10 // more than any socket buffers hold
		r.do(func() {
			for i := range n {
				r.conns[1].Send(OpBinary, bytes.Repeat([]byte{byte(i)}, size))
			}
		})
		time.Sleep(50 * time.Millisecond)
		p.say(text("still read"))
		r.wantText(1, "still read")
		for i := range n {
			if _, payload := p.hear(); len(payload) != size || payload[0] != byte(i) || payload[size-1] != byte(i) {
				t.Fatalf("message %d is not what was sent", i)
			}
		}
	})
}

func TestViolations(t *testing.T) {
	tests := []struct{ name, bytes, text string }{
		{"2^62 bytes", "\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00", "4611686018427387904"},
		{"highest bit", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "highest bit"},
		{"garbage", "\xff\xfe\xfd", "reserved bits"},
		{"plain HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "reserved bits"},
		{"RSV1, as if compressed", "\xc1\x00", "reserved bits"},
		{"reserved opcode", "\x83\x00", "opcode 0x3"},
		{"reserved control opcode", "\x8b\x00", "opcode 0xb"},
		{"masked", "\x81\x81abcda", "masked"},
		{"long ping", "\x89\x7e\x00\x7e", "over 125"},
		{"fragmented ping", "\x09\x00", "fragmented control"},
		{"stray continuation", "\x80\x00", "without a message"},
		{"nested message", "\x01\x00\x81\x00", "inside a fragmented"},
		{"length not minimal", "\x81\x7e\x00\x05", "shortest form"},
		{"length not minimal, 64 bits", "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05", "shortest form"},
		{"close of one byte", "\x88\x01a", "half a code"},
		{"close code 1005", frame(true, OpClose, "\x03\xed"), "1005"},
		{"close code 999", frame(true, OpClose, "\x03\xe7"), "999"},
		{"close reason", frame(true, OpClose, "\x03\xe8\xff"), "UTF-8"},
		{"text", text("ok\xed\xa0\x80"), "UTF-8"},
		{"text in fragments", frame(false, OpText, "a\xc3") + frame(true, OpContinuation, "a"), "UTF-8"},
		{"too long in sum", frame(false, OpBinary, strings.Repeat("x", 800)) + "\x00\x7e\x01\x00", "over the limit of 1000"},
	}
	onAllWith(t, Options{MaxMessage: 1000}, nil, func(t *testing.T, r *rig) {
		for i, tt := range tests {
			token := Token(i + 1)
			p := r.connect(token)
			p.say(text("fine"))
			p.say(tt.bytes)
			r.wantText(token, "fine")
			if end := r.wantClosed(token, Violation); !strings.Contains(end.Text, tt.text) {
				t.Errorf("%s: told as %q", tt.name, end.Text)
			}
			p.Close()
		}
	})
}

func TestSplitCharactersAreFine(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		p := r.connect(1)
		p.say(frame(false, OpText, "gr\xc3") + frame(false, OpContinuation, "") + frame(true, OpContinuation, "\xbcn"))
		r.wantText(1, "grün")
	})
}

func TestPostFromManyGoroutines(t *testing.T) {
	onAll(t, func(t *testing.T, r *rig) {
		const workers, each = 20, 500
		sum := 0 // only the loop touches it
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for range each {
					r.loop.Post(func() { sum++ })
				}
			})
		}
		group.Wait()
		r.do(func() {
			if sum != workers*each {
				t.Errorf("%d of %d were run", sum, workers*each)
			}
		})
	})
}

func TestTimersFireInOrder(t *testing.T) {
	const timers = 10_000
	var fired atomic.Int64
	var started atomic.Bool
	var problem chan string
	arm := func(r *rig) {
		problem = make(chan string, 1)
		fired.Store(0)
		started.Store(false)
		var w *Wheel
		var dues []time.Duration
		last := time.Duration(0)
		r.wakes = func(now time.Duration) time.Duration {
			if !started.Load() {
				return Never
			}
			if w == nil {
				w = NewWheel(now)
				for i := range timers {
					// 7919 is prime, so the keys are all over the 300 ms.
					dues = append(dues, now+time.Duration(i*7919%timers)*30*time.Microsecond)
					w.Set(int32(i), dues[i])
				}
			}
			w.Advance(now, func(key int32) {
				due := dues[key]
				if due > now || due/Tick+1 < last/Tick {
					select {
					case problem <- fmt.Sprintf("timer due %v at %v, after one of %v", due, now, last):
					default:
					}
				}
				last = due
				fired.Add(1)
			})
			if due, ok := w.Next(now); ok {
				return due
			}
			return Never
		}
	}
	onAllWith(t, Options{}, arm, func(t *testing.T, r *rig) {
		started.Store(true)
		r.do(func() {})
		for end := time.Now().Add(10 * time.Second); fired.Load() < timers && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		select {
		case p := <-problem:
			t.Fatal(p)
		default:
		}
		if fired.Load() != timers {
			t.Fatalf("%d of %d fired", fired.Load(), timers)
		}
	})
}

// A callback that changes a timer is heard although it does not wake the loop.
func TestWakeFollowsCallbacks(t *testing.T) {
	var woken chan time.Duration
	prepare := func(r *rig) {
		woken = make(chan time.Duration, 1)
		due := time.Duration(0)
		r.onMsg = func(Token, []byte) { due = r.loop.Now() + 30*time.Millisecond }
		r.wakes = func(now time.Duration) time.Duration {
			if due > 0 && now >= due {
				woken <- now - due
				due = 0
			}
			return due
		}
	}
	onAllWith(t, Options{}, prepare, func(t *testing.T, r *rig) {
		p := r.connect(1)
		p.say(text("x"))
		r.wantText(1, "x")
		select {
		case late := <-woken:
			if late > 100*time.Millisecond {
				t.Errorf("woken %v late", late)
			}
		case <-time.After(5 * time.Second):
			t.Error("not woken")
		}
	})
}

func TestStopReleasesEverything(t *testing.T) {
	for _, e := range engines {
		if e.bubble {
			continue // there, synctest itself fails on what remains
		}
		t.Run(e.name, func(t *testing.T) {
			goroutines, descriptors := runtime.NumGoroutine(), openFiles(t)
			var peers []*peer
			r := &rig{t: t, name: e.name, events: make(chan event, 1000), done: make(chan error, 1), conns: map[Token]Conn{}}
			e.setup(t, r, Options{})
			go func() { r.done <- r.loop.Run(r) }()
			for i := Token(1); i <= 10; i++ {
				peers = append(peers, r.connect(i))
			}
			// In every state in which a connection can be.
			r.dialTo(11, r.listener.Addr().String(), nil)
			peers = append(peers, r.accept())
			r.do(func() {
				r.conns[1].Fault(faultOf("abandon"))
				r.conns[2].Fault(faultOf("freeze"))
				r.conns[3].Fault(faultOf("slow"))
				r.conns[4].Fault(faultOf("fin"))
				r.conns[5].Fault(faultOf("cut"))
				r.conns[6].Close(1000, "")
				for range 200 {
					r.conns[7].Send(OpBinary, make([]byte, 64<<10)) // nobody reads
				}
				r.conns[2].Send(OpText, []byte("frozen"))
			})
			r.dialTo(12, "no.such.name.invalid:80", nil)
			time.Sleep(20 * time.Millisecond)
			r.stop()
			if s := r.loop.Stats(); s.Busy <= 0 {
				t.Errorf("never busy: %+v", s)
			}
			r.loop.Post(func() { t.Error("served after Stop") })
			r.loop.Stop()
			for _, p := range peers {
				p.Close()
			}
			for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				g, d := runtime.NumGoroutine(), openFiles(t)
				if g <= goroutines && d <= descriptors {
					break
				}
				if time.Now().After(end) {
					stacks := make([]byte, 1<<16)
					t.Fatalf("%d goroutines (%d before), %d descriptors (%d before)\n%s",
						g, goroutines, d, descriptors, stacks[:runtime.Stack(stacks, true)])
				}
			}
		})
	}
}

// openFiles counts descriptors, where that is possible.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// isReset says whether err is what a reader sees after RST.
func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
