package main

import (
	"reflect"
	"strings"
	"testing"

	"squall/cmd/internal/campaign"
	"squall/scenario"
)

// TestShapesOfAProcess: a gateway in a process of its own is told of shapes as one in
// this process is.
func TestShapesOfAProcess(t *testing.T) {
	p := scenario.GatewayPlan{Shapes: []scenario.Shape{
		{Kind: scenario.Throttle, Match: "tally.*", Every: 200e6, Keep: "last"}, {Kind: scenario.Throttle, Match: "clock", Every: 1e9, Keep: "first"},
		{Kind: scenario.Debounce, Match: "status.**", Quiet: 300e6}, {Kind: scenario.Aggregate, Match: "votes.*", Every: 500e6, Sum: "weight", By: "option"},
	}, Batches: []scenario.Batch{{Match: "activity.*", Max: 50, Wait: 100e6}, {Match: "feed", Max: 2, Wait: 1e9}},
		Rows: []scenario.Rows{{Match: "a", Key: "k"}, {Match: "b.*", Key: "by.k", Tombstone: "gone"}, {Match: "c", Key: "k", Max: 7}, {Match: "d", Key: "k", Tombstone: "gone", Max: 8}}}
	o := &gatewayOptions{debounces: shapes{quiet: true}}
	args := campaign.GatewayArgs(p, 1)
	for i, flag := range args {
		switch strings.TrimLeft(flag, "-") {
		case "throttle":
			if err := o.throttles.Set(args[i+1]); err != nil {
				t.Error(err)
			}
		case "aggregate":
			if err := o.aggregates.Set(args[i+1]); err != nil {
				t.Error(err)
			}
		case "debounce":
			if err := o.debounces.Set(args[i+1]); err != nil {
				t.Error(err)
			}
		case "rows":
			if err := o.rows.Set(args[i+1]); err != nil {
				t.Error(err)
			}
		case "batch":
			if err := o.batches.Set(args[i+1]); err != nil {
				t.Error(err)
			}
		}
	}
	got, err := o.configure()
	if want := campaign.GatewayConfig(p, "").Shapes; err != nil || !reflect.DeepEqual(got.Shapes, want) {
		t.Errorf("got %+v, %v, want %+v", got.Shapes, err, want)
	}
	if want := campaign.GatewayConfig(p, "").Rows; len(want) != 4 || !reflect.DeepEqual(got.Rows, want) {
		t.Errorf("got %+v, want %+v", got.Rows, want)
	}
	if want := campaign.GatewayConfig(p, "").Batches; len(want) != 2 || !reflect.DeepEqual(got.Batches, want) {
		t.Errorf("got %+v, want %+v", got.Batches, want)
	}
}
