package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"squall/assert"
)

// Text writes the summary of a run for people: the verdict, one line per
// expectation, latency, returns, errors, traffic, the generator, then the
// evidence of each failure, and what the exit code means. It writes once.
func Text(w io.Writer, r *Result, style Style) error {
	p := &page{Style: style}
	p.head(r)
	p.expectations(r.Verdicts)
	p.latency(r.Latency)
	p.returns(&r.Returns)
	p.errors(r.Errors)
	p.facts(r)
	p.notes(r.Notes)
	p.commands(r)
	p.failures(r)
	p.server(r)
	p.blank()
	code, c := r.headline()
	p.hang(p.paint(c, code)+"  ", len(code)+2, r.closing())
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// page collects lines. Layout is done on plain text; colour is added to pieces
// whose width is already spent.
type page struct {
	Style
	out bytes.Buffer
}

func (p *page) line(text string) {
	p.out.WriteString(strings.TrimRight(text, " "))
	p.out.WriteByte('\n')
}

// blank ends a section.
func (p *page) blank() { p.line("") }

// hang writes prefix and text, with the following lines under the text. indent
// is the width of prefix, which may hold colour. The text is made clean here.
func (p *page) hang(prefix string, indent int, text string) {
	p.under(prefix, indent, wrap(p.Clean(text), p.width()-indent))
}

// under writes lines that are already broken, the first after prefix.
func (p *page) under(prefix string, indent int, lines []string) {
	for i, l := range lines {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		p.line(prefix + l)
	}
}

// label is the width of the words in front of sections.
const label = 11

// section writes name in the margin and items beside it, as many as fit in a line.
func (p *page) section(name string, items []string) {
	for i := range items {
		items[i] = p.Clean(items[i])
	}
	p.under(p.paint(bold, name)+strings.Repeat(" ", label-len(name)), label,
		pack(items, p.width()-label-1, ", ", ","))
}

func (p *page) head(r *Result) {
	word, c := r.headline()
	facts := []string{r.Scenario}
	if r.Scenario == "" {
		facts[0] = "(no name)"
	}
	switch {
	case r.Clients > 0:
		facts = append(facts, many(r.Clients, "client", "clients"))
	case r.Traffic.Connections > 0:
		facts = append(facts, many(r.Traffic.Connections, "connection", "connections"))
	}
	active := p.span(r.Active) + " active"
	if r.Interrupted {
		active = "interrupted after " + p.span(max(r.Active, 0))
	}
	if r.Stopped != "" {
		active = "stopped after " + p.span(max(r.Active, 0))
	}
	facts = append(facts, active, p.span(r.Took)+" in all")
	for i := range facts {
		facts[i] = p.Clean(facts[i])
	}
	p.under(p.paint(c, word)+"  ", len(word)+2, pack(facts, p.width()-len(word)-2, p.dot(), ""))
	if r.Lost != "" {
		p.hang("  "+p.paint(red, "lost")+"  ", 8, r.Lost)
	}
	if r.Stopped != "" {
		p.hang("  "+p.paint(yellow, "stopped")+"  ", 11, r.Stopped)
	}
	if r.About != "" {
		for _, l := range wrap(p.Clean(r.About), p.width()-2) {
			p.line("  " + p.paint(dim, l))
		}
	}
}

func (p *page) expectations(verdicts []assert.Verdict) {
	p.blank()
	if len(verdicts) == 0 {
		p.line("  nothing was expected")
		return
	}
	names, states := 0, 0
	for i := range verdicts {
		names = max(names, columns(p.Clean(verdicts[i].Name)))
		states = max(states, len(verdicts[i].State.String()))
	}
	names = min(names, p.width()/2, p.width()-4-2-states)
	for i := range verdicts {
		p.expectation(&verdicts[i], names, states)
	}
}

// expectation writes mark, name, state and counts in one row where they fit.
func (p *page) expectation(v *assert.Verdict, names, states int) {
	mark, c := p.mark(v.State)
	name, state := p.Clean(v.Name), v.State.String()
	front := "  " + p.paint(c, mark) + " "
	if columns(name) > names {
		p.hang(front, 4, name)
		front, name = "    ", ""
	}
	front += pad(name, names) + "  " + p.paint(c, state) + pad("", states-len(state))
	counts, indent := p.counts(v.Counts), 4+names+2+states+2
	switch room := p.width() - indent; {
	case len(counts) == 0:
		p.line(front)
	case room >= 24:
		p.under(front+"  ", indent, pack(counts, room-1, ", ", ","))
	default:
		p.line(front)
		p.under("      ", 6, pack(counts, p.width()-7, ", ", ","))
	}
	if v.Reason != "" && v.State != assert.Fail { // a failure has its own block
		p.hang("      ", 6, v.Reason)
	}
	if len(v.Owned) > 0 {
		p.hang("      ", 6, "also met: "+strings.Join(p.counts(v.Owned), ", "))
	}
}

func (p *page) counts(all []assert.Count) []string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = count(c.N) + " " + p.Clean(c.Name)
		// What rules measure in microseconds reads better as a time: p99 565ms.
		if of, ok := strings.CutSuffix(c.Name, " µs"); ok {
			texts[i] = p.Clean(of) + " " + p.span(time.Duration(c.N)*time.Microsecond)
		}
	}
	return texts
}

func (p *page) errors(kinds []ErrorKind) {
	if len(kinds) == 0 {
		return
	}
	p.blank()
	const most = 10 // the rest is in the JSON
	rows := [][]string{{"errors", "count", "explained"}}
	for i, k := range kinds {
		if i == most {
			break
		}
		rows = append(rows, []string{k.What, count(k.N), count(k.Excused)})
	}
	for i, l := range p.table(rows, 1, "explained") {
		p.line(l)
		if i > 0 && kinds[i-1].Example != "" && p.Clean(kinds[i-1].Example) != p.Clean(kinds[i-1].What) {
			p.hang("    ", 4, kinds[i-1].Example)
		}
	}
	if n := len(kinds) - most; n > 0 {
		p.line("  and " + many(n, "more kind", "more kinds") + ", listed in the JSON report")
	}
}

func (p *page) facts(r *Result) {
	t, g := &r.Traffic, &r.Generator
	p.blank()
	traffic := []string{many(t.Connections, "connection", "connections") + " at most", many(t.Dials, "dial", "dials")}
	if t.Streams > 0 {
		traffic = append(traffic, count(t.Streams)+" over event streams")
	}
	if t.Polls > 0 {
		traffic = append(traffic, count(t.Polls)+" by long polling")
	}
	traffic = append(traffic,
		count(t.Published)+" published", count(t.Acked)+" acked", count(t.Unknown)+" unknown", count(t.Failed)+" refused",
		count(t.Delivered)+" delivered", size(t.BytesIn)+" in", size(t.BytesOut)+" out",
	)
	if t.Packed > 0 {
		traffic = append(traffic, many(t.Packed, "message", "messages")+" compressed, "+size(t.Unpacked)+" expanded")
	}
	p.section("traffic", traffic)
	lag := []string{"no send was measured"}
	if g.LagCount > 0 {
		lag = []string{"lag p50 " + p.span(g.LagP50), "p99 " + p.span(g.LagP99), "max " + p.span(g.LagMax) + " of " + many(g.LagCount, "send", "sends")}
	}
	if g.ReadLag > 0 {
		lag = append(lag, "unread at most "+p.span(g.ReadLag))
	}
	lag = append(lag, many(g.Loops, "loop", "loops")+" busy "+share(g.Busy), "CPU "+p.span(g.CPU), "RSS "+size(g.MaxRSS))
	p.section("generator", lag)
	if g.Saturated {
		why := "saturated: it did not keep up, so no timing is judged"
		if g.Why != "" {
			why = "saturated: " + g.Why
		}
		p.hang(strings.Repeat(" ", label), label, why)
	}
	run := []string{"seed " + fmt.Sprint(r.Seed)}
	for _, fact := range [...][2]string{{"id", r.Run}, {"engine", r.Engine}, {"target", r.Target}, {"dialect", r.Dialect}, {"squall", r.Tool}} {
		if fact[1] != "" {
			run = append(run, fact[0]+" "+fact[1])
		}
	}
	if !r.Started.IsZero() {
		run = append(run, r.Started.UTC().Format(time.RFC3339))
	}
	p.section("run", run)
	for _, set := range r.Set {
		p.hang(strings.Repeat(" ", label)+"set ", label+4, set)
	}
}

// server shows the end of what the server under test wrote, where the run went
// wrong.
func (p *page) server(r *Result) {
	s := &r.Server
	if s.Command == "" || r.Exit() == 0 {
		return
	}
	p.blank()
	p.section("server", []string{s.Command})
	indent := strings.Repeat(" ", label)
	if s.Ended != "" {
		p.hang(indent, label, "ended by itself: "+s.Ended)
	}
	const most = 20 // the rest is in the JSON
	lines := s.Output[max(0, len(s.Output)-most):]
	if len(lines) == 0 {
		p.line(indent + "it wrote nothing")
	}
	for _, l := range lines {
		p.hang(indent+p.either("│ ", "| "), label+2, l)
	}
}

func (p *page) notes(notes []string) {
	for i, n := range notes {
		name := ""
		if i == 0 {
			name = "notes"
		}
		p.hang(p.paint(bold, name)+strings.Repeat(" ", label-len(name)), label, n)
	}
}
