package report

import (
	"fmt"
	"strings"

	"squall/assert"
)

const (
	fullBlocks = 3 // signatures of one anomaly that are shown with their witness
	indentIn   = 2 + label
	indentAt   = 4 // of the times of a witness: its columns need the room
	verb       = 4 // recv, sub, ack, RST: the texts after them line up
)

// failures writes a block for each failure: what was broken, the facts that
// contradict each other, why nothing excuses it, and how to see it again.
func (p *page) failures(r *Result) {
	for i := range r.Verdicts {
		if r.Verdicts[i].State == assert.Fail {
			p.failure(r, &r.Verdicts[i])
		}
	}
}

// failure writes the blocks of one failed expectation.
func (p *page) failure(r *Result, v *assert.Verdict) {
	if len(v.Findings) > 0 {
		p.findings(r, v)
		return
	}
	p.blank()
	p.hang(p.paint(red, "FAIL")+" ", 5, v.Name)
	p.field("why", v.Reason)
	p.place(r, v)
	p.again(r.Command)
}

// evidence is what failure writes, as plain text for a file.
func evidence(r *Result, v *assert.Verdict) string {
	p := &page{Style: Style{Width: 100}}
	p.failure(r, v)
	return strings.Trim(p.out.String(), "\n")
}

func (p *page) findings(r *Result, v *assert.Verdict) {
	total := map[string]int{}
	for i := range v.Findings {
		total[v.Findings[i].Anomaly]++
	}
	seen := map[string]int{}
	for i := range v.Findings {
		f := &v.Findings[i]
		seen[f.Anomaly]++
		nth, of := seen[f.Anomaly], total[f.Anomaly]
		if nth > fullBlocks {
			continue
		}
		p.finding(r, v, f, nth, total)
		if nth == fullBlocks && of > nth {
			p.blank()
			p.line("  and " + many(of-nth, "more signature", "more signatures") + " of " + p.Clean(f.Anomaly) + ", listed in the JSON report")
		}
	}
}

func (p *page) finding(r *Result, v *assert.Verdict, f *assert.Finding, nth int, total map[string]int) {
	p.blank()
	of := total[f.Anomaly]
	signature := "1 signature"
	if of > 1 {
		signature = fmt.Sprintf("signature %d of %d", nth, of)
	}
	facts := []string{count(f.Clients) + "/" + many(f.Of, "client", "clients"), many(f.Times, "time", "times"), signature}
	name := p.Clean(f.Anomaly)
	if indent := 5 + columns(name) + 3; p.width()-indent >= 30 {
		p.under(p.paint(red, "FAIL "+name)+"   ", indent, pack(facts, p.width()-indent-1, ", ", ","))
	} else {
		p.line(p.paint(red, "FAIL "+name))
		p.under("     ", 5, pack(facts, p.width()-6, ", ", ","))
	}
	p.field("promise", f.Promise)
	p.place(r, v)
	if nth == 1 && total[v.Reason] == 0 { // the anomaly's name says no more
		p.field("why", v.Reason)
	}
	p.witness(f.Witness)
	p.field("what", f.Missing)
	if len(f.Unexcused) > 0 {
		p.field("no excuse", strings.Join(f.Unexcused, "; "))
	}
	p.field("nearest", p.nearest(f))
	p.again(r.Command)
}

func (p *page) nearest(f *assert.Finding) string {
	text := "no fault before it"
	if f.Fault != "" {
		text = p.span(f.FaultAgo) + " after " + f.Fault
	}
	if f.Phase != "" {
		text += ", while " + f.Phase
	}
	return text
}

// place names the line of the scenario that asked. Promises that no line asks
// for have the first one, where `squall: 1` stands.
func (p *page) place(r *Result, v *assert.Verdict) {
	switch {
	case v.Promised && v.Line <= 1:
		p.field("asked", "by nobody: without `expect`, all that the target promises is judged")
	case r.File != "" && v.Line > 0:
		p.field("asked", fmt.Sprintf("%s:%d", r.File, v.Line))
	}
}

func (p *page) field(name, text string) {
	if text == "" {
		return
	}
	p.hang("  "+p.paint(dim, name)+strings.Repeat(" ", label-len(name)), indentIn, text)
}

func (p *page) again(command string) {
	if command == "" {
		return
	}
	p.under("  "+p.paint(dim, "again")+strings.Repeat(" ", label-len("again")), indentIn,
		wrapCommand(p.Clean(command), p.width()-indentIn))
}

// witness writes facts in the order of time, one column per actor while the
// columns stay readable, else with the actor named in each line.
func (p *page) witness(lines []assert.Line) {
	if len(lines) == 0 {
		return
	}
	var actors []string
	times := 0
	for _, l := range lines {
		times = max(times, len(clock(l.At)))
		if actorIndex(actors, p.Clean(l.Actor)) < 0 {
			actors = append(actors, p.Clean(l.Actor))
		}
	}
	times = max(times, label-4) // the word witness stands above them
	start := indentAt + times + 2
	const gap, least = 2, 26
	room := (p.width() - start - gap*(len(actors)-1)) / len(actors)
	if room < least || widest(lines) > room {
		p.list(lines, times)
		return
	}
	heading := make([][]string, len(actors))
	for i, a := range actors {
		heading[i] = wrap(a, room)
	}
	p.rows("  "+p.paint(dim, "witness")+strings.Repeat(" ", start-2-len("witness")), start, heading, room, dim)
	for _, l := range lines {
		cells := make([][]string, len(actors))
		cells[actorIndex(actors, p.Clean(l.Actor))] = hangingWords(p.Clean(l.What), p.Clean(l.Text), room)
		p.rows(strings.Repeat(" ", indentAt)+padLeft(clock(l.At), times)+"  ", start, cells, room, plain)
	}
}

// widest is how many columns the longest word of a fact needs beside its verb.
func widest(lines []assert.Line) int {
	n := 0
	for _, l := range lines {
		for _, w := range strings.Fields(l.What + " " + l.Text) {
			n = max(n, columns(w)+verb+1)
		}
	}
	return n
}

func actorIndex(actors []string, actor string) int {
	for i, a := range actors {
		if a == actor {
			return i
		}
	}
	return -1
}

// hangingWords sets what before text; the lines after the first begin where the
// text of a short verb does.
func hangingWords(what, text string, width int) []string {
	if what == "" || columns(what) > width/2 {
		return wrap(what+" "+text, width)
	}
	hang := strings.Repeat(" ", verb+1)
	lines := []string{pad(what, verb)}
	for _, w := range strings.Fields(text) {
		if last := &lines[len(lines)-1]; columns(*last)+1+columns(w) <= width {
			*last += " " + w
		} else {
			lines = append(lines, hang+w)
		}
	}
	return lines
}

// rows writes cells side by side, each a column of lines room wide.
func (p *page) rows(prefix string, indent int, cells [][]string, room int, c colour) {
	height := 0
	for _, cell := range cells {
		height = max(height, len(cell))
	}
	for y := range height {
		line := prefix
		if y > 0 {
			line = strings.Repeat(" ", indent)
		}
		for i, cell := range cells {
			text := ""
			if y < len(cell) {
				text = cell[y]
			}
			line += p.paint(c, text)
			if i < len(cells)-1 {
				line += strings.Repeat(" ", max(0, room-columns(text))+2)
			}
		}
		p.line(line)
	}
}

// list is the form for many actors.
func (p *page) list(lines []assert.Line, times int) {
	actors := 0
	for _, l := range lines {
		actors = max(actors, columns(p.Clean(l.Actor)))
	}
	actors = min(actors, max(18, (p.width()-indentIn-times)/3))
	for i, l := range lines {
		front := strings.Repeat(" ", indentIn)
		if i == 0 {
			front = "  " + p.paint(dim, "witness") + strings.Repeat(" ", label-len("witness"))
		}
		who := p.cut(p.Clean(l.Actor), actors)
		start := indentIn + times + 2 + actors + 2
		if p.width()-start < max(20, widest(lines)) {
			p.hang(front+padLeft(clock(l.At), times)+"  ", indentIn+times+2, l.Actor+"  "+l.What+" "+l.Text)
			continue
		}
		p.under(front+padLeft(clock(l.At), times)+"  "+pad(who, actors)+"  ", start,
			hangingWords(p.Clean(l.What), p.Clean(l.Text), p.width()-start))
	}
}
