package report

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// drive shows a run of 2,000 clients once a second.
func drive(l *Live) {
	p := Progress{Phase: "arrivals", At: -4 * time.Second, Of: 20 * time.Second, Clients: 2040}
	for ; p.At < 24*time.Second; p.At += time.Second {
		switch {
		case p.At == 0:
			p.Phase, p.Connected, p.Ready = "active", 2040, 2040
		case p.At == 6*time.Second:
			p.Ready, p.Connected, p.Lag = 1240, 1302, 8*time.Millisecond
		case p.At == 9*time.Second:
			p.Ready, p.Connected, p.Lag = 2040, 2040, 90*time.Microsecond
		case p.At == 20*time.Second:
			p.Phase = "drain"
		case p.At > 0 && p.At < 20*time.Second:
			p.Published += 200
			p.Delivered += 10_000
		}
		l.Show(p)
		time.Sleep(time.Second)
	}
}

func TestLivePlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		l := NewLive(&b, Style{}, false)
		drive(l)
		l.End()
		golden(t, "live-plain.txt", b.Bytes())
	})
}

// On a terminal the line is rewritten in place, fits, and is gone at the end.
func TestLiveTerminal(t *testing.T) {
	for _, width := range []int{40, 60, 80, 120} {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			l := NewLive(&b, Style{Width: width}, true)
			drive(l)
			l.Line("a line of its own\x1b[2J")
			drive(l)
			l.End()
			if strings.Count(b.String(), "\r") != strings.Count(b.String(), eraseRest) {
				t.Errorf("at %d columns a line is rewritten without erasing the old one", width)
			}
			text := strings.ReplaceAll(b.String(), eraseRest, "")
			before, after, _ := strings.Cut(text, "a line of its own�[2J\n")
			if strings.Contains(before, "\n") || strings.Contains(after, "\n") {
				t.Errorf("at %d columns the live line breaks", width)
			}
			frames := strings.Split(text, "\r")
			for _, f := range frames {
				if columns(f) >= width {
					t.Errorf("at %d columns: %q has %d", width, f, columns(f))
				}
			}
			if frames[len(frames)-1] != "" {
				t.Errorf("at %d columns the end leaves %q", width, frames[len(frames)-1])
			}
			if width == 80 {
				golden(t, "live-terminal.txt", []byte(strings.ReplaceAll(strings.TrimRight(before, "\r "), "\r", "\n")+"\n"))
			}
		})
	}
}
