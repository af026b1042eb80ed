package scenario

// How the messages of a channel make a state that a client ends on.
const (
	FoldLast  = "last"  // the last message is the state
	FoldMerge = "merge" // the last message of each key is its row
	FoldSum   = "sum"   // the numbers of all messages, added up by key
)

// stateWant checks the body of an expectation about what channels end on.
func (v *validator) stateWant(path string, e *ExpectSpec, w *StateWant) {
	v.channelWant(path, e, w.Channel)
	if w.Fold == "" && v.sound(path) {
		v.fail(path, "found no fold, expected how messages make a state, as in fold: last")
	}
	if w.Equals == "" && v.sound(path) {
		v.fail(path, "found nothing that the state is to equal, expected equals: published")
	}
	for _, x := range []struct{ key, field, of string }{{"key", w.Key, "merge or sum"}, {"value", w.Value, FoldSum}, {"tombstone", w.Gone, FoldMerge}} {
		v.checkField(join(path, x.key), x.field)
		wanted := w.Fold == FoldMerge || w.Fold == FoldSum
		if x.of != "merge or sum" {
			wanted = w.Fold == x.of
		}
		switch {
		case x.field != "" && !wanted && v.sound(path) && w.Fold != "":
			v.fail(join(path, x.key), "found %s with fold: %s, expected it with %s only", x.key, w.Fold, x.of)
		case x.field == "" && wanted && x.key != "tombstone" && v.sound(path):
			v.fail(path, "found fold: %s without %s, expected the field of the payload, as in %s: account", w.Fold, x.key, x.key)
		}
	}
}

// expectState takes over what is expected of the end of channels.
func (c *compiler) expectState(e *Expectation, w *StateWant, path string) {
	e.Rule, e.Want, e.Channel = "state", w.Fold, w.Channel
	if w.Fold != FoldLast {
		for _, x := range c.plan.Promises.AllShapes() {
			if w.Channel == "" || Overlap(w.Channel, x.Match) {
				c.fail(path, "found fold: %s of %s, which is thinned out (%s), expected fold: last: what is left out there may be the last of its key", w.Fold, quote(or(w.Channel, "**")), x.Kind)
			}
		}
		e.Book = &Book{Channel: w.Channel, Key: w.Key, Value: w.Value, Tombstone: w.Gone}
		e.Number = c.book(path, *e.Book)
	}
}
