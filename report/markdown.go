package report

import (
	"fmt"
	"io"
	"strings"

	"squall/assert"
)

// markdownMost bounds the file: a comment on a pull request may have 65,536
// characters.
const markdownMost = 60_000

// Markdown writes runs for a pull request: a line for each, then, for those that
// did not pass, their expectations and the evidence, folded.
func Markdown(w io.Writer, runs []*Result) error {
	m := &markdown{}
	all := &Runs{Runs: runs}
	title := all.closing()
	if len(runs) == 1 {
		title = runs[0].closing()
	}
	_, title, _ = strings.Cut(title, ": ")
	m.linef("## %s squall: %s", emoji(&Result{State: all.state()}), inline(title))
	m.linef("")
	m.linef("| | scenario | verdict | expectations | clients | deliveries | took |")
	m.linef("|---|---|---|---|--:|--:|--:|")
	for _, r := range runs {
		passed := 0
		for i := range r.Verdicts {
			if r.Verdicts[i].State == assert.Pass {
				passed++
			}
		}
		m.linef("| %s | %s | %s | %d of %d passed | %s | %s | %s |", emoji(r), inline(r.Scenario), r.state(), passed, len(r.Verdicts),
			count(r.Clients), count(r.Traffic.Delivered), Style{}.span(r.Took))
	}
	left := 0
	for _, r := range runs {
		part := m.run(r, len(runs) == 1)
		if m.b.Len()+len(part) > markdownMost {
			left++
			continue
		}
		m.b.WriteString(part)
	}
	if left > 0 {
		m.linef("")
		m.linef("The evidence of %s would not fit here and is in the log and the other reports.", many(left, "scenario", "scenarios"))
	}
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("writing the Markdown summary: %w", err)
	}
	return nil
}

type markdown struct{ b strings.Builder }

func (m *markdown) linef(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// run is the part of one run. Of several, those that passed need none.
func (*markdown) run(r *Result, alone bool) string {
	if r.Exit() == 0 && !alone {
		return ""
	}
	m := &markdown{}
	p := &page{}
	m.linef("")
	if !alone {
		m.linef("### %s %s", emoji(r), inline(r.Scenario))
		m.linef("")
	}
	for _, line := range [...]string{r.Lost, r.Stopped} {
		if line != "" {
			m.linef("**%s**", inline(line))
			m.linef("")
		}
	}
	if len(r.Verdicts) > 0 {
		m.linef("| | expectation | verdict | counted |")
		m.linef("|---|---|---|---|")
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		told := inline(strings.Join(p.counts(v.Counts), ", "))
		if v.State == assert.Inconclusive || v.State == assert.NotApplicable {
			told = strings.TrimSuffix(inline(v.Reason)+"<br>"+told, "<br>")
		}
		m.linef("| %s | %s | %s | %s |", sign(v.State), inline(v.Name), v.State, told)
	}
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.State == assert.Fail {
			m.fold(v.Name+": "+inOneLine(v), evidence(r, v))
		}
	}
	if rows := (&page{}); len(r.Latency) > 0 {
		rows.latency(r.Latency)
		m.fold("latency", strings.Trim(rows.out.String(), "\n"))
	}
	if out := r.Server.Output; len(out) > 0 && r.Exit() != 0 {
		m.fold("the end of what the server wrote", strings.Join(out[max(0, len(out)-20):], "\n"))
	}
	for i := range r.Commands {
		if c := &r.Commands[i]; c.Failed != "" {
			m.fold(c.how(), strings.Join(c.Output[max(0, len(c.Output)-mostLines):], "\n"))
		}
	}
	if r.Command != "" {
		m.linef("")
		m.block(r.Command)
	}
	return m.b.String()
}

// fold hides text under a line.
func (m *markdown) fold(title, text string) {
	m.linef("")
	m.linef("<details><summary>%s</summary>", inline(title))
	m.linef("")
	m.block(text)
	m.linef("")
	m.linef("</details>")
}

// block writes text between fences that it can't close.
func (m *markdown) block(text string) {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	m.linef("%stext", fence)
	for _, line := range strings.Split(text, "\n") {
		m.linef("%s", Style{}.Clean(line))
	}
	m.linef("%s", fence)
}

// inline makes foreign text plain: no markup, no link, no mention of a person or
// an issue, and no end of a table's cell.
func inline(text string) string {
	var b strings.Builder
	for _, r := range (Style{}).Clean(text) {
		if strings.ContainsRune("\\`*_{}[]<>#|~&@!$", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "://", "&#58;//")
}

func emoji(r *Result) string { return sign(r.mark()) }

func sign(s assert.State) string {
	switch s {
	case assert.Pass:
		return "✅"
	case assert.Fail:
		return "❌"
	case assert.NotApplicable:
		return "➖"
	}
	return "⚠️"
}
