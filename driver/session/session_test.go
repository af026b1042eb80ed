package session

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

var update = flag.Bool("update", false, "rewrite the expected lines of the scripts")

// TestScripts plays the scripts of testdata: a line that begins with `>` is an
// input, the lines below it are everything that must follow from it. Channels
// and epochs are named by their numbers.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s plays as\n%s", file, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got  %q\n         want %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

type script struct {
	t   *testing.T
	s   Session
	cfg Config
	out Out
	now time.Duration
}

func play(t *testing.T, text string) string {
	p := &script{t: t}
	p.cfg = Config{
		Backoff:    Backoff{First: 100 * time.Millisecond, Max: time.Second, Factor: 2, Jitter: "none"},
		AckTimeout: 5 * time.Second, Ack: true, DialectPing: true,
	}
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			b.WriteString(line + "\n")
			continue
		}
		if !strings.HasPrefix(line, "> ") {
			continue // an old expectation
		}
		b.WriteString(line + "\n")
		p.out.Reset()
		p.input(strings.Fields(line[2:]))
		for _, e := range p.out.Events {
			b.WriteString("  " + tellEvent(e) + "\n")
		}
		for _, d := range p.out.Do {
			b.WriteString("  " + tellDo(d) + "\n")
		}
	}
	return b.String()
}

// input is one line: a verb, then key=value words; `at=` sets the clock.
func (p *script) input(words []string) {
	v := map[string]string{}
	for _, w := range words[1:] {
		k, val, _ := strings.Cut(w, "=")
		v[k] = val
	}
	num := func(k string) uint64 {
		n, err := strconv.ParseUint(v[k], 10, 64)
		if v[k] != "" && err != nil {
			p.t.Fatalf("%s: %v", words, err)
		}
		return n
	}
	span := func(k string, none time.Duration) time.Duration {
		if v[k] == "" {
			return none
		}
		d, err := time.ParseDuration(v[k])
		if err != nil {
			p.t.Fatalf("%s: %v", words, err)
		}
		return d
	}
	p.now = span("at", p.now)
	m := dialect.Message{
		ID: num("id"), Offset: num("offset"), Code: int(num("code")), Reason: []byte(v["reason"]),
		Quality: dialect.Quality(num("quality")), Window: int(num("window")), KeepAlive: span("keep-alive", 0),
	}
	in := Incoming{Message: &m, Now: p.now, Arrived: p.now, Channel: history.ChannelID(num("channel"))}
	if e, ok := v["epoch"]; ok {
		m.Epoch, m.Positioned = []byte(e), true
		in.Epoch = history.EpochID(num("epoch"))
	}
	_, m.Recovering = v["recovering"]
	_, m.Recovered = v["recovered"]
	_, m.Replay = v["replay"]
	_, m.Retained = v["retained"]
	_, m.Resumed = v["resumed"]
	m.Began = num("began")
	_, m.Denied = v["denied"]
	_, m.Vague = v["vague"]
	if _, ok := v["offset"]; ok {
		m.Positioned = true
	}
	say := func(k dialect.Kind) {
		m.Kind = k
		p.s.Message(&in, &p.out)
	}
	switch words[0] {
	case "client":
		p.cfg.Heartbeat = span("heartbeat", 0)
		p.cfg.Quality, p.cfg.LastID = dialect.Quality(num("quality")), num("last-id")
		_, p.cfg.ProbeByPing = v["probe-by-ping"]
		_, p.cfg.Leaves = v["leaves"]
		_, p.cfg.Refused = v["refused"]
		if _, ok := v["fallback"]; ok {
			p.cfg.Fallback = []history.Transport{history.EventStream, history.LongPoll}
		}
		p.cfg.Backoff.Attempts = int(num("attempts"))
		_, p.cfg.Backoff.Never = v["never"]
		var subs []Sub
		for _, s := range strings.Split(v["subs"], ",") {
			if s != "" {
				name, how, _ := strings.Cut(s, ":")
				n, _ := strconv.Atoi(name)
				subs = append(subs, Sub{Channel: history.ChannelID(n), Recover: how == "recover" || how == "rows", Rows: how == "rows", Kept: how == "kept", Pattern: how == "pattern", Refused: how == "refused", Watch: how == "watch", Quality: p.cfg.Quality})
			}
		}
		pubs := make([]int32, num("pubs"))
		for i := range pubs {
			pubs[i] = int32(100 + i)
		}
		p.s.Init(&p.cfg, 7, subs, pubs)
		_, named := v["session"]
		p.s.NameSession(named)
	case "start":
		p.s.Start(p.now, p.now, &p.out)
	case "tick":
		p.s.Tick(p.now, &p.out)
	case "opened":
		p.s.Opened(p.now, &p.out)
	case "connected":
		m.HeartbeatEvery, m.WantsPong = span("heartbeat", 0), true
		say(dialect.Connected)
	case "subscribed":
		say(dialect.Subscribed)
	case "granted":
		m.Channel = []byte(v["channel"])
		say(dialect.Granted)
	case "unsubscribed":
		say(dialect.Unsubscribed)
	case "published":
		say(dialect.Published)
	case "error":
		say(dialect.Error)
	case "deliver":
		in.Flags = history.FlagStamped
		if _, ok := v["fence"]; ok {
			in.Flags |= history.FlagFence
		}
		in.Publisher, in.Incarnation, in.Seq = 100, 1, num("seq")
		say(dialect.Delivered)
	case "present":
		for _, m := range strings.Split(v["members"], ",") {
			n, _ := strconv.Atoi(m)
			in.Members = append(in.Members, history.MemberID(n))
		}
		say(dialect.Present)
	case "joined", "left":
		in.Member = history.MemberID(num("member"))
		say(map[string]dialect.Kind{"joined": dialect.Joined, "left": dialect.Left}[words[0]])
	case "row":
		in.Publisher, in.Incarnation, in.Seq, in.Flags = 100, 1, num("seq"), history.FlagStamped
		say(dialect.Row)
	case "snapshot":
		_, m.Last = v["last"]
		say(dialect.Snapshot)
	case "ask-who":
		n := p.s.AskWho(p.now, &p.out)
		p.out.Events = append(p.out.Events, history.Event{Kind: history.Say, Note: fmt.Sprintf("asks of %d", n)})
	case "asking":
		p.out.Events = append(p.out.Events, history.Event{Kind: history.Say, Note: fmt.Sprint(p.s.Asking())})
	case "gap":
		say(dialect.Gapped)
	case "ping":
		say(dialect.Pinged)
	case "ponged":
		say(dialect.Ponged)
	case "received":
		say(dialect.Received)
	case "released":
		say(dialect.Released)
	case "pong":
		p.s.Pong(p.now, &p.out)
	case "probe":
		p.s.Probe(p.now, &p.out)
	case "closed":
		l := Loss{Who: history.Server, Note: v["reason"], Code: int32(num("code")), Away: span("away", -1)}
		if l.Away >= 0 {
			l.Who, l.Excused = history.Fault, true
		}
		_, l.Refused = v["refused"]
		_, l.NoUpgrade = v["no-upgrade"]
		if _, l.Blocked = v["blocked"]; l.Blocked {
			l.Refused, l.NoUpgrade, l.Excused = true, true, true
		}
		p.s.Closed(l, p.now, &p.out)
	case "publish":
		_, noack := v["noack"]
		p.s.Publish(int(num("pub")), in.Channel, p.now, p.now, !noack, &p.out)
	case "keyed": // the publication just made may be sent again
		p.s.Repeats(int64(num("k")))
	case "again":
		for {
			if _, ok := p.s.Repeat(p.now, &p.out); !ok {
				break
			}
		}
	case "fence":
		p.s.Fence(int(num("pub")), in.Channel, p.now, &p.out)
	case "slow":
		p.s.Slow(span("until", 0))
	case "freeze":
		p.s.Freeze()
	case "thaw":
		p.s.Thaw(p.now)
	case "mute":
		p.s.Mute(Acks, span("until", 0))
	case "unmute":
		_, all := v["all"]
		if p.s.Unmute(Acks, p.now, all, &p.out) {
			p.out.Events = append(p.out.Events, history.Event{Kind: history.Say, Note: "unmuted"})
		}
	case "forget":
		p.s.Forget()
	case "finish":
		p.s.Finish(&p.out)
	case "leave":
		p.s.Leave()
	case "renew":
		p.s.Renew()
	case "revoke":
		p.s.Revoke()
	case "revoked":
		p.s.Revoked()
	case "unread":
		p.out.Events = append(p.out.Events, history.Event{Kind: history.Say, Note: fmt.Sprint(p.s.Unread())})
	case "state":
		e := fmt.Sprintf("%s life=%d complete=%v pending=%d", p.s.State(), p.s.Life(), p.s.Complete(), p.s.Pending())
		if p.s.Full() {
			e += " full"
		}
		if p.s.Aside() {
			e += " aside"
		}
		if d, ok := p.s.Deadline(); ok {
			e += " deadline=" + d.String()
		}
		p.out.Events = append(p.out.Events, history.Event{Kind: history.Say, Note: e})
	default:
		p.t.Fatalf("unknown input %q", words[0])
	}
}

var kinds = map[history.Kind]string{
	history.Dial: "dial", history.Open: "open", history.Refused: "refused", history.Connected: "connected",
	history.Ready: "ready", history.Resynced: "resynced", history.Closed: "closed", history.Subscribe: "subscribe",
	history.Subscribed: "subscribed", history.Unsubscribed: "unsubscribed", history.Gap: "gap",
	history.Publish: "publish", history.Outcome: "outcome", history.Missed: "missed", history.Deliver: "deliver",
	history.Beat: "beat", history.Probe: "probe", history.Pinged: "pinged", history.Pinging: "pinging", history.Problem: "problem", history.Denied: "denied", history.Retained: "retained",
	history.Present: "present", history.Member: "member", history.Joined: "joined", history.Left: "left",
	history.Row: "row", history.Snapshot: "snapshot",
}

func tellEvent(e history.Event) string {
	if e.Kind == history.Say {
		return e.Note
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tell %s life=%d", kinds[e.Kind], e.Life)
	switch e.Kind {
	case history.Denied, history.Subscribe, history.Subscribed, history.Unsubscribed, history.Gap, history.Deliver, history.Retained, history.Publish, history.Outcome, history.Missed, history.Row, history.Snapshot:
		fmt.Fprintf(&b, " channel=%d", e.Channel)
	}
	if e.Has(history.FlagPositioned) || e.Has(history.FlagRecover) {
		fmt.Fprintf(&b, " at=%d/%d", e.Epoch, e.Offset)
	}
	switch e.Kind {
	case history.Present:
		fmt.Fprintf(&b, " channel=%d of %d", e.Channel, e.Code)
	case history.Member, history.Joined, history.Left:
		fmt.Fprintf(&b, " channel=%d member=%d", e.Channel, e.Epoch)
	case history.Publish, history.Outcome, history.Deliver, history.Retained, history.Row:
		fmt.Fprintf(&b, " msg=%d.%d.%d", e.Publisher, e.Incarnation, e.Seq)
	}
	if e.Kind == history.Outcome {
		fmt.Fprintf(&b, " %s", [...]string{"unknown", "ok", "failed"}[e.Result])
	}
	for _, f := range []struct {
		f    history.Flags
		name string
	}{{history.FlagReplay, "replay"}, {history.FlagFence, "fence"}, {history.FlagRecovering, "recovering"}, {history.FlagRecovered, "recovered"}, {history.FlagExcused, "excused"}, {history.FlagSession, "session"}, {history.FlagResumed, "resumed"}, {history.FlagKept, "kept"}, {history.FlagRetry, "retry"}, {history.FlagForbidden, "forbidden"}, {history.FlagServer, "server"}, {history.FlagOverdue, "overdue"}, {history.FlagPresence, "presence"}, {history.FlagRows, "rows"}} {
		if e.Has(f.f) {
			b.WriteString(" " + f.name)
		}
	}
	if e.Due != 0 && e.Kind != history.Publish && e.Kind != history.Outcome {
		fmt.Fprintf(&b, " due=%s", e.Due)
	}
	if (e.Kind == history.Dial || e.Kind == history.Open) && e.Offset > 0 {
		fmt.Fprintf(&b, " by %s", history.Transport(e.Offset))
	}
	if e.Note != "" {
		fmt.Fprintf(&b, " %q", e.Note)
	}
	return b.String()
}

func tellDo(d Do) string {
	switch d.Kind {
	case Dial:
		return "do dial"
	case WirePing:
		return "do ping"
	case Close:
		return fmt.Sprintf("do close %d %q", d.Code, d.Reason)
	case Completed:
		return "do arrived"
	}
	c := d.Command
	s := fmt.Sprintf("do send %s id=%d", [...]string{"", "connect", "subscribe", "unsubscribe", "publish", "ping", "pong", "confirm", "receive", "release", "complete", "leave", "garbage", "nonsense", "who"}[c.Verb], c.ID)
	if c.Named {
		s += fmt.Sprintf(" session keep=%v fresh=%v received=%d", c.Keep, c.Fresh, c.Received)
		if c.Began > 0 {
			s += fmt.Sprintf(" began=%d", c.Began)
		}
	}
	if c.Verb == dialect.Subscribe {
		s += fmt.Sprintf(" channel=%d", c.Channel)
		if c.Recover {
			s += fmt.Sprintf(" from=%d/%d", c.Epoch, c.Offset)
		}
	}
	return s
}
