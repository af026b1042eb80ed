package scenario

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// rows are the data of one group, and which of them each client gets.
type rows struct {
	columns []string
	all     []map[string]any
	of      func(i int) int
}

// row is that of the group's i-th client; nil if there are no data.
func (r *rows) row(i int) map[string]any {
	if r == nil || len(r.all) == 0 {
		return nil
	}
	return r.all[r.of(i)]
}

func (v *validator) rows(path string, d *DataSpec) {
	if d == nil || d.File == "" {
		return
	}
	switch strings.ToLower(filepath.Ext(d.File)) {
	case ".csv", ".jsonl":
	default:
		v.fail(join(path, "data.file"), "found %s, expected a file whose name ends in .csv or .jsonl", quote(d.File))
	}
}

// data reads the rows of a group.
func (c *compiler) data(path string, group int, g *GroupSpec) *rows {
	c.columns = nil
	if g.Data == nil || c.failed() {
		return nil
	}
	at := join(path, "data.file")
	if c.o.Read == nil {
		c.fail(at, "found data, expected none: no file can be read here")
		return nil
	}
	source, err := c.o.Read(c.beside(g.Data.File))
	if err != nil {
		c.fail(at, "reading %s: %v", quote(g.Data.File), err)
		return nil
	}
	read := readCSV
	if strings.EqualFold(filepath.Ext(g.Data.File), ".jsonl") {
		read = readJSONL
	}
	r, err := read(source)
	if err != nil {
		c.fail(at, "%s: %v", g.Data.File, err)
		return nil
	}
	n := len(r.all)
	switch g.Data.Pick {
	case "unique":
		if n < g.Count {
			c.fail(at, "found %s for %s, expected one for each: pick: unique gives no row twice", plural(n, "row"), plural(g.Count, "client"))
			return nil
		}
		r.of = func(i int) int { return i }
	case "random":
		r.of = func(i int) int { return Rand(c.plan.Seed, "data", group, i).IntN(n) }
	default:
		r.of = func(i int) int { return i % n }
	}
	c.columns = r.columns
	return r
}

// readCSV reads rows whose columns the first line names. Every value is a text.
func readCSV(source []byte) (*rows, error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(source, []byte("\ufeff"))))
	names, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("found an empty file, expected a line with the names of the columns, and rows")
	}
	if err != nil {
		return nil, plainCSV(err)
	}
	r := &rows{columns: names}
	for i, name := range names {
		if name == "" || slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("line 1: found the column %s, expected names that are not empty, each once", quote(name))
		}
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return r.checked()
		}
		if err != nil {
			return nil, plainCSV(err)
		}
		row := make(map[string]any, len(names))
		for i, name := range names {
			row[name] = record[i]
		}
		r.all = append(r.all, row)
	}
}

// plainCSV leaves out of an error what the file holds.
func plainCSV(err error) error {
	if at := (*csv.ParseError)(nil); errors.As(err, &at) {
		return fmt.Errorf("line %d: %w", at.Line, at.Err)
	}
	return err
}

// readJSONL reads an object from each line that isn't empty.
func readJSONL(source []byte) (*rows, error) {
	r := &rows{}
	columns := make(map[string]bool)
	line := 0
	for text := range bytes.Lines(source) {
		line++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var row map[string]any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&row); err != nil || row == nil || d.More() {
			return nil, fmt.Errorf("line %d: expected one JSON object", line)
		}
		for name, v := range row {
			columns[name] = true
			if n, ok := v.(json.Number); ok {
				row[name] = number(n)
			}
		}
		r.all = append(r.all, row)
	}
	r.columns = slices.Sorted(maps.Keys(columns))
	return r.checked()
}

// number is a whole number if it can be one.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return int(i)
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}

func (r *rows) checked() (*rows, error) {
	if len(r.all) == 0 {
		return nil, errors.New("found no row, expected at least one")
	}
	return r, nil
}
