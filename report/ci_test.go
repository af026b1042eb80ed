package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"squall/assert"
	"squall/assert/latency"
)

// several is a command that ran three scenarios.
func several() *Runs {
	all := samples()
	pass, fail, lost := all["pass"], all["fail"], all["target-lost"]
	pass.Scenario, lost.Scenario = "quiet", "gone"
	lost.Server = Server{Command: "./gateway --port 8000", Ended: "exit status 2", Output: []string{"listening on :8000", "panic: \x1b[31mmap\x07 write"}}
	return &Runs{Tool: "0.1.0", Started: pass.Started, Took: 81 * time.Second, Runs: []*Result{pass, fail, lost}}
}

// What a CI system reads, for every kind of outcome.
func TestCIGoldens(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".junit.xml", render(t, func(w io.Writer) error { return JUnit(w, []*Result{r}) }))
			golden(t, name+".md", render(t, func(w io.Writer) error { return Markdown(w, []*Result{r}) }))
			golden(t, name+".annotations.txt", render(t, func(w io.Writer) error { return Annotations(w, []*Result{r}, "") }))
		})
	}
	runs := several()
	golden(t, "several.junit.xml", render(t, func(w io.Writer) error { return JUnit(w, runs.Runs) }))
	golden(t, "several.md", render(t, func(w io.Writer) error { return Markdown(w, runs.Runs) }))
	golden(t, "several.json", render(t, func(w io.Writer) error { return RunsJSON(w, runs) }))
	golden(t, "several.txt", render(t, func(w io.Writer) error { return Summary(w, runs, Style{}) }))
	golden(t, "server.txt", render(t, func(w io.Writer) error { return Text(w, runs.Runs[2], Style{}) }))
	golden(t, "no-run.junit.xml", render(t, func(w io.Writer) error { return JUnit(w, nil) }))
}

// readJUnit reads the file as others do: by the names of the common format, with
// nothing of our own types, and checks its sums.
func readJUnit(t *testing.T, doc []byte) (failures, errors, skipped, tests int) {
	t.Helper()
	type trouble struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	type attrs struct {
		Name     string  `xml:"name,attr"`
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Errors   int     `xml:"errors,attr"`
		Skipped  int     `xml:"skipped,attr"`
		Time     float64 `xml:"time,attr"`
	}
	var all struct {
		XMLName xml.Name `xml:"testsuites"`
		attrs
		Suites []struct {
			attrs
			Stamp string `xml:"timestamp,attr"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Time    float64   `xml:"time,attr"`
				Failure []trouble `xml:"failure"`
				Error   []trouble `xml:"error"`
				Skipped []trouble `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(doc, &all); err != nil {
		t.Fatalf("no XML: %v\n%s", err, doc)
	}
	if !utf8.Valid(doc) || bytes.IndexFunc(doc, func(r rune) bool { return r < ' ' && r != '\n' }) >= 0 {
		t.Errorf("control characters or no UTF-8:\n%q", doc)
	}
	for _, s := range all.Suites {
		names := map[string]bool{}
		f, e, k := 0, 0, 0
		for _, c := range s.Cases {
			if c.Name == "" && s.Name == "" || names[c.Name] {
				t.Errorf("%s: the name %q is empty or there twice", s.Name, c.Name)
			}
			names[c.Name] = true
			f, e, k = f+len(c.Failure), e+len(c.Error), k+len(c.Skipped)
			if len(c.Failure)+len(c.Error)+len(c.Skipped) > 1 {
				t.Errorf("%s: %q has more than one outcome", s.Name, c.Name)
			}
		}
		if s.Failures != f || s.Errors != e || s.Skipped != k || s.Tests != len(s.Cases) {
			t.Errorf("%s: the sums are wrong: %+v", s.Name, s.attrs)
		}
		if _, err := time.Parse("2006-01-02T15:04:05", s.Stamp); err != nil {
			t.Error(err)
		}
		failures, errors, skipped, tests = failures+f, errors+e, skipped+k, tests+s.Tests
	}
	if all.Failures != failures || all.Errors != errors || all.Skipped != skipped || all.Tests != tests {
		t.Errorf("the sums of all are wrong: %+v", all.attrs)
	}
	return failures, errors, skipped, tests
}

// The file is green exactly when the exit code is 0, and red for a failure.
func TestJUnitMeansTheExitCode(t *testing.T) {
	for name, r := range samples() {
		f, e, _, tests := readJUnit(t, render(t, func(w io.Writer) error { return JUnit(w, []*Result{r}) }))
		if (f+e == 0) != (r.Exit() == 0) || (f > 0) != (r.Exit() == 1) || tests == 0 {
			t.Errorf("%s: %d failures, %d errors of %d cases, exit %d", name, f, e, tests, r.Exit())
		}
	}
	twice := base()
	twice.Verdicts = append(twice.Verdicts, twice.Verdicts...)
	readJUnit(t, render(t, func(w io.Writer) error { return JUnit(w, []*Result{twice}) }))
}

// Whatever a target says, XML stays XML, a cell stays a cell, and one annotation
// stays one command.
func FuzzCI(f *testing.F) {
	f.Add("storm", "a]]>b\x00\x1b[2J\ufffe", "| cell <b> @someone #12 `x` ::error::\n::set-env")
	f.Add("", "\xff\xfe", "````\n```\n</details>")
	f.Fuzz(func(t *testing.T, name, what, text string) {
		r := base()
		r.State, r.Scenario, r.Lost, r.Command, r.Server = assert.Fail, name, text, what, Server{what, text, []string{text, what}}
		r.Verdicts = append(r.Verdicts, assert.Verdict{Name: name, Reason: text}, assert.Verdict{Name: what, Reason: what, State: assert.NotApplicable},
			assert.Verdict{Name: text, State: assert.Fail, Reason: what, Findings: []assert.Finding{{Anomaly: name, Missing: text, Unexcused: []string{what},
				Witness: []assert.Line{{Actor: name, What: what, Text: text}}}}})
		var b bytes.Buffer
		if err := JUnit(&b, []*Result{r}); err != nil {
			t.Fatal(err)
		}
		readJUnit(t, b.Bytes())
		b.Reset()
		if err := Annotations(&b, []*Result{r}, ""); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
			if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") || strings.ContainsRune(line, '\r') {
				t.Fatalf("no annotation: %q", line)
			}
			if head, _, _ := strings.Cut(line[2:], "::"); strings.Count(head, "title=") != 1 && !strings.Contains(name+what+text, "title=") {
				t.Fatalf("the head of %q was broken", line)
			}
		}
		b.Reset()
		if err := Markdown(&b, []*Result{r}); err != nil {
			t.Fatal(err)
		}
		fence := ""
		for _, line := range strings.Split(b.String(), "\n") {
			switch {
			case fence == "" && strings.HasPrefix(line, "```"):
				fence = strings.TrimSuffix(line, "text")
			case fence != "" && line == fence:
				fence = ""
			case fence == "" && strings.HasPrefix(line, "| ") && strings.Count(line, "|") != 5 && strings.Count(line, "|") != 8:
				t.Fatalf("a row with %d bars: %q", strings.Count(line, "|"), line)
			}
		}
		if fence != "" {
			t.Fatalf("a fence stays open:\n%s", b.String())
		}
	})
}

// Many failures don't make a comment that nobody accepts.
func TestMarkdownIsBounded(t *testing.T) {
	var runs []*Result
	for range 40 {
		runs = append(runs, failed())
	}
	doc := string(render(t, func(w io.Writer) error { return Markdown(w, runs) }))
	if len(doc) > 65_000 || !strings.Contains(doc, "would not fit here") || strings.Count(doc, "\n| ❌ | reconnect") != 40 {
		t.Errorf("%d bytes, %d lines of scenarios", len(doc), strings.Count(doc, "\n| ❌ | reconnect"))
	}
}

func TestRunsExit(t *testing.T) {
	all := samples()
	for _, row := range []struct {
		names string
		want  int
	}{
		{"", 3}, {"pass", 0}, {"pass pass", 0}, {"pass inconclusive", 3}, {"inconclusive target-lost", 4}, {"target-lost inconclusive pass", 4},
		{"target-lost fail pass", 1}, {"fail", 1}, {"not-applicable pass", 3}, {"interrupted pass", 3}, {"empty", 3},
	} {
		var r Runs
		for _, n := range strings.Fields(row.names) {
			r.Runs = append(r.Runs, all[n])
		}
		if got := r.Exit(); got != row.want {
			t.Errorf("%s: exit %d, want %d", row.names, got, row.want)
		}
	}
}

// A run in the merged report is what it is alone.
func TestRunsJSON(t *testing.T) {
	runs := several()
	var doc struct {
		Version int `json:"squall_runs"`
		Runs    []json.RawMessage
	}
	if err := json.Unmarshal(render(t, func(w io.Writer) error { return RunsJSON(w, runs) }), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != RunsVersion || len(doc.Runs) != 3 {
		t.Fatalf("version %d, %d runs", doc.Version, len(doc.Runs))
	}
	for i, r := range runs.Runs {
		var alone, merged any
		if err := json.Unmarshal(render(t, func(w io.Writer) error { return JSON(w, r) }), &alone); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(doc.Runs[i], &merged); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(alone)
		b, _ := json.Marshal(merged)
		if !bytes.Equal(a, b) {
			t.Errorf("run %d differs", i)
		}
	}
}

func TestSummaryShape(t *testing.T) {
	for _, style := range []Style{{}, {Width: 60}, {ASCII: true}} {
		shape(t, "several", string(render(t, func(w io.Writer) error { return Summary(w, several(), style) })), style)
	}
}

// Each distribution has a file of its own, which tells the same numbers.
func TestHGRM(t *testing.T) {
	var m latency.Meter
	for i := range 1000 {
		m.Record(latency.Delivery, latency.Healthy, time.Duration(i+1)*ms)
	}
	one := base()
	one.Scenario, one.Spreads = "../evil name", m.Histograms()
	files := HGRM("out/lat.hgrm", []*Result{one})
	if len(files) != 1 || files[0].Path != "out/lat.hgrm" {
		t.Fatalf("one distribution goes to %v", files)
	}
	golden(t, "lat.hgrm", render(t, files[0].Write))

	m.Record(latency.Delivery, latency.Storm, ms)
	m.Record(latency.Connect, latency.Arrivals, ms)
	one.Spreads = m.Histograms()
	paths := func(files []HGRMFile) (all []string) {
		for _, f := range files {
			all = append(all, f.Path)
		}
		return all
	}
	if got, want := paths(HGRM("lat.hgrm", []*Result{one})), []string{"lat.connect.hgrm", "lat.delivery.hgrm", "lat.delivery-healthy.hgrm", "lat.delivery-storm.hgrm"}; !slices.Equal(got, want) {
		t.Errorf("several go to %q, want %q", got, want)
	}
	if got := paths(HGRM("a/lat", []*Result{one, base()})); got[0] != "a/lat.---evil-name.connect" {
		t.Errorf("of several runs they go to %q", got)
	}
	if got := HGRM("x", []*Result{base()}); len(got) != 0 {
		t.Errorf("a run without samples has %v", got)
	}
	if err := (latency.Spread{}).Percentiles(os.Stderr); err == nil {
		t.Error("an empty distribution was written")
	}
}

// Paths of annotations are those of the repository.
func TestAnnotationPaths(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := failed()
	for _, row := range [][3]string{
		{"scenarios/a.yaml", "", "file=scenarios/a.yaml,line=15,"}, {"a.yaml", here, "file=a.yaml,line=15,"}, {here + "/b/a.yaml", here, "file=b/a.yaml,line=15,"},
		{"stdin", here, "::error title="}, {"a,b:c%.yaml", "", "file=a%2Cb%3Ac%25.yaml,"},
	} {
		r.File = row[0]
		if got := string(render(t, func(w io.Writer) error { return Annotations(w, []*Result{r}, row[1]) })); !strings.Contains(got, row[2]) {
			t.Errorf("%q in %q: got %q, want %q in it", row[0], row[1], got[:100], row[2])
		}
	}
}
