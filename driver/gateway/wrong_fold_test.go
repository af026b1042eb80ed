package gateway

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// TestFoldDefects: what each does to the events of one channel, and that others stay as
// they are.
func TestFoldDefects(t *testing.T) {
	for _, row := range []struct {
		defect string
		every  int
		pause  time.Duration
		says   string // with one % for its number
		lost   int    // of 20
		wrong  int
	}{
		{"delta-rounded", 5, time.Second, `{"amount":%d.25,"to":"1.5"}`, 0, 4},
		{"delta-rounded", 1, time.Second, `{"amount":%d,"to":"1.5","_fill":0.5}`, 0, 0},
		{"update-swallowed", 1, 70 * time.Millisecond, `{"n":%d}`, 0, 0},
		{"update-swallowed", 1, 50 * time.Millisecond, `{"n":%d}`, 10, 0},
		{"tombstone-lost", 2, time.Second, `{"n":%d,"gone":true}`, 10, 0},
		{"tombstone-lost", 1, time.Second, `{"n":%d,"gone":false}`, 0, 0},
	} {
		w, err := newWrong([]Defect{{Name: row.defect, Every: row.every}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		s := &stream{}
		lost, wrong := 0, 0
		for i := range 20 {
			data := fmt.Appendf(nil, row.says, i+1)
			if w.withholds(s, data, time.Time{}.Add(time.Hour+time.Duration(i)*row.pause)) {
				lost++
			} else if got := w.round(data); !bytes.Equal(got, data) {
				wrong++
				if want := bytes.Replace(data, []byte(".25"), nil, 1); !bytes.Equal(got, want) {
					t.Errorf("%s: %s became %s, want %s", row.defect, data, got, want)
				}
			}
		}
		if lost != row.lost || wrong != row.wrong {
			t.Errorf("%s every %d, %v apart, %s: %d lost and %d changed, want %d and %d", row.defect, row.every, row.pause, row.says, lost, wrong, row.lost, row.wrong)
		}
	}
}
