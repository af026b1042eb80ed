package dialect

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

var sample = Stamp{Run: 0x9f3a01bc, Publisher: 12, Incarnation: 1, Seq: 345, Due: 1234567890, Channel: 0x5d00aa91}

func TestAppendStamped(t *testing.T) {
	fence := sample
	fence.Fence = true
	answer := sample
	answer.Cause = Cause{Channel: 0x0badcafe, Publisher: 3, Incarnation: 2, Seq: 77, Offset: 4711}
	numbered, numberedAnswer := sample, answer
	numbered.Number, numbered.Made = 12, -77
	numberedAnswer.Number = 1<<63 - 1
	answerFence := answer
	answerFence.Fence = true
	for _, row := range []struct {
		name    string
		payload string
		stamp   Stamp
		size    int
		want    string
	}{
		{"the plain form", `{"a":1}`, sample, 0, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45","a":1}`},
		{"a fence", `{"a":1}`, fence, 0, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.f.`},
		{"an empty object", ` { } `, sample, 0, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45"} `},
		{"large enough already", `{"a":1}`, sample, 60, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45","a":1}`},
		{"a cause", `{}`, answer, 0, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.c0badcafe:3:2:77:4711.-.`},
		{"a cause, a fence and a filler", `{}`, answerFence, 140, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.c0badcafe:3:2:77:4711.fp.`},
		{"a number", `{}`, numbered, 0, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.n12:-77.-.`},
		{"a cause, a number and a filler", `{}`, numberedAnswer, 160, `{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.c0badcafe:3:2:77:4711.n9223372036854775807:0.p.`},
		{"zero and extremes", `{}`, Stamp{Publisher: -1, Seq: 1<<63 - 1, Due: -5}, 0, `{"_squall":"00000000.-1.0.9223372036854775807.-5.00000000.-.`},
	} {
		got := string(AppendStamped(nil, []byte(row.payload), row.stamp, row.size))
		if !strings.HasPrefix(got, row.want) || !json.Valid([]byte(got)) {
			t.Errorf("%s: %s\nwant %s", row.name, got, row.want)
		}
		var s Stamp
		if state := FindStamp([]byte(got), &s); state != StampValid || s != row.stamp {
			t.Errorf("%s: %s reads as %d %+v", row.name, got, state, s)
		}
	}
}

func TestAppendStampedReachesSize(t *testing.T) {
	for size := range 400 {
		for _, payload := range []string{`{}`, `{"a":1}`} {
			plain := len(AppendStamped(nil, []byte(payload), sample, 0))
			got := AppendStamped([]byte("before"), []byte(payload), sample, size)[len("before"):]
			least := max(size, plain)
			if len(got) < least || len(got) > least+12 || size > plain+12 && len(got) != size {
				t.Fatalf("size %d of %s: %d bytes, plain %d", size, payload, len(got), plain)
			}
			var s Stamp
			if !json.Valid(got) || FindStamp(got, &s) != StampValid || s != sample {
				t.Fatalf("size %d: %s", size, got)
			}
		}
	}
}

func TestFindStamp(t *testing.T) {
	whole := string(AppendStamped(nil, []byte(`{"a":1}`), sample, 140))
	var parts map[string]string
	if err := json.Unmarshal([]byte(strings.Replace(whole, `"a":1`, `"a":"1"`, 1)), &parts); err != nil {
		t.Fatal(err)
	}
	stamp, fill := parts[stampKey], parts[fillKey]
	short := `9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45`
	for _, row := range []struct {
		name string
		text string
		want StampState
	}{
		{"as appended", whole, StampValid},
		{"last, behind nested keys of the same name", `{"x":{"_squall":"no"},"y":["_squall"],"_squall":"` + short + `"}`, StampValid},
		{"filler before the stamp, with space", "\n{ \"_fill\" : \"" + fill + "\" ,\t\"a\":1, \"_squall\" : \"" + stamp + "\" }\n", StampValid},
		{"escapes elsewhere", `{"k\"\\":"\"_squall\":\"x\"","_squall":"` + short + `"}`, StampValid},
		{"its key escaped by a strange printer", `{"\u005fsquall":"` + short + `"}`, StampValid},
		{"a filler that the stamp doesn't know is somebody else's", `{"_squall":"` + short + `","_fill":"x"}`, StampValid},

		{"no object", `[1]`, StampNone},
		{"nothing", ``, StampNone},
		{"a foreign message", `{"a":"_squall"}`, StampNone},
		{"only below the top level", `{"a":{"_squall":"` + short + `"}}`, StampNone},

		{"no text", `{"_squall":7}`, StampCorrupt},
		{"empty", `{"_squall":""}`, StampCorrupt},
		{"filler lost", `{"_squall":"` + stamp + `"}`, StampCorrupt},
		{"filler cut", `{"_squall":"` + stamp + `","_fill":"` + fill[1:] + `"}`, StampCorrupt},
		{"filler of another type", `{"_squall":"` + stamp + `","_fill":7}`, StampCorrupt},
		{"checksum in capitals", `{"_squall":"` + strings.ToUpper(short) + `"}`, StampCorrupt},
		{"checksum cut", `{"_squall":"` + short[:len(short)-1] + `"}`, StampCorrupt},
	} {
		var s Stamp
		if got := FindStamp([]byte(row.text), &s); got != row.want || got == StampValid && s != sample {
			t.Errorf("%s: %s gives %d %+v, want %d", row.name, row.text, got, s, row.want)
		}
	}
}

func FuzzStamp(f *testing.F) {
	f.Add(uint32(1), int32(2), uint32(3), uint64(4), int64(5), uint32(6), true, uint16(200), `x"y`, uint16(20), byte(1))
	f.Add(uint32(1), int32(-2), uint32(1<<31), uint64(1<<63-1), int64(-5), uint32(6), false, uint16(0), ``, uint16(0), byte(255))
	f.Fuzz(func(t *testing.T, run uint32, pub int32, inc uint32, seq uint64, due int64, ch uint32, fence bool, size uint16, other string, at uint16, flip byte) {
		want := Stamp{run, pub, inc, seq % (1 << 63), time.Duration(max(due, -1<<62)), ch, fence, Cause{}, 0, 0}
		if size%2 == 1 {
			want.Cause = Cause{ch ^ run, pub, inc, seq % (1 << 63), uint64(size)}
		}
		if size%3 == 1 {
			want.Number, want.Made = int64(size), want.Due
		}
		payload, err := json.Marshal(map[string]any{other + "x": other, "n": []any{1, map[string]any{"_squall": "no"}}})
		if err != nil {
			t.Fatal(err)
		}
		b := AppendStamped(nil, payload, want, int(size))
		var got Stamp
		if FindStamp(b, &got) != StampValid || got != want {
			t.Fatalf("%s reads as %+v, want %+v", b, got, want)
		}

		// Through a server that parses and prints again, adding keys of its own.
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		m["Added"+other] = other
		m["zadded"] = map[string]any{"_fill": 1}
		again, err := json.MarshalIndent(m, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		got = Stamp{}
		if FindStamp(again, &got) != StampValid || got != want {
			t.Fatalf("%s reads as %+v, want %+v", again, got, want)
		}

		// One byte of stamp or filler changed.
		if flip == 0 {
			return
		}
		for _, key := range []string{stampKey, fillKey} {
			text, ok := m[key].(string)
			if !ok || text == "" {
				continue
			}
			from := strings.Index(string(b), fmt.Sprintf("%q", text)) + 1
			bad := append([]byte(nil), b...)
			bad[from+int(at)%len(text)] ^= flip
			var s Stamp
			if state := FindStamp(bad, &s); state != StampCorrupt {
				t.Fatalf("%s with a changed byte: %s gives %d", key, bad, state)
			}
		}
	})
}

func FuzzFindStamp(f *testing.F) {
	f.Add([]byte(`{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.-.52573e45","a":1}`))
	f.Add(AppendStamped(nil, []byte(`{"a":1}`), sample, 120))
	f.Add([]byte(`{"_fill":"","_squall":"........p........."}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var s Stamp
		if FindStamp(payload, &s) == StampValid {
			if again := AppendStamped(nil, []byte(`{}`), s, 0); len(again) == 0 {
				t.Fatal("a valid stamp can't be written")
			}
		} else if s != (Stamp{}) {
			t.Fatalf("%q set a stamp that is not valid", payload)
		}
	})
}
