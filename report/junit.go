package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"squall/assert"
)

// JUnit writes runs as JUnit XML: a suite for each, and in it a case for each
// expectation. fail becomes failure, inconclusive error, not applicable skipped.
// A run whose exit code is not 0 and that has neither failure nor error gets the
// case `run` with an error, so that no reader of the file takes it for a pass.
// The time of a suite is that of its run; expectations are judged over all of it
// and have none of their own.
func JUnit(w io.Writer, runs []*Result) error {
	all := xmlSuites{Name: "squall"}
	var took time.Duration
	for _, r := range runs {
		s := toSuite(r)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		took += max(r.Took, 0)
		all.Suites = append(all.Suites, s)
	}
	all.Time = clock(took)
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	_, err := io.WriteString(w, xml.Header)
	if err == nil {
		err = enc.Encode(&all)
	}
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	if err != nil {
		return fmt.Errorf("writing the JUnit report: %w", err)
	}
	return nil
}

func toSuite(r *Result) xmlSuite {
	clean := Style{}.Clean
	s := xmlSuite{Name: clean(r.Scenario), Time: clock(max(r.Took, 0)), Stamp: r.Started.UTC().Format("2006-01-02T15:04:05"), File: clean(r.File)}
	if s.Name == "" {
		s.Name = "(no name)"
	}
	for _, p := range [...][2]string{
		{"seed", fmt.Sprint(r.Seed)}, {"run", r.Run}, {"target", r.Target}, {"dialect", r.Dialect}, {"engine", r.Engine},
		{"clients", fmt.Sprint(r.Clients)}, {"squall", r.Tool}, {"command", r.Command}, {"exit", fmt.Sprint(r.Exit())},
	} {
		if p[1] != "" {
			s.Properties.List = append(s.Properties.List, xmlProperty{p[0], clean(p[1])})
		}
	}
	seen := map[string]bool{}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		c := xmlCase{Name: clean(v.Name), Class: s.Name, Time: clock(0), File: s.File, Line: v.Line}
		if seen[c.Name] { // readers tell cases apart by their names
			c.Name = fmt.Sprintf("%s (line %d, entry %d)", c.Name, v.Line, i)
		}
		seen[c.Name] = true
		switch v.State {
		case assert.Fail:
			c.Failure = &xmlTrouble{clean(inOneLine(v)), clean(kindOf(v)), cdata(evidence(r, v))}
			s.Failures++
		case assert.Inconclusive:
			c.Error = &xmlTrouble{clean(v.Reason), "inconclusive", cdata(unsettled(r, v))}
			s.Errors++
		case assert.NotApplicable:
			c.Skipped = &xmlSkipped{clean(v.Reason)}
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	if r.Exit() != 0 && s.Failures+s.Errors == 0 {
		why := r.closing()
		if r.Lost != "" {
			why = r.Lost
		}
		s.Cases = append(s.Cases, xmlCase{Name: "run", Class: s.Name, Time: clock(0), File: s.File,
			Error: &xmlTrouble{clean(why), "inconclusive", cdata(why)}})
		s.Errors++
	}
	s.Tests = len(s.Cases)
	out := slices.Clone(r.Server.Output)
	for i := range r.Commands {
		out = append(append(out, r.Commands[i].how()), r.Commands[i].Output...)
	}
	if len(out) > 0 {
		text := cdata(strings.Join(out, "\n"))
		s.Out = &text
	}
	return s
}

// inOneLine says what went wrong with a failed expectation.
func inOneLine(v *assert.Verdict) string {
	if len(v.Findings) == 0 {
		return v.Reason
	}
	f := &v.Findings[0]
	text := fmt.Sprintf("%s: %s of %s, %s", f.Anomaly, count(f.Clients), many(f.Of, "client", "clients"), many(f.Times, "time", "times"))
	if n := len(v.Findings) - 1; n > 0 {
		text += ", and " + many(n, "more signature", "more signatures")
	}
	return text
}

// kindOf is the class of a failure: its first anomaly, or its rule.
func kindOf(v *assert.Verdict) string {
	if len(v.Findings) > 0 {
		return v.Findings[0].Anomaly
	}
	return v.Rule
}

// unsettled is why an expectation is inconclusive, and what was counted.
func unsettled(r *Result, v *assert.Verdict) string {
	p := &page{Style: Style{Width: 100}}
	p.hang("", 0, v.Reason)
	if c := p.counts(v.Counts); len(c) > 0 {
		p.field("counted", strings.Join(c, ", "))
	}
	if r.Lost != v.Reason {
		p.field("target", r.Lost)
	}
	p.place(r, v)
	p.again(r.Command)
	return strings.TrimRight(p.out.String(), "\n")
}

// cdata cleans text line by line: XML has no way to write most control characters.
func cdata(text string) xmlText {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Style{}.Clean(lines[i])
	}
	return xmlText{"\n" + strings.Join(lines, "\n") + "\n"}
}

// The types below are the format.

type xmlSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Suites   []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name       string        `xml:"name,attr"`
	Tests      int           `xml:"tests,attr"`
	Failures   int           `xml:"failures,attr"`
	Errors     int           `xml:"errors,attr"`
	Skipped    int           `xml:"skipped,attr"`
	Time       string        `xml:"time,attr"`
	Stamp      string        `xml:"timestamp,attr"`
	File       string        `xml:"file,attr,omitempty"`
	Properties xmlProperties `xml:"properties"`
	Cases      []xmlCase     `xml:"testcase"`
	Out        *xmlText      `xml:"system-out"`
}

type xmlProperties struct {
	List []xmlProperty `xml:"property"`
}

type xmlProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type xmlCase struct {
	Name    string      `xml:"name,attr"`
	Class   string      `xml:"classname,attr"`
	Time    string      `xml:"time,attr"`
	File    string      `xml:"file,attr,omitempty"`
	Line    int         `xml:"line,attr,omitempty"`
	Failure *xmlTrouble `xml:"failure"`
	Error   *xmlTrouble `xml:"error"`
	Skipped *xmlSkipped `xml:"skipped"`
}

type xmlTrouble struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	xmlText
}

type xmlSkipped struct {
	Message string `xml:"message,attr,omitempty"`
}

type xmlText struct {
	Text string `xml:",cdata"`
}
