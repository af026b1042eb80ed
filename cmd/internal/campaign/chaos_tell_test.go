package campaign

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"testing"

	"squall/assert/history"
)

// One seed of the chaos, looked into by hand: its scenario, its verdicts, and all
// that happened, event by event.
//
//	go test ./cmd/internal/campaign -run ChaosTell -v -chaos-tell 62 [-chaos-file FILE] [-chaos-defect NAME] [-chaos-channel room.0]
var (
	chaosFile    = flag.String("chaos-file", "", "a scenario to tell of instead of what the seed draws")
	chaosTell    = flag.Uint64("chaos-tell", 0, "the seed to tell of")
	chaosDefect  = flag.String("chaos-defect", "", "the defect to tell of, and the only one of TestChaosNamesDefects")
	chaosChannel = flag.String("chaos-channel", "", "only events of this channel, and those of none")
)

func TestChaosTell(t *testing.T) {
	if *chaosTell == 0 {
		t.Skip("-chaos-tell SEED tells of one")
	}
	var set []string
	if *chaosDefect != "" {
		set = append(set, "target.gateway.defects=["+*chaosDefect+"]")
	}
	yaml := chaosScenario(*chaosTell, *chaosDefect != "")
	if *chaosFile != "" {
		b, err := os.ReadFile(*chaosFile)
		if err != nil {
			t.Fatal(err)
		}
		yaml = string(b)
	}
	var b bytes.Buffer
	r, _ := chaosRun(t, compile(t, "chaos.yaml", []byte(yaml), *chaosTell, set...), 1+int(*chaosTell%3), &b)
	t.Logf("%s\n%s", yaml, tell(r))
	rec, err := history.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	for {
		_, e, err := rec.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := rec.Names.Name(int32(e.Channel))
		if e.Channel <= 0 && e.Publisher == 0 && e.Seq == 0 {
			name = ""
		}
		if *chaosChannel == "" || name == "" || name == *chaosChannel {
			t.Logf("%10.4f client %d #%d kind %d flags %#x %s %d/%s message %d.%d#%d who %d code %d result %d sent %v due %v %s", e.Seen.Seconds(), e.Client, e.Life,
				e.Kind, e.Flags, name, e.Offset, rec.Names.Name(int32(e.Epoch)), e.Publisher, e.Incarnation, e.Seq, e.Who, e.Code, e.Result, e.Sent, e.Due, e.Note)
		}
	}
}
