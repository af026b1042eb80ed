package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// members reads every object of a text into maps from key to raw value.
func members(text []byte) (objects []map[string]string, err error) {
	var c Cursor
	c.Reset(text)
	for c.Open() {
		m := map[string]string{}
		for key, ok := c.Member(); ok; key, ok = c.Member() {
			k := string([]rune(string(key))) // encoding/json mends invalid UTF-8
			m[k] = string(c.Skip())
		}
		if c.Err() == nil {
			objects = append(objects, m)
		}
	}
	return objects, c.Err()
}

// membersByLibrary is the same with encoding/json.
func membersByLibrary(text []byte) (objects []map[string]string, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			return objects, nil
		} else if err != nil {
			return objects, err
		}
		if raw[0] != '{' {
			return objects, errors.New("not an object")
		}
		var values map[string]json.RawMessage
		if err := json.Unmarshal(raw, &values); err != nil {
			return objects, err
		}
		m := map[string]string{}
		for k, v := range values {
			m[k] = string(v)
		}
		objects = append(objects, m)
	}
}

func agree(t *testing.T, text []byte) {
	t.Helper()
	got, err := members(text)
	want, wantErr := membersByLibrary(text)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, encoding/json has %v", text, err, wantErr)
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %d objects, encoding/json has %d", text, len(got), len(want))
	}
	for i := range got {
		if len(got[i]) != len(want[i]) {
			t.Fatalf("%q: members %q, encoding/json has %q", text, got[i], want[i])
		}
		for k, v := range want[i] {
			if got[i][k] != v {
				t.Fatalf("%q: %q is %q, encoding/json has %q", text, k, got[i][k], v)
			}
			agreeOnTypes(t, v)
		}
	}
}

// agreeOnTypes compares the typed readings of one valid value.
func agreeOnTypes(t *testing.T, value string) {
	t.Helper()
	var c Cursor
	check := func(what string, equal bool, wantErr error) {
		t.Helper()
		if err := c.Err(); (err == nil) != (wantErr == nil) || err == nil && !equal {
			t.Fatalf("%s of %q: equal %v, error %v, encoding/json has %v", what, value, equal, err, wantErr)
		}
	}
	var s string
	err := json.Unmarshal([]byte(value), &s)
	c.Reset([]byte(value))
	check("Text", string([]rune(string(c.Text()))) == s, err)
	var n uint64
	err = json.Unmarshal([]byte(value), &n)
	c.Reset([]byte(value))
	check("Uint", c.Uint() == n, err)
	var b bool
	err = json.Unmarshal([]byte(value), &b)
	c.Reset([]byte(value))
	check("Bool", c.Bool() == b, err)
}

func agreeOnValidity(t *testing.T, text []byte) {
	t.Helper()
	end, _ := skip(text, space(text, 0), 0)
	got := end >= 0 && space(text, end) == len(text)
	if want := json.Valid(text); got != want {
		t.Fatalf("%.200q valid: %v, encoding/json says %v", text, got, want)
	}
}

var jsonSamples = []string{
	``, ` `, `{}`, "{}\n{}", `{"a":1}`, ` { "a" : 1 , "b" : [ 1 , { } ] } `,
	`{"a":"\u0041\ud83d\ude00\ud800\"\\\/\b\f\n\r\t"}`, `{"\u0061":1,"a":2}`, // an escaped key is the same key
	`{"a":1,"a":{"b":2}}`, `{"a":"0123456789 \" 0123456"}`, `{"a":"\ud800\u0041"}`,
	`{"n":-0.5e+10,"m":18446744073709551615,"o":18446744073709551616,"z":-0}`,
	`{"a":[[],{},"",null,true,false]}`, "{\"a\":\"\x7f\xff\"}",
	// Malformed: each must be refused, at any place.
	`{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`,
	`{"a":-}`, `{"a":tru}`, `{"a":nul}`, `{"a":[1,]}`, `{"a":[1}`, `{"a":{]}`, `{"a":"` + "\n" + `"}`, `{"a":"\x"}`, `{"a":"\u12g4"}`,
	`{"a":"\`, `{"a":"\u12`, `[1`, `}`, `{,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{} x`, `{"a":1}]`, `1`, `"a"`, `[]`, "\x00", `{"a":"` + "\x1f" + `"}`,
}

func TestCursorAgreesWithEncodingJSON(t *testing.T) {
	for _, s := range jsonSamples {
		agree(t, []byte(s))
		agreeOnValidity(t, []byte(s))
	}
	// Depth: the library takes 10,000 levels and no more.
	for _, n := range []int{63, 64, 65, 128, 129, maxDepth - 1, maxDepth, maxDepth + 1} {
		agreeOnValidity(t, []byte(strings.Repeat("[", n)+strings.Repeat("]", n)))
		agreeOnValidity(t, []byte(strings.Repeat(`{"a":[`, n/2)+strings.Repeat("]}", n/2)))
		agree(t, []byte(`{"a":`+strings.Repeat("[", n-1)+strings.Repeat("]", n-1)+`}`))
	}
	// Strings of every length around the step of eight bytes, with each special
	// byte at every place.
	for n := range 20 {
		for at := range n {
			for _, special := range []string{`"`, `\`, "\x1f", "\x00", "\x80", "\xff", `!`, `#`, `]`, `[`, " "} {
				s := strings.Repeat("x", at) + special + strings.Repeat("y", n-at-1)
				agree(t, []byte(`{"k":"`+s+`"}`))
				agreeOnValidity(t, []byte(`{"`+s+`":1}`))
			}
		}
	}
}

func TestCursorStopsAtWrongTypes(t *testing.T) {
	for _, text := range []string{`{"a":{}}`, `{"a":1}`, `{"a":"x"}`, `{"a":[]}`} {
		var c Cursor
		c.Reset([]byte(text))
		c.Open()
		c.Member()
		switch text[5] {
		case '{', '[', '1':
			c.Text()
		default:
			c.Open()
		}
		if c.Err() == nil {
			t.Errorf("%s: a value of the wrong type was taken", text)
		}
		if _, ok := c.Member(); ok || c.Open() || c.Skip() != nil || c.Uint() != 0 || c.Bool() {
			t.Errorf("%s: the cursor went on after an error", text)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range jsonSamples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		agreeOnValidity(t, text)
		agree(t, text)
	})
}

func FuzzAppendText(f *testing.F) {
	f.Add("vote.1")
	f.Add("a\"b\\c\n\x01é\xff\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendText(nil, s)
		var back string
		if err := json.Unmarshal(b, &back); err != nil || back != string([]rune(s)) {
			t.Fatalf("%q became %s: %v", s, b, err)
		}
		var c Cursor
		c.Reset(b)
		if got := string(c.Text()); got != back || c.Err() != nil {
			t.Fatalf("%s reads as %q: %v", b, got, c.Err())
		}
	})
}
