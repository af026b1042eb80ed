package main

import (
	"context"
	"errors"

	"squall/cmd/internal/campaign"
)

// The exit codes. 0, 1, 3 and 4 also come from a Result (report.Result.Exit).
// Precedence: 2 before a run; then 1 if anything failed; else 4 if the target
// was lost; else 3; else 0.
const (
	exitPass         = 0 // everything expected was seen to hold
	exitFail         = 1 // an expectation failed
	exitUsage        = 2 // bad usage or a bad scenario: nothing was run
	exitInconclusive = 3 // saturated, not exercised, interrupted
	exitTarget       = 4 // the target or the environment could not be used
)

// exitHelp is what the root's help says about them.
const exitHelp = `Exit codes:
  0  pass: everything expected was seen to hold
  1  fail: an expectation failed
  2  bad usage or a bad scenario; nothing was run
  3  inconclusive: not exercised, generator saturated, or interrupted
  4  the target or the environment could not be used`

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage marks err as bad usage.
func usage(err error) error { return &failure{exitUsage, err} }

// environment marks err as a lack of the environment.
func environment(err error) error { return &failure{exitTarget, err} }

// exitCode is the code of an error that ended a verb. Errors without a mark come
// from a run that could not be judged; errors of cobra itself are bad usage and
// are marked where they arise.
func exitCode(err error) int {
	var f *failure
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, campaign.ErrTarget):
		return exitTarget
	case errors.Is(err, context.Canceled):
		return exitInconclusive
	}
	return exitTarget
}
