package scenario

import "slices"

// How the messages of a channel make a state that a client ends on.
const FoldLast = "last" // the last message is the state

// stateWant checks the body of an expectation about what channels end on.
func (v *validator) stateWant(path string, e *ExpectSpec, w *StateWant) {
	v.channelWant(path, e, w.Channel)
	if w.Fold == "" && v.sound(path) && !slices.Contains(v.s.later, join(path, "fold")) {
		v.fail(path, "found no fold, expected how messages make a state, as in fold: last")
	}
	if w.Equals == "" && v.sound(path) {
		v.fail(path, "found nothing that the state is to equal, expected equals: published")
	}
}
