package scenario

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

var (
	yamlLine = regexp.MustCompile(`line (\d+)`)
	// A key and its plain value: on a line of its own, or inside braces.
	blockValue = regexp.MustCompile(`^(\s*(?:- +)*[\w.-]+:\s+)(.*?)(\s+#.*)?$`)
	itemValue  = regexp.MustCompile(`^(\s*(?:- +)+)(.*?)(\s+#.*)?$`)
	flowValue  = regexp.MustCompile(`([{,]\s*[\w.-]+:\s+)([^"'\[{][^,}\]]*)`)
)

// starters are the characters that can't begin a plain value.
const starters = ">*%@{&!|`]}["

// translate turns an error of the YAML library into a problem. If quotes around
// one value make the line readable, the message says so, and the repaired
// source is returned.
func translate(file string, src []byte, err error) (Problem, []byte) {
	lines := strings.Split(string(src), "\n")
	at := 0 // index of the line; -1 if the library doesn't say
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		at, _ = strconv.Atoi(m[1])
		at = min(max(at-1, 0), len(lines)-1)
	} else {
		at = -1
	}
	if p, repaired, ok := quoting(src, lines, at); ok {
		return p.problem(file, fmt.Sprintf("found a value that begins with or contains YAML's own signs, expected text; put it in quotes: %s", strings.TrimSpace(lines[p.line-1]))), repaired
	}
	if strings.Contains(err.Error(), "did not find expected ',' or") {
		if p, open := unclosed(src); open != 0 {
			return p.problem(file, fmt.Sprintf("found a %c that is never closed, expected its %c", open, open+2)), nil
		}
	}
	line, column := max(at, 0), 1
	if at >= 0 {
		column = len(lines[at]) - len(strings.TrimLeft(lines[at], " \t")) + 1
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = yamlLine.ReplaceAllString(text, "")
	text = strings.TrimSpace(strings.TrimLeft(text, ": "))
	if tabbed(lines[line]) {
		text = "a tab in the indentation"
		return place{line: line + 1, column: column}.problem(file, "found "+text+", expected spaces"), nil
	}
	return place{line: line + 1, column: column}.problem(file, "found something that is not YAML: "+text+misplaced(text)), nil
}

// misplaced is a guess at what the library means by some of its messages.
func misplaced(text string) string {
	if strings.Contains(text, "mapping values are not allowed") || strings.Contains(text, "did not find expected key") {
		return "; is each line near it indented like its neighbours?"
	}
	return ""
}

// unclosed finds the last brace or bracket that is opened, outside of quotes
// and comments, and not closed before the end or the next line without
// indentation.
func unclosed(src []byte) (at place, open rune) {
	type opened struct {
		at   place
		open rune
	}
	var stack []opened
	var quoted rune
	for i, line := range strings.Split(string(src), "\n") {
		if line != "" && line[0] != ' ' && len(stack) > 0 && quoted == 0 && !strings.ContainsAny(line[:1], "]}#") {
			break
		}
		before := ' '
		for j, r := range []rune(line) {
			switch {
			case quoted != 0:
				if r == quoted {
					quoted = 0
				}
			case (r == '"' || r == '\'') && strings.ContainsRune(" {[,:", before):
				quoted = r
			case r == '#' && before == ' ':
				r = 0
			case r == '{' || r == '[':
				stack = append(stack, opened{place{line: i + 1, column: j + 1}, r})
			case (r == '}' || r == ']') && len(stack) > 0:
				stack = stack[:len(stack)-1]
			}
			if r == 0 {
				break
			}
			before = r
		}
	}
	if len(stack) == 0 {
		return place{}, 0
	}
	last := stack[len(stack)-1]
	return last.at, last.open
}

// maxTries bounds how often a source is read again to find the guilty line.
const maxTries = 200

// quoting looks for the one value that, put in quotes, lets the library read
// further, and puts the repaired line into lines. The library names the line
// where it gave up (at), which is near the guilty one or the beginning of what
// holds it.
func quoting(src []byte, lines []string, at int) (place, []byte, bool) {
	var order []int
	for i := min(at+1, len(lines)-1); i >= max(at-2, 0) && at >= 0; i-- {
		order = append(order, i)
	}
	for i := range lines {
		order = append(order, i)
	}
	before, tries := reach(src), 0
	for _, i := range order {
		was := lines[i]
		for _, r := range repairs(was) {
			if tries++; tries > maxTries {
				return place{}, nil, false
			}
			lines[i] = r.line
			text := []byte(strings.Join(lines, "\n"))
			if after := reach(text); after > before && after > i {
				return place{line: i + 1, column: r.column}, text, true
			}
		}
		lines[i] = was
	}
	return place{}, nil, false
}

func tabbed(line string) bool {
	return strings.Contains(line[:len(line)-len(strings.TrimLeft(line, " \t"))], "\t")
}

// reach says how far src is YAML: the index of the line where the library gives
// up, or a large number if it doesn't.
func reach(src []byte) int {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if err == io.EOF {
			return 1 << 30
		}
		if err != nil {
			if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
				at, _ := strconv.Atoi(m[1])
				return at
			}
			return 0
		}
	}
}

type repair struct {
	line   string
	column int // of the value, in characters from 1
}

// repairs proposes lines in which one plain value that looks suspicious stands
// in quotes.
func repairs(line string) []repair {
	var all []repair
	propose := func(from, to int) {
		value := strings.TrimSpace(line[from:to])
		if value == "" || strings.ContainsAny(value[:1], `"'`) {
			return
		}
		if !strings.ContainsAny(value[:1], starters) && !strings.Contains(value, ": ") && !strings.HasSuffix(value, ":") {
			return
		}
		quoted := strconv.Quote(value)
		all = append(all, repair{
			line:   line[:from] + quoted + line[from+len(value):],
			column: utf8.RuneCountInString(line[:from]) + 1,
		})
	}
	for _, m := range flowValue.FindAllStringSubmatchIndex(line, -1) {
		propose(m[4], m[5])
	}
	for _, re := range []*regexp.Regexp{blockValue, itemValue} {
		if m := re.FindStringSubmatchIndex(line); m != nil && balanced(line[m[4]:m[5]]) {
			propose(m[4], m[5])
		}
	}
	return all
}

// balanced tells whether all braces of s are closed in it; if they aren't, s is
// the beginning of a mapping or list rather than a text.
func balanced(s string) bool {
	return strings.Count(s, "{") == strings.Count(s, "}") && strings.Count(s, "[") == strings.Count(s, "]")
}
