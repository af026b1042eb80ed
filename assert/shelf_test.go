package assert

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// offTheShelf are the anomalies without a recorded bad history, and why.
var offTheShelf = map[string]string{
	"session-refused":     "it is no failure: a refusal with a reason makes `queue: complete` inconclusive",
	"late-heartbeat":      "its histories are in heartbeat_test.go",
	"zombie-connection":   "its histories are in heartbeat_test.go",
	"false-liveness-kill": "its histories are in heartbeat_test.go",
}

// TestEveryAnomalyIsOnTheShelf: whatever a rule can find has a history in testdata
// in which it must find it.
func TestEveryAnomalyIsOnTheShelf(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	shelf := make(map[string]string)
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "expect:"); ok {
				for _, x := range strings.Fields(rest) {
					if _, names, ok := strings.Cut(x, "=fail:"); ok {
						for _, name := range strings.Split(names, ",") {
							shelf[name] = file
						}
					}
				}
			}
		}
		f.Close()
	}
	for _, a := range Anomalies() {
		file, on := shelf[a.String()]
		switch _, off := offTheShelf[a.String()]; {
		case !on && !off:
			t.Errorf("testdata has no history that fails by %s", a)
		case on && off:
			t.Errorf("%s fails by %s: take it out of offTheShelf", file, a)
		}
		delete(shelf, a.String())
	}
	for name, file := range shelf {
		t.Errorf("%s fails by %s, which is no anomaly", file, name)
	}
	for name := range offTheShelf {
		if !slices.ContainsFunc(Anomalies(), func(a Anomaly) bool { return a.String() == name }) {
			t.Errorf("offTheShelf has %s, which is no anomaly", name)
		}
	}
}
