package gateway

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// FuzzEvents: whatever messages are written as frames, they are the data of as many events,
// but for line breaks, which are one line feed each; nothing in them can begin another
// event, and nothing follows a close.
func FuzzEvents(f *testing.F) {
	f.Add("{}", "a\nb", uint16(1000), "bye")
	f.Add("\n\nevent: close\ndata: 1", "\r\n\r", uint16(4009), "x")
	f.Fuzz(func(t *testing.T, one, two string, code uint16, reason string) {
		if strings.ContainsAny(reason, "\r\n") || len(reason) > 100 || code < 1000 {
			return
		}
		frames := func(messages ...string) (all []byte) {
			for _, m := range messages {
				all = append(all, ws.MustCompileFrame(ws.NewTextFrame([]byte(m)))...)
			}
			return all
		}
		last := ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(code), reason)))
		text, closed := events(nil, append(append(frames(one, two), last...), frames("late")...))
		if !closed {
			t.Fatal("a close frame is not seen")
		}
		var got []string
		for block := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n\n")), []byte("\n\n")) {
			kind, data := "", []string(nil)
			for line := range strings.SplitSeq(string(block), "\n") {
				name, value, _ := strings.Cut(line, ": ")
				switch name {
				case "data":
					data = append(data, value)
				case "event":
					kind = value + "|"
				default:
					t.Fatalf("the line %q in %q", line, text)
				}
			}
			got = append(got, kind+strings.Join(data, "\n"))
		}
		lines := strings.NewReplacer("\r", "\n")
		want := []string{lines.Replace(one), lines.Replace(two), "close|" + strconv.Itoa(int(code)) + " " + reason}
		if strings.Join(got, "\x00") != strings.Join(want, "\x00") {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
