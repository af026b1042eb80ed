package driver

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"squall/assert/history"
)

// trace writes the states of the traced client; its frames are written by
// traceFrame. Deliveries are left to their frames.
func (f *fleet) trace(e *history.Event) {
	var b strings.Builder
	fmt.Fprintf(&b, "%9.3f  #%d  ", e.Seen.Seconds(), e.Life)
	switch e.Kind {
	case history.Dial:
		b.WriteString("dialing")
	case history.Open:
		b.WriteString("upgrade accepted")
	case history.Connected:
		b.WriteString("connected")
	case history.Ready:
		fmt.Fprintf(&b, "ready, %s after it wanted in", (e.Seen - e.Due).Round(time.Millisecond))
	case history.Resynced:
		fmt.Fprintf(&b, "resynced, %s after it wanted back", (e.Seen - e.Due).Round(time.Millisecond))
	case history.Refused:
		fmt.Fprintf(&b, "refused: %d %s", e.Code, e.Note)
	case history.Closed:
		fmt.Fprintf(&b, "closed by %s", [...]string{"nobody", "the server", "a fault", "the client"}[e.Who])
		if e.Code != 0 {
			fmt.Fprintf(&b, " with %d", e.Code)
		}
		if e.Note != "" {
			b.WriteString(": " + e.Note)
		}
	case history.FaultBegin:
		fmt.Fprintf(&b, "fault: %s", e.Note)
	case history.FaultEnd:
		fmt.Fprintf(&b, "fault over: %s", e.Note)
	case history.Denied:
		fmt.Fprintf(&b, "denied: %d %s", e.Code, e.Note)
	case history.Problem:
		fmt.Fprintf(&b, "problem: %d %s", e.Code, e.Note)
	case history.Missed:
		b.WriteString("a publication was due while away")
	default:
		return
	}
	f.cfg.Trace(b.String())
}

// traceFrame writes one message as it went over the wire, at most 2,000 bytes of
// it, without the token.
func (f *fleet) traceFrame(verb string, life int32, payload []byte, secret string, at time.Duration) {
	text := f.masked(string(payload))
	if secret != "" {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if f.about.Binary {
		text = strconv.QuoteToASCII(text)
	}
	if len(text) > 2000 {
		text = fmt.Sprintf("%s… (%d bytes)", text[:2000], len(payload))
	}
	f.cfg.Trace(fmt.Sprintf("%9.3f  #%d  %s  %s", at.Seconds(), life, verb, strings.TrimRight(text, "\n")))
}

func masker(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "***")
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	return strings.NewReplacer(pairs...)
}

// masked is text without secrets: a target may repeat what it was told.
func (f *fleet) masked(text string) string {
	if f.mask == nil {
		return text
	}
	return f.mask.Replace(text)
}
