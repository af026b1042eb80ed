package report

import (
	"slices"
	"strings"

	"squall/assert/latency"
)

// table lines up rows in columns two blanks apart. The first left columns are
// aligned left, numbers right. The first row is the heading. If it is too wide,
// the columns in spare go, in that order, then the first column is cut.
func (p *page) table(rows [][]string, left int, spare ...string) []string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = p.Clean(row[i])
			width[i] = max(width[i], columns(row[i]))
		}
	}
	total := 2*len(width) - 2
	for _, w := range width {
		total += w
	}
	if over := total - p.width(); over > 0 {
		if len(spare) > 0 {
			return p.table(without(rows, spare[0]), left, spare[1:]...)
		}
		width[0] = max(width[0]-over, 8)
	}
	lines := make([]string, 0, len(rows))
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			if i == 0 {
				cell = p.cut(cell, width[0])
			}
			if i >= left {
				cell = padLeft(cell, width[i])
			} else {
				cell = pad(cell, width[i])
			}
			if n == 0 && i == 0 {
				bare := strings.TrimRight(cell, " ")
				cell = p.paint(bold, bare) + cell[len(bare):]
			} else if n == 0 {
				bare := strings.TrimSpace(cell)
				cell = strings.Replace(cell, bare, p.paint(dim, bare), 1)
			}
			b.WriteString(cell)
		}
		lines = append(lines, b.String())
	}
	return lines
}

// without leaves out the column with that heading.
func without(rows [][]string, heading string) [][]string {
	at := slices.Index(rows[0], heading)
	if at < 0 {
		return rows
	}
	less := make([][]string, len(rows))
	for i, row := range rows {
		less[i] = slices.Concat(row[:at], row[at+1:])
	}
	return less
}

// cut shortens text to width columns.
func (s Style) cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	more := s.either("…", "~")
	short := ""
	for _, r := range text {
		if columns(short)+columns(string(r)) > width-1 {
			break
		}
		short += string(r)
	}
	return short + more
}

func (p *page) latency(rows []latency.Row) {
	if len(rows) == 0 {
		return
	}
	p.blank()
	cells := [][]string{{"latency", "during", "count", "p50", "p90", "p99", "p99.9", "max"}}
	for _, r := range rows {
		if r.Count == 0 { // an empty histogram would answer 0
			cells = append(cells, []string{r.Stage, r.During, "0", "-", "-", "-", "-", "-"})
			continue
		}
		cells = append(cells, []string{r.Stage, r.During, count(r.Count),
			p.span(r.P50), p.span(r.P90), p.span(r.P99), p.span(r.P999), p.span(r.Max)})
	}
	for _, l := range p.table(cells, 2, "p90", "p99.9", "count", "p50") {
		p.line(l)
	}
}
