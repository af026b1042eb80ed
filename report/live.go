package report

import (
	"io"
	"strings"
	"sync"
	"time"
)

// Progress is how far a run is.
type Progress struct {
	Phase     string        // arrivals, active, drain, fences, probe
	At        time.Duration // since time 0; negative during the arrivals
	Of        time.Duration // planned length of the active part
	Connected int
	Clients   int
	Ready     int // connected and subscribed
	Published int64
	Delivered int64
	Errors    int64
	Lag       time.Duration // largest since the last one
}

// plainEvery is how often Live writes a line where lines can't be rewritten.
const plainEvery = 5 * time.Second

// eraseRest clears from the cursor to the end of the line (ECMA-48, EL), with
// what the terminal itself may have put there, such as ^C.
const eraseRest = "\x1b[K"

// Live shows Progress while a run goes on: on a terminal one line that is
// rewritten, elsewhere a plain line at every new phase and every five seconds.
// Methods may be called from any goroutine. Errors of the writer are ignored:
// a closed terminal must not end a run.
type Live struct {
	style    Style
	terminal bool

	mu    sync.Mutex
	w     io.Writer
	shown bool // a line stands there now
	phase string
	last  time.Time
	lag   time.Duration // largest since the last line
}

// NewLive writes to w. On a terminal style.Width is its width.
func NewLive(w io.Writer, style Style, terminal bool) *Live {
	return &Live{w: w, style: style, terminal: terminal}
}

// Show shows p.
func (l *Live) Show(p Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lag = max(l.lag, p.Lag)
	p.Lag = l.lag
	if l.terminal {
		l.lag = 0
		// The last column stays free: some terminals wrap as soon as it is filled.
		io.WriteString(l.w, "\r"+l.style.progress(&p, l.style.width()-1)+eraseRest)
		l.shown = true
		return
	}
	now := time.Now()
	if p.Phase == l.phase && now.Sub(l.last) < plainEvery-100*time.Millisecond { // calls come once a second, not to the nanosecond
		return
	}
	l.phase, l.last, l.lag = p.Phase, now, 0
	io.WriteString(l.w, l.style.progress(&p, l.style.width())+"\n")
}

// Line writes a line of its own, above the live line.
func (l *Live) Line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	io.WriteString(l.w, l.style.Clean(text)+"\n")
}

// End takes the live line away; what is written next begins on a clean line.
func (l *Live) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
}

func (l *Live) erase() {
	if l.shown {
		io.WriteString(l.w, "\r"+eraseRest)
		l.shown = false
	}
}

// progress is one line: publications out, deliveries in, errors that nothing
// excuses, the generator's lag. What matters least goes when it gets narrow.
func (s Style) progress(p *Progress, width int) string {
	front := pad(p.Phase, 8) + " " + padLeft(seconds(p.At), 3)
	if p.Phase == "active" && p.Of > 0 {
		front += "/" + seconds(p.Of)
	}
	front += "s"
	ready := short(p.Ready) + "/" + short(p.Clients) + " ready"
	if p.Connected > p.Ready {
		ready += " (+" + short(p.Connected-p.Ready) + ")" // connected, not yet subscribed
	}
	items := []struct {
		rank int // 0 stays longest
		text string
	}{
		{0, front}, {1, ready}, {4, "out " + short(p.Published)}, {2, "in " + short(p.Delivered)},
		{3, "err " + short(p.Errors)}, {5, "lag " + s.span(p.Lag)},
	}
	for keep := len(items); keep > 1; keep-- {
		var parts []string
		for _, item := range items {
			if item.rank < keep {
				parts = append(parts, item.text)
			}
		}
		if line := strings.Join(parts, "  "); columns(line) <= width {
			return line
		}
	}
	return s.cut(front, width)
}

// seconds writes whole seconds: 12, -3.
func seconds(d time.Duration) string { return count(int64(d.Truncate(time.Second) / time.Second)) }
