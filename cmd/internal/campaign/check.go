package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"squall/assert"
	"squall/assert/history"
	"squall/driver"
	"squall/report"
)

// ending is what a recording holds beside brief and events, so that an old run
// is judged as the live one was.
type ending struct {
	Outcome driver.Outcome `json:"outcome"`
	Took    time.Duration  `json:"took_ns"`
}

// closeRecording writes the ending and closes the recording. out is nil if the
// run came to nothing.
func closeRecording(rec *history.Writer, out *driver.Outcome, took time.Duration) error {
	if out != nil {
		note, err := json.Marshal(ending{*out, took})
		if err != nil {
			return fmt.Errorf("writing the end of the recording: %w", err)
		}
		rec.Shard(0).Add(history.Event{Kind: history.Ending, Client: -1, Note: string(note)})
	}
	if err := rec.Close(); err != nil {
		return fmt.Errorf("writing the recording: %w", err)
	}
	return nil
}

// Check judges a recording with the rules of this version, which is named in
// the Result. It fails if the recording is not whole: half a history can't be
// judged.
func Check(r io.Reader, version string) (*report.Result, error) {
	rec, err := history.NewReader(r)
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	var brief assert.Brief
	if err := json.Unmarshal(rec.Header, &brief); err != nil {
		return nil, fmt.Errorf("reading the head of the recording: %w", err)
	}
	var judges []*assert.Judge
	var end ending
	for {
		shard, e, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if e.Kind == history.Ending {
			if err := json.Unmarshal([]byte(e.Note), &end); err != nil {
				return nil, fmt.Errorf("reading the end of the recording: %w", err)
			}
			continue
		}
		for shard >= len(judges) {
			judges = append(judges, assert.NewJudge(&brief, rec.Names))
		}
		judges[shard].Add(e)
	}
	if len(judges) == 0 {
		return nil, errors.New("the recording holds no events")
	}
	for _, j := range judges[1:] {
		judges[0].Merge(j)
	}
	res := conclude(&brief, judges[0], &end.Outcome, end.Took)
	res.Tool = version
	res.Generator.CPU, res.Generator.MaxRSS = 0, 0 // of this process, not of the run's
	return res, nil
}
