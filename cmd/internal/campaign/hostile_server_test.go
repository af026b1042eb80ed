package campaign

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"squall/driver/engine/memory"
	"squall/driver/gateway"
)

// fake serves one raw connection; when it returns the connection is closed.
type fake func(c net.Conn)

// world is where hostile targets live: a listener whose connections a fake
// serves, on an in-memory network or on loopback.
type world struct {
	net   memory.Network
	began time.Time
	over  chan struct{} // closed when the run has ended
	group sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	accepted int
	inner    *gateway.Gateway
}

// fakeAddress is where a fake listens on a world's network.
const fakeAddress = "target:80"

func newWorld() *world {
	return &world{began: time.Now(), over: make(chan struct{}), conns: make(map[net.Conn]bool)}
}

// listen serves every connection of l with f.
func (w *world) listen(l net.Listener, f fake) {
	w.mu.Lock()
	w.listener = l
	w.mu.Unlock()
	w.group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conns[c] = true
			w.accepted++
			w.mu.Unlock()
			w.group.Go(func() {
				f(c)
				c.Close()
				w.mu.Lock()
				delete(w.conns, c)
				w.mu.Unlock()
			})
		}
	})
}

// serve opens the listener on the network.
func (w *world) serve(f fake) {
	l, err := w.net.Listen(fakeAddress)
	if err != nil {
		panic(err)
	}
	w.listen(l, f)
}

// leave closes the listener and resets every connection: the server is gone.
func (w *world) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != nil {
		w.listener.Close()
	}
	for c := range w.conns {
		if r, ok := c.(interface{ Reset() }); ok {
			r.Reset()
		} else {
			c.Close()
		}
	}
}

// end joins everything.
func (w *world) end() {
	close(w.over)
	w.leave()
	if w.inner != nil {
		w.inner.Close()
	}
	w.group.Wait()
}

// age is the time since the world was made.
func (w *world) age() time.Duration { return time.Since(w.began) }

// hang accepts, takes what comes, and says nothing.
func hang(c net.Conn) { io.Copy(io.Discard, c) }

// deaf neither reads nor writes.
func (w *world) deaf(c net.Conn) { <-w.over }

// banner speaks first, whoever comes.
func banner(text string) fake {
	return func(c net.Conn) {
		io.WriteString(c, text)
		hang(c)
	}
}

// answers reads a request and answers it.
func answers(text string) fake {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		io.WriteString(c, text)
	}
}

// refuses answers each upgrade with an HTTP status.
func refuses(status int, body string) fake {
	return answers(fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), len(body), body))
}

// peer is one accepted WebSocket connection, by hand.
type peer struct {
	net.Conn
	in *bufio.Reader
}

// upgraded accepts each upgrade and goes on with f.
func upgraded(f func(p *peer)) fake {
	return func(c net.Conn) {
		p := &peer{c, bufio.NewReader(c)}
		r, err := http.ReadRequest(p.in)
		if err != nil {
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		more := ""
		if name := r.Header.Get("Sec-WebSocket-Protocol"); name != "" {
			more = "Sec-WebSocket-Protocol: " + name + "\r\n"
		}
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n", base64.StdEncoding.EncodeToString(sum[:]), more)
		f(p)
	}
}

// frame is one unmasked frame.
func frame(opcode byte, payload []byte) []byte {
	b := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// say sends one text message.
func (p *peer) say(text string) bool {
	_, err := p.Write(frame(1, []byte(text)))
	return err == nil
}

// hear reads one frame, unmasked.
func hear(in *bufio.Reader) (opcode byte, payload []byte, err error) {
	var h [14]byte
	if _, err = io.ReadFull(in, h[:2]); err != nil {
		return 0, nil, err
	}
	size, mask := int(h[1]&0x7f), h[1]&0x80 != 0
	switch size {
	case 126:
		_, err = io.ReadFull(in, h[2:4])
		size = int(binary.BigEndian.Uint16(h[2:4]))
	case 127:
		_, err = io.ReadFull(in, h[2:10])
		size = int(binary.BigEndian.Uint64(h[2:10]))
	}
	if err == nil && mask {
		_, err = io.ReadFull(in, h[10:14])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(in, payload)
	for i := range payload {
		if mask {
			payload[i] ^= h[10+i%4]
		}
	}
	return h[0] & 0x0f, payload, err
}

// commands calls f with every text message until the connection ends or f says no.
func (p *peer) commands(f func(text []byte) bool) {
	for {
		opcode, payload, err := hear(p.in)
		if err != nil || opcode == 8 || opcode == 1 && !f(payload) {
			return
		}
	}
}

// inside starts a correct gateway, for relays, and returns how to reach it.
func (w *world) inside() func() (net.Conn, error) {
	g, err := gateway.New(gateway.Config{Seed: 1})
	if err != nil {
		panic(err)
	}
	l, err := w.net.Listen("inside:1")
	if err != nil {
		panic(err)
	}
	w.inner = g
	w.group.Go(func() { g.Serve(l) })
	return func() (net.Conn, error) { return w.net.Dial("inside:1") }
}

// relay passes everything between its clients and a correct gateway. What the
// gateway says goes through pass, which writes, and says whether to go on.
func (w *world) relay(pass func(c net.Conn, frame []byte) bool) fake {
	return w.relayTo(0, pass)
}

// relayTo is relay, but the clients are no longer listened to once the world is
// deafAt old; 0: always.
func (w *world) relayTo(deafAt time.Duration, pass func(c net.Conn, frame []byte) bool) fake {
	dial := w.inside()
	return func(c net.Conn) {
		server, err := dial()
		if err != nil {
			return
		}
		defer server.Close()
		w.group.Go(func() {
			defer server.Close()
			buf := make([]byte, 4<<10)
			for {
				n, err := c.Read(buf)
				if deafAt > 0 && w.age() >= deafAt {
					<-w.over
				}
				if n > 0 {
					server.Write(buf[:n])
				}
				if err != nil {
					return
				}
			}
		})
		in := bufio.NewReader(server)
		var head bytes.Buffer
		for !strings.HasSuffix(head.String(), "\r\n\r\n") {
			b, err := in.ReadByte()
			if err != nil {
				return
			}
			head.WriteByte(b)
		}
		c.Write(head.Bytes())
		for {
			opcode, payload, err := hear(in)
			if err != nil || !pass(c, frame(opcode, payload)) {
				return
			}
		}
	}
}

// late passes everything on after delay, in order.
func (w *world) late(delay time.Duration) fake {
	type parcel struct {
		c     net.Conn
		frame []byte
		at    time.Time
	}
	var mu sync.Mutex
	lines := make(map[net.Conn]chan parcel)
	return w.relay(func(c net.Conn, frame []byte) bool {
		mu.Lock()
		line := lines[c]
		if line == nil {
			line = make(chan parcel, 1<<16)
			lines[c] = line
			w.group.Go(func() {
				for {
					select {
					case x := <-line:
						time.Sleep(time.Until(x.at))
						if _, err := x.c.Write(x.frame); err != nil {
							return
						}
					case <-w.over:
						return
					}
				}
			})
		}
		mu.Unlock()
		line <- parcel{c, frame, time.Now().Add(delay)}
		return true
	})
}

// trickle writes b byte by byte, one every pause.
func trickle(c net.Conn, b []byte, pause time.Duration) bool {
	for i := range b {
		if _, err := c.Write(b[i : i+1]); err != nil {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
