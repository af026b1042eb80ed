package main

import (
	"slices"
	"strings"
	"testing"

	"squall/cmd/internal/campaign"
	"squall/driver/gateway"
	"squall/scenario"
)

// TestTransformFlag: what a child process is told makes the same of a payload as the
// plan of the run that tells it.
func TestTransformFlag(t *testing.T) {
	x, err := scenario.ParseTransform("vote.*", `{option: "{msg.option}", of: {n: ["{msg.n * 2}", 1]}, text: "a=b, {msg.n}"}`)
	if err != nil {
		t.Fatal(err)
	}
	args := campaign.GatewayArgs(scenario.GatewayPlan{Nodes: 1, Transforms: []scenario.Transform{x, x}}, 7)
	var got []gateway.Transform
	for i, a := range args {
		if a == "--transform" {
			if err := (transforms{&got}).Set(args[i+1]); err != nil {
				t.Errorf("%s: %v", args[i+1], err)
			}
		}
	}
	const payload = `{"_squall":"s.1","voter":"ada","option":"yes","n":3}`
	if len(got) != 2 || got[1].Channel != "vote.*" || string(got[1].Make([]byte(payload))) != string(x.Make([]byte(payload))) {
		t.Errorf("%q gives %v", args, got)
	}
	if !slices.Contains(args, "--transform") {
		t.Errorf("no transform in %q", args)
	}
	for _, row := range []struct{ text, want string }{
		{"vote.*", "a channel and its payload, such as"},
		{"={}", "found no channel"},
		{"a=nothing", "expected a mapping"},
		{`a={x: "{i}"}`, "a field of the message is msg.i"},
	} {
		b := newBench()
		if code := b.squall("gateway", "--transform", row.text); code != exitUsage || !strings.Contains(b.err.String(), row.want) {
			t.Errorf("%s: exit %d, %s, want %q", row.text, code, b.err.String(), row.want)
		}
	}
}
