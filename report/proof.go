package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ProofVersion is the version of the JSON form of a Proof.
const ProofVersion = 1

// Proof is the matrix of `squall prove`: what was run how often, and whether the
// rules said what they had to say.
type Proof struct {
	Version int    `json:"squall_proof"` // ProofVersion
	Tool    string `json:"tool"`         // version of Squall that made the last runs
	Cells   []Cell `json:"cells"`        // in the order of Sort
}

// Cell is one kind of run: a scenario on a gateway with one defect, or on a
// correct one.
type Cell struct {
	Scenario     string  `json:"scenario"`
	Defect       string  `json:"defect,omitempty"`  // of the gateway; empty: it is correct
	Anomaly      string  `json:"anomaly,omitempty"` // by which the defect must be found
	Fault        string  `json:"fault,omitempty"`   // that every client meets beside what the scenario says
	Where        string  `json:"where"`             // bubble, sockets, or the target by its URL or name
	Runs         int     `json:"runs"`
	Right        int     `json:"right"`
	Inconclusive int     `json:"inconclusive"` // of the right ones: neither alarm nor pass, under a Fault or where time is real
	Judged       int64   `json:"judged"`       // deliveries
	Wrong        []Wrong `json:"wrong,omitempty"`
}

// Wrong is a run that did not end as it had to.
type Wrong struct {
	Seed  uint64 `json:"seed"`
	State string `json:"state"`
	Why   string `json:"why"`
}

// MostWrong bounds the details kept of one cell.
const MostWrong = 20

// Cell finds or adds the cell of the same kind as c.
func (p *Proof) Cell(c Cell) *Cell {
	for i := range p.Cells {
		if k := &p.Cells[i]; k.key() == c.key() {
			return k
		}
	}
	p.Cells = append(p.Cells, Cell{Scenario: c.Scenario, Defect: c.Defect, Anomaly: c.Anomaly, Fault: c.Fault, Where: c.Where})
	return &p.Cells[len(p.Cells)-1]
}

type cellKey struct{ scenario, defect, fault, where string }

func (c *Cell) key() cellKey { return cellKey{c.Scenario, c.Defect, c.Fault, c.Where} }

// Kind names the row of a cell.
func (c *Cell) Kind() string {
	switch {
	case c.Defect != "":
		return c.Defect
	case c.Fault != "":
		return "correct, " + c.Fault
	}
	return "correct"
}

// Sort brings the cells into the order of print: correct before defects, then by
// name.
func (p *Proof) Sort() {
	slices.SortStableFunc(p.Cells, func(a, b Cell) int {
		return cmp.Or(
			cmp.Compare(min(len(a.Defect), 1), min(len(b.Defect), 1)), strings.Compare(a.Kind(), b.Kind()),
			strings.Compare(a.Scenario, b.Scenario), strings.Compare(a.Where, b.Where))
	})
}

// Totals of a proof.
type Totals struct {
	Cells, Runs, Wrong int
	Alarms             int // false ones, on a correct gateway
	Misses             int // defects not found, or not by their name
	Untried            int // cells without a run
	Judged             int64
}

// Totals adds the cells up.
func (p *Proof) Totals() (t Totals) {
	for i := range p.Cells {
		c := &p.Cells[i]
		t.Cells++
		t.Runs += c.Runs
		t.Judged += c.Judged
		if c.Runs == 0 {
			t.Untried++
		}
		wrong := c.Runs - c.Right
		t.Wrong += wrong
		if c.Defect == "" {
			t.Alarms += wrong
		} else {
			t.Misses += wrong
		}
	}
	return t
}

// JSON writes the proof in its versioned form.
func (p *Proof) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	if err := enc.Encode(p); err != nil {
		return fmt.Errorf("writing the proof: %w", err)
	}
	return nil
}

// ReadProof reads what JSON wrote.
func ReadProof(r io.Reader) (*Proof, error) {
	p := new(Proof)
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("reading a proof: %w", err)
	}
	if p.Version != ProofVersion {
		return nil, fmt.Errorf("reading a proof: it has version %d, this Squall reads version %d", p.Version, ProofVersion)
	}
	return p, nil
}

// result is how a cell is printed: right of all.
func (c *Cell) result() string {
	s := fmt.Sprintf("%d/%d", c.Right, c.Runs)
	if c.Inconclusive > 0 {
		s += fmt.Sprintf(" (%d open)", c.Inconclusive)
	}
	return s
}

// Text writes the matrix for people. It writes once.
func (p *Proof) Text(w io.Writer, style Style) error {
	t := p.Totals()
	g := &page{Style: style}
	word, c := "PROVEN", green
	switch {
	case t.Wrong > 0:
		word, c = "WRONG", red
	case t.Runs == 0 || t.Untried > 0:
		word, c = "OPEN", yellow
	}
	g.hang(g.paint(c, word)+"  ", len(word)+2, fmt.Sprintf("%s, %s, %s deliveries judged; %s, %s",
		many(t.Cells, "cell", "cells"), many(t.Runs, "run", "runs"), count(t.Judged), many(t.Alarms, "false alarm", "false alarms"), many(t.Misses, "miss", "misses")))
	g.blank()
	rows := [][]string{{"gateway", "scenario", "where", "right"}}
	last := ""
	for i := range p.Cells {
		k := &p.Cells[i]
		kind := k.Kind()
		if kind == last {
			kind = ""
		} else {
			last = kind
		}
		rows = append(rows, []string{kind, k.Scenario, k.Where, k.result()})
	}
	if len(rows) > 1 {
		for _, l := range g.table(rows, 3) {
			g.line(l)
		}
		g.blank()
	}
	for i := range p.Cells {
		k := &p.Cells[i]
		for _, x := range k.Wrong {
			head := fmt.Sprintf("%s, %s, %s, seed %d: ", k.Kind(), k.Scenario, k.Where, x.Seed)
			g.hang(g.paint(red, "wrong")+"  ", 7, head+x.State+", "+x.Why)
		}
	}
	if _, err := w.Write(g.out.Bytes()); err != nil {
		return fmt.Errorf("writing the proof: %w", err)
	}
	return nil
}

// Markdown writes the matrix as a table.
func (p *Proof) Markdown(w io.Writer) error {
	t := p.Totals()
	var b strings.Builder
	fmt.Fprintf(&b, "%d cells, %d runs, %d deliveries judged: %d false alarms, %d misses.\n\n", t.Cells, t.Runs, t.Judged, t.Alarms, t.Misses)
	b.WriteString("| gateway | scenario | where | right |\n|---|---|---|---|\n")
	for i := range p.Cells {
		k := &p.Cells[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", k.Kind(), k.Scenario, k.Where, k.result())
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the proof: %w", err)
	}
	return nil
}
