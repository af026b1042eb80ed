package report

import (
	"fmt"
	"io"
	"strings"

	"squall/assert"
)

// Explain writes what one anomaly is, how it shows, where it comes from and what
// to look at.
func Explain(w io.Writer, a assert.Anomaly, style Style) error {
	p := &page{Style: style}
	d, e := a.Define(), a.Explain()
	p.hang(p.paint(bold, d.Name)+"  ", len(d.Name)+2, "the rule "+d.Owner+" fails for it")
	p.blank()
	p.field("means", d.Means)
	p.field("promise", d.Promise)
	p.field("wire", e.Wire)
	for i, c := range e.Causes {
		name := ""
		if i == 0 {
			name = "causes"
		}
		p.hang("  "+p.paint(dim, name)+strings.Repeat(" ", label-len(name))+"- ", indentIn+2, c)
	}
	p.field("look at", e.Look)
	if len(e.Issues) > 0 {
		p.under("  "+p.paint(dim, "seen in")+strings.Repeat(" ", label-len("seen in")), indentIn,
			pack(e.Issues, p.width()-indentIn-1, ", ", ","))
	}
	return p.send(w, "the explanation")
}

// Words is a list of names with a line about each, under a heading.
type Words struct {
	Title string
	Note  string // how to use them
	Words [][2]string
}

// List writes lists of words, their texts in a column where that leaves room.
func List(w io.Writer, lists []Words, style Style) error {
	p := &page{Style: style}
	for i, l := range lists {
		if i > 0 {
			p.blank()
		}
		p.hang(p.paint(bold, l.Title)+"  ", len(l.Title)+2, l.Note)
		room := 0
		for _, word := range l.Words {
			room = max(room, columns(word[0]))
		}
		for _, word := range l.Words {
			front := "  " + pad(word[0], room) + "  "
			if room > p.width()/2 {
				p.line("  " + word[0])
				front = "      "
			}
			p.hang(front, columns(front), word[1])
		}
	}
	return p.send(w, "the list")
}

// send writes the page at once.
func (p *page) send(w io.Writer, what string) error {
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	return nil
}
