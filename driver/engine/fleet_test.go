package engine

import (
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/engine/memory"
)

// Thousands of connections in a bubble: minutes pass in no time.
func TestManyInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, minutes = 2000, 3
		var n memory.Network
		l, err := n.Listen("gateway")
		if err != nil {
			t.Fatal(err)
		}
		request, accept := UpgradeRequest("gateway", "/", nil, "", key)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go talk(c, len(request), minutes)
			}
		}()
		h := &tally{loop: NewMemory(&n, Options{}), ends: map[Cause]int{}, want: clients}
		h.loop.Post(func() {
			for i := range clients {
				h.loop.Dial(Token(i+1), &Dial{Address: "gateway", Request: request, Accept: accept})
			}
		})
		if err := h.loop.Run(h); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if h.messages != clients*minutes || h.ends[CloseFrame] != clients {
			t.Errorf("%d messages, ends %v", h.messages, h.ends)
		}
		if now := h.loop.Now(); now < minutes*time.Minute {
			t.Errorf("all over after %v", now)
		}
	})
}

// talk says something each minute, then goodbye.
func talk(c net.Conn, request, minutes int) {
	defer c.Close()
	io.ReadFull(c, make([]byte, request))
	io.WriteString(c, goodAnswer())
	for i := range minutes {
		time.Sleep(time.Minute)
		io.WriteString(c, text(fmt.Sprint(i)))
	}
	io.WriteString(c, frame(true, OpClose, ""))
	io.Copy(io.Discard, c)
}

// tally counts, and stops the loop when all have ended.
type tally struct {
	loop     Loop
	messages int
	ends     map[Cause]int
	want     int
}

func (h *tally) Open(Token, Stamp)                  {}
func (h *tally) Message(Token, byte, []byte, Stamp) { h.messages++ }
func (h *tally) Wake(time.Duration) time.Duration   { return 0 }
func (h *tally) Closed(_ Token, e End) {
	h.ends[e.Cause]++
	if h.want--; h.want == 0 {
		h.loop.Stop()
	}
}
