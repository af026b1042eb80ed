package main

import (
	"fmt"
	"strings"
	"testing"

	"squall/assert"
	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

// people have tokens that are signed with the key x.
const people = `name,token
ann,eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJyb2xlIjoibWVtYmVyIn0.JOhDOu0r6hTfFXoH-OgTrWVacL4UaghyqhZZWNn5qY8
bob,eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJib2IiLCJyb2xlIjoibWVtYmVyIn0.FThoqTM19OrIJSPwvw5lA1fsihQ8XU3RCXeTAMmPhPU
cid,eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjaWQiLCJyb2xlIjoibWVtYmVyIn0.ZJoAFnlmg5eBguZ-ouAP0mvE6HckOelICA94g2EvdDs
`

// Every YAML block of the README that is about the embedded gateway runs, in a bubble
// and with few clients, and the gateway is not blamed: the page shows nothing that
// can't be had.
func TestReadmeExamplesRun(t *testing.T) {
	ran := 0
	for _, b := range blocks(t) {
		if b.kind != "yaml" || b.workflow() {
			continue
		}
		source := b.whole()
		o := scenario.Options{Env: func(string) (string, bool) { return "x", true }, Dialects: campaign.Dialects(), Defects: defectNames(), Run: "00000007"}
		o.Read = func(string) ([]byte, error) { return []byte(people), nil }
		s, wrong := scenario.Parse("fragment.yaml", []byte(source))
		if len(wrong) > 0 || s.Target != nil && len(s.Target.URL) > 0 || len(s.Environs) > 0 || strings.Contains(source, "exec:") {
			continue
		}
		var set []string
		for name, g := range s.Clients {
			if g.Count > 12 {
				set = append(set, fmt.Sprintf("clients.%s.count=12", name))
			}
		}
		ran++
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			p, wrong := scenario.Load("fragment.yaml", []byte(source), o, set...)
			if len(wrong) > 0 {
				t.Fatal(wrong)
			}
			r, err := campaign.Bubble(t, p)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if err := report.Text(&text, r, report.Style{Width: 100}); err != nil {
				t.Fatal(err)
			}
			if r.State == assert.Fail {
				t.Errorf("%s\n%s", source, text.String())
			}
		})
	}
	if ran < 10 {
		t.Errorf("ran %d examples", ran)
	}
}

// whole is a block with what it lacks of a scenario.
func (b block) whole() string {
	if hasKey(b.text, "squall") {
		if !hasKey(b.text, "clients") {
			return b.text + rest[2][1]
		}
		return b.text
	}
	head := "squall: 1\n"
	for _, r := range rest {
		if !hasKey(b.text, r[0]) {
			head += r[1]
		}
	}
	return head + b.text
}
