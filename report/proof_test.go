package report

import (
	"bytes"
	"strings"
	"testing"
)

func sampleProof() *Proof {
	p := &Proof{Version: ProofVersion, Tool: "dev"}
	*p.Cell(Cell{Scenario: "cuts", Defect: "ack-then-drop", Anomaly: "ack-then-drop", Where: "bubble"}) = Cell{
		Scenario: "cuts", Defect: "ack-then-drop", Anomaly: "ack-then-drop", Where: "bubble", Runs: 20, Right: 19, Judged: 120_000,
		Wrong: []Wrong{{Seed: 7, State: "pass", Why: "missed: the run ended as pass"}},
	}
	for _, c := range []Cell{
		{Scenario: "fan-out", Fault: "reset", Where: "bubble", Runs: 20, Right: 20, Inconclusive: 2, Judged: 40_000},
		{Scenario: "fan-out", Where: "sockets", Runs: 3, Right: 3, Judged: 400_000},
		{Scenario: "cuts", Where: "centrifugo ws://127.0.0.1:8000", Runs: 10, Right: 10, Judged: 1_000_000},
		{Scenario: "cuts", Where: "bubble", Runs: 20, Right: 20, Judged: 130_000},
	} {
		*p.Cell(c) = c
	}
	p.Sort()
	return p
}

func TestProofForms(t *testing.T) {
	p := sampleProof()
	var text, md, doc bytes.Buffer
	for _, err := range []error{p.Text(&text, Style{Width: 80}), p.Markdown(&md), p.JSON(&doc)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "proof.txt", text.Bytes())
	golden(t, "proof.md", md.Bytes())
	golden(t, "proof.json", doc.Bytes())
	again, err := ReadProof(&doc)
	if err != nil || len(again.Cells) != len(p.Cells) || again.Totals() != p.Totals() {
		t.Errorf("%v: %+v", err, again)
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("a line is too long: %q", line)
		}
	}
}

func TestProofThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		`{"squall_proof": 9, "tool": "x", "cells": []}`: "version 9",
		`{"squall_report": 1}`:                          "unknown field",
		`nonsense`:                                      "reading a proof",
	} {
		if _, err := ReadProof(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	var empty bytes.Buffer
	if err := new(Proof).Text(&empty, Style{Width: 80}); err != nil || !strings.HasPrefix(empty.String(), "OPEN") {
		t.Errorf("an empty proof proves %q, %v", empty.String(), err)
	}
}
