package assert

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"squall/assert/history"
)

// A recording judged again gives the verdicts of the live run.
func TestRecordingGivesTheSameVerdicts(t *testing.T) {
	defects := []string{"", "", "lost-message", "fifo-violation", "recovered-flag-lie", "duplicate-delivery", "ack-then-drop"}
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		s.defect = rapid.SampledFrom(defects).Draw(t, "defect")
		w := newWorld(rapid.Uint64().Draw(t, "seed"), s)
		events := w.run(s.steps)
		shards := rapid.IntRange(1, 3).Draw(t, "shards")
		j, want := judgeEvents(w.brief(), w.names, events, shards)

		var file bytes.Buffer
		head, err := json.Marshal(w.brief())
		if err != nil {
			t.Fatal(err)
		}
		rec, err := history.NewWriter(&file, head, w.names)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			for n := range shards {
				if e.Client < 0 || int(e.Client)%shards == n {
					rec.Shard(n).Add(e)
				}
			}
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}

		r, err := history.NewReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var b Brief
		if err := json.Unmarshal(r.Header, &b); err != nil {
			t.Fatal(err)
		}
		again := make([]*Judge, shards)
		for i := range again {
			again[i] = NewJudge(&b, r.Names)
		}
		for {
			n, e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			again[n].Add(e)
		}
		for _, o := range again[1:] {
			again[0].Merge(o)
		}
		if got := again[0].Verdicts(End{}); !reflect.DeepEqual(got, want) {
			t.Fatalf("judged again:\n%+v\nlive:\n%+v", got, want)
		}
		if got, want := again[0].Traffic(), j.Traffic(); got != want {
			t.Fatalf("traffic %+v, live %+v", got, want)
		}
		if got, want := again[0].Latency(), j.Latency(); !reflect.DeepEqual(got, want) {
			t.Fatalf("latency %+v, live %+v", got, want)
		}
	})
}

// Nor does any of the histories that stand in testdata say anything else once it was
// recorded: whatever a rule needs to know is in the recording.
func TestRecordedHistoriesAgain(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseScript(string(text))
		if err != nil {
			t.Fatal(err)
		}
		head, err := json.Marshal(s.brief)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, err := history.NewWriter(&out, head, s.names)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range s.events {
			w.Shard(0).Add(e)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := history.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		var b Brief
		if err := json.Unmarshal(r.Header, &b); err != nil {
			t.Fatal(err)
		}
		j := NewJudge(&b, r.Names)
		for {
			_, e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			j.Add(e)
		}
		r.Close()
		_, want := judgeEvents(s.brief, s.names, s.events, 1)
		if got := j.Verdicts(End{}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s judged again:\n%+v\nat first:\n%+v", file, got, want)
		}
	}
}
