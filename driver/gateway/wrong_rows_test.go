package gateway

import (
	"testing"
)

// TestRowDefects: what each does to the snapshots of a channel.
func TestRowDefects(t *testing.T) {
	const x2, y3, last = `row board.1 @2 {"by":{"user":"x"},"n":2}`, `row board.1 @3 {"by":{"user":"y"},"n":3}`, "snapshot board.1 @4 last"
	x4 := `row board.1 @4 {"by":{"user":"x"},"n":4}`
	for _, row := range []struct {
		defect string
		fourth string // event
		want   []string
	}{
		{"snapshot-delta-skew", score("x", 4), []string{x2, y3, last}},
		{"snapshot-delta-skew", score("z", 4), []string{x2, y3, `row board.1 @4 {"by":{"user":"z"},"n":4}`, last}},
		{"snapshot-elsewhere", score("x", 4), []string{y3, x4, "snapshot board.1 @3 last"}},
		{"row-missing", score("x", 4), []string{x4, last}},
		{"removed-row-kept", `{"by":{"user":"x"},"gone":true}`, []string{x2, y3, last}},
		{"removed-row-kept", score("x", 4), []string{y3, x4, last}},
		{"tombstone-row", `{"by":{"user":"x"},"gone":true}`, []string{y3, `row board.1 @4 {"by":{"user":"x"},"gone":true}`, last}},
		{"tombstone-row", `{"by":{"user":"z"},"gone":true}`, []string{x2, y3, last}},
		{"snapshot-missing", score("x", 4), nil},
	} {
		t.Run(row.defect, func(t *testing.T) {
			bubble(t, boards(Config{Defects: []Defect{{Name: row.defect, Every: 1}}}), func(t *testing.T, s *site) {
				p := s.client("p")
				for _, event := range []string{score("x", 1), score("x", 2), score("y", 3), row.fourth} {
					p.publish("board.1", event)
				}
				same(t, s.client("c").look("board.1"), row.want...)
			})
		})
	}
}
