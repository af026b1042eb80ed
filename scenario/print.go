package scenario

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// written is what Print shows as it stands in the file, so that nothing that
// came from the environment is ever printed.
type written struct {
	target  string
	headers []string
	rights  []string
	groups  []writtenGroup
}

type writtenGroup struct {
	arrive    string
	user      string
	token     bool
	more      [][2]string // further rows
	subscribe []string
	publish   []string
}

func (c *compiler) writtenForm() *written {
	w := &written{target: "embedded gateway"}
	t := c.s.Target
	if !c.plan.Target.Embedded {
		if c.o.Target != "" {
			w.target = redact(c.o.Target)
		} else {
			var urls []string
			for _, u := range t.URL {
				urls = append(urls, redact(string(u)))
			}
			w.target = strings.Join(urls, ", ")
		}
	}
	if t != nil {
		for _, h := range c.plan.Target.Headers {
			w.headers = append(w.headers, h.Name+": "+string(t.Headers[h.Name]))
		}
	}
	w.rights = c.writtenRoles()
	for i := range c.plan.Groups {
		w.groups = append(w.groups, c.writtenGroup(&c.plan.Groups[i]))
	}
	return w
}

func (c *compiler) writtenGroup(g *Group) writtenGroup {
	spec := c.s.Clients[g.Name]
	first, last := c.plan.Clients[g.First].Arrive, c.plan.Clients[g.First+g.Initial-1].Arrive
	curve := "linear"
	if spec.Arrive != nil {
		curve = or(spec.Arrive.Curve, curve)
	}
	w := writtenGroup{user: string(spec.User), token: spec.Token != ""}
	w.more = c.writtenRights(&spec, g)
	if spec.Will != nil {
		w.more = append(w.more, [2]string{"will", "to " + string(spec.Will.Channel)})
	}
	w.arrive = fmt.Sprintf("%s, from %s to %s", curve, short(first), short(last))
	for i, s := range spec.Subscribe {
		w.subscribe = append(w.subscribe, c.writtenSub(g, i, &s))
	}
	for _, pub := range c.plan.Clients[g.First].Pubs {
		p := &c.plan.Publishers[pub]
		s := p.entry.spec
		line := fmt.Sprintf("%s to %s", p.Name, s.Channel)
		if s.Name == "" {
			line = "to " + string(s.Channel)
		}
		if s.Rate.Given {
			line += fmt.Sprintf(", %s each, %s", perSecond(s.Rate.PerSecond), or(s.Arrivals, "constant"))
		} else {
			line += ", by moments only"
		}
		if s.Size.Given {
			line += ", " + s.Size.Text
		}
		if p.HTTP {
			line += ", over HTTP"
		} else if p.Ack {
			line += ", ack"
		}
		if p.Retain {
			line += ", retain"
		}
		if p.Priority != "" {
			line += ", " + p.Priority
		}
		if s.Key != "" {
			line += ", key " + string(s.Key)
		}
		line += ", start " + or(s.Start, "together")
		w.publish = append(w.publish, line)
	}
	return w
}

// Print writes the timetable for people, within 80 columns. The same file and
// seed give the same bytes; no secret, run id or absolute path is among them.
func (p *Plan) Print(out io.Writer) error {
	w := &printer{w: bufio.NewWriter(out)}
	w.line("%s   %s   seed %d", p.Name, filepath.Base(p.File), p.Seed)
	if p.About != "" {
		w.wrap("", p.About)
	}
	for _, s := range p.Set {
		w.wrap("--set ", s)
	}
	w.line("")
	p.printTarget(w)
	w.head("clients")
	for i := range p.Groups {
		p.printGroup(w, &p.Groups[i], &p.written.groups[i])
	}
	w.head("timeline   (from the end of the initial arrivals)")
	p.printTimeline(w)
	p.printNeeds(w)
	w.head("expect")
	w.columns(func(t io.Writer) {
		for i := range p.Expect {
			e := &p.Expect[i]
			note := e.limits()
			if e.Promised {
				note = strings.TrimPrefix(note+", promised", ", ")
			}
			fmt.Fprintf(t, "  %s\t%s\n", e.Name, note)
		}
	})
	w.head("peaks")
	p.printPeaks(w)
	if p.NeedsKey() {
		w.head("needs")
		w.line("  --jwt-key FILE or env:NAME, to sign tokens with")
	}
	return w.w.Flush()
}

func (p *Plan) printTarget(w *printer) {
	w.columns(func(t io.Writer) {
		fmt.Fprintf(t, "target\t%s, dialect %s\n", p.written.target, p.Target.Dialect)
		for _, h := range p.written.headers {
			fmt.Fprintf(t, "\theader %s\n", h)
		}
		if p.Target.Compression {
			fmt.Fprintf(t, "\tpermessage-deflate is offered\n")
		}
		if g := p.Target.Gateway; p.Target.Embedded {
			if g.Nodes > 1 {
				fmt.Fprintf(t, "\t%d nodes that share the channels\n", g.Nodes)
			}
			if g.Slow != "" {
				fmt.Fprintf(t, "\tslow consumers: %s\n", g.Slow)
			}
			if g.Limits.Backlog > 0 {
				fmt.Fprintf(t, "\tbacklog at most %s\n", bytesOf(float64(g.Limits.Backlog)))
			}
			if g.Priority {
				fmt.Fprintf(t, "\turgent messages overtake\n")
			}
			for _, x := range g.Transforms {
				fmt.Fprintf(t, "\ttransforms %s to %s\n", x.Channel, x.Payload)
			}
			for _, line := range p.written.rights {
				fmt.Fprintf(t, "\t%s\n", line)
			}
			if len(g.Defects) > 0 {
				fmt.Fprintf(t, "\tdefects: %s\n", strings.Join(g.Defects, ", "))
			}
		}
		q := p.Promises
		recovery := "no recovery"
		if q.Recovery {
			recovery = "recovery"
		}
		fmt.Fprintf(t, "promises\t%s, order %s, %s\n", or(q.Delivery, "nothing about delivery"), or(q.Order, "none"), recovery)
		if q.History.Size > 0 {
			fmt.Fprintf(t, "\thistory %s messages, %s\n", grouped(int64(q.History.Size)), short(q.History.TTL))
		} else {
			fmt.Fprintf(t, "\tno history\n")
		}
		q.printSessions(t)
		q.printShapes(t)
		q.printBatches(t)
		p.Target.Gateway.printRows(t)
		if q.Heartbeat.Every > 0 {
			fmt.Fprintf(t, "\theartbeat every %s, timeout %s\n", short(q.Heartbeat.Every), short(q.Heartbeat.Timeout))
		}
		fmt.Fprintf(t, "time\t%s of arrivals, %s active", short(p.Arrivals), short(p.Duration))
		if p.Warmup > 0 {
			fmt.Fprintf(t, " (%s of it warm-up)", short(p.Warmup))
		}
		fmt.Fprintf(t, ", drain at most %s\n", short(p.Drain.Most()))
		if p.Stop.Text != "" {
			fmt.Fprintf(t, "stop when\t%s\n", p.Stop.Text)
		}
	})
}

func (p *Plan) printGroup(w *printer, g *Group, form *writtenGroup) {
	more := ""
	if g.Count > g.Initial {
		more = ", later up to " + grouped(int64(g.Count))
	}
	w.line("  %s   %s%s", g.Name, plural(g.Initial, "client"), more)
	w.columns(func(t io.Writer) {
		row := func(name, format string, args ...any) {
			fmt.Fprintf(t, "    %s\t%s\n", name, fmt.Sprintf(format, args...))
		}
		row("arrive", "%s", form.arrive)
		if form.user != "" {
			row("user", "%s", form.user)
		}
		if form.token {
			row("token", "***")
		}
		for _, x := range form.more {
			row(x[0], "%s", x[1])
		}
		for _, s := range form.subscribe {
			row("subscribe", "%s", s)
		}
		for _, s := range form.publish {
			row("publish", "%s", s)
		}
		if r := g.Reconnect; r.Never {
			row("reconnect", "never")
		} else {
			attempts := "unlimited"
			if r.Attempts > 0 {
				attempts = fmt.Sprintf("%d attempts", r.Attempts)
			}
			row("reconnect", "first %s, max %s, factor %g, jitter %s, %s%s", short(r.First), short(r.Max), r.Factor, r.Jitter, attempts, p.nodeWord(r.Node))
		}
		if text := g.Session.text(); text != "" {
			row("session", "%s", text)
		}
		if g.Read > 0 {
			row("read", "%s", bytesPerSecond(g.Read))
		}
		if g.Linked {
			row("link", "%s", g.linkText)
		}
		if len(g.Fallback) > 0 {
			row("fallback", "%s", strings.Join(g.Fallback, ", then "))
		}
		if o := g.Outbox; o.Limit > 0 {
			row("outbox", "%s", o.String())
		}
		switch h := g.Heartbeat; {
		case h.Every > 0:
			row("heartbeat", "every %s, timeout %s", short(h.Every), short(h.Timeout))
		case h.Timeout > 0:
			row("heartbeat", "the dialect's, timeout %s", short(h.Timeout))
		default:
			row("heartbeat", "the dialect's")
		}
	})
}

func (p *Plan) printTimeline(w *printer) {
	if len(p.Moments) == 0 {
		w.line("  nothing happens")
		return
	}
	for i := range p.Moments {
		m := &p.Moments[i]
		at := short(m.At)
		if m.When != nil {
			at = "when"
		}
		w.wrap(fmt.Sprintf("  %8s  ", at), m.Summary)
		if len(m.Victims) == 0 {
			continue
		}
		first, last := m.Victims[0].Delay, m.Victims[0].Delay
		for _, v := range m.Victims {
			first, last = min(first, v.Delay), max(last, v.Delay)
		}
		line := fmt.Sprintf("%12s%s", "", plural(len(m.Victims), "client"))
		if last > first && m.When == nil {
			line += fmt.Sprintf(", first at %s, last at %s", short(m.At+first), short(m.At+last))
		}
		w.line("%s", line)
	}
}

func (p *Plan) printPeaks(w *printer) {
	k := &p.Peaks
	w.columns(func(t io.Writer) {
		fmt.Fprintf(t, "  connections\t%s\n", grouped(int64(k.Connections)))
		fmt.Fprintf(t, "  engine\t%s\n", k.Engine)
		fmt.Fprintf(t, "  memory\tabout %s for the connections\n", bytesOf(float64(k.ConnectionBytes)))
		fmt.Fprintf(t, "  published\t%s messages/s, %s in all\n", grouped(round(k.Published)), grouped(k.Publications))
		fmt.Fprintf(t, "  delivered\t%s messages/s, %s in all\n", grouped(round(k.Delivered)), grouped(k.Deliveries))
		fmt.Fprintf(t, "  ledger\t%s\n", bytesOf(float64(k.LedgerBytes)))
		fmt.Fprintf(t, "  descriptors\t%s\n", grouped(int64(k.Descriptors)))
		fmt.Fprintf(t, "  ports\t%s\n", grouped(int64(k.Ports)))
	})
}

func round(f float64) int64 { return int64(math.Round(f)) }

type printer struct{ w *bufio.Writer }

const width = 80

// line writes one line, cut to the width.
func (p *printer) line(format string, args ...any) {
	fmt.Fprintln(p.w, cut(fmt.Sprintf(format, args...)))
}

func cut(s string) string {
	s = strings.TrimRight(s, " ")
	if utf8.RuneCountInString(s) > width {
		return string([]rune(s)[:width-1]) + "…"
	}
	return s
}

func (p *printer) head(s string) {
	p.line("")
	p.line("%s", s)
}

// wrap writes prefix and text; further lines are indented by the prefix's width.
func (p *printer) wrap(prefix, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	line := prefix
	room := len(strings.Fields(text))
	for i, word := range strings.Fields(text) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			p.line("%s", line)
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	if room > 0 || prefix != "" {
		p.line("%s", line)
	}
}

// columns writes lines whose tabs are aligned.
func (p *printer) columns(fill func(t io.Writer)) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 1, 3, ' ', 0)
	fill(t)
	t.Flush()
	for line := range strings.Lines(b.String()) {
		p.line("%s", strings.TrimSuffix(line, "\n"))
	}
}

// short writes a duration as the language does, to the millisecond.
func short(d time.Duration) string {
	d = d.Round(time.Millisecond)
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(int64(n)) + " " + what + "s"
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func perSecond(r float64) string { return fmt.Sprintf("%g/s", math.Round(r*1000)/1000) }

func bytesPerSecond(r float64) string { return bytesOf(r) + "/s" }

func bytesOf(n float64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.3gGiB", n/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.3gMiB", n/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.4gKiB", n/(1<<10))
	}
	return fmt.Sprintf("%gB", math.Round(n))
}
