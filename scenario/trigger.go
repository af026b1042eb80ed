package scenario

import (
	"fmt"
	"reflect"
	"slices"
)

// Trigger says at which event of its own a client is struck, or has others struck: the
// Nth that it sees, counted from its arrival. Each client is struck once.
type Trigger struct {
	Sees    string // connected, subscribed, replay, message, acked, ping, closed
	Nth     int
	Before  string // only if nothing of that kind came before on the same connection; "": always
	Channel string // only on channels that match this pattern; "": any
}

// On reports whether the trigger looks at a channel of that name.
func (t *Trigger) On(name string) bool { return t.Channel == "" || Match(t.Channel, name) }

// singles are the actions that a trigger can do to the client that saw it, or to others.
var singles = []string{"disconnect", "slow", "degrade", "mute", "block", "publish", "subscribe", "unsubscribe", "abuse"}

// seers stands in the place of a repetition where those are drawn who see it for others.
const seers = -1

// afterClosed are those of them that need no connection.
var afterClosed = []string{"publish"}

// aboutChannels are the kinds of events that have a channel.
var aboutChannels = []string{"subscribed", "replay", "message", "acked"}

// when checks a trigger and whether the action can follow it.
func (v *validator) when(path string, m *MomentSpec, actions []string) {
	at, w := join(path, "when"), m.When
	v.who(at, w.Who, w.Share)
	if w.Before != "" && w.Before == w.Sees {
		v.fail(join(at, "before"), "found before: %s with sees: %s, expected something else", w.Before, w.Sees)
	}
	if w.Channel != "" && !slices.Contains(aboutChannels, w.Sees) {
		v.fail(join(at, "channel"), "found a channel with sees: %s, which has none; expected it with %s", w.Sees, words(aboutChannels))
	}
	if len(actions) != 1 {
		return
	}
	act := join(path, actions[0])
	others := v.s.given(join(act, "who")) || v.s.given(join(act, "share"))
	switch {
	case !slices.Contains(singles, actions[0]):
		v.fail(act, "found when with %s, expected an action on the client that sees it, or on others: %s", actions[0], words(singles))
	case w.Sees == "closed" && !others && !slices.Contains(afterClosed, actions[0]):
		v.fail(join(at, "sees"), "found sees: closed with %s, which needs a connection; expected %s, or others to do it to: who beside sees is who sees it, and within %s who is struck", actions[0], words(afterClosed), actions[0])
	}
}

// inherited is m with the clients of its trigger as those of its action, unless that
// names its own: then they are others, as many as it says.
func (m *MomentSpec) inherited() (action *MomentSpec, others bool) {
	if m.When == nil {
		return m, false
	}
	c := *m
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Tag.Get("action") == "" || f.Kind() != reflect.Pointer || f.IsNil() || f.Elem().Kind() != reflect.Struct {
			continue
		}
		own := reflect.New(f.Type().Elem())
		own.Elem().Set(f.Elem())
		who, share := own.Elem().FieldByName("Who"), own.Elem().FieldByName("Share")
		others = who.IsValid() && who.Len() > 0 || share.IsValid() && share.Interface().(Share).Given
		if who.IsValid() && who.Len() == 0 {
			who.Set(reflect.ValueOf(m.When.Who))
		}
		if share.IsValid() && !others {
			share.Set(reflect.ValueOf(m.When.Share))
		}
		f.Set(own)
	}
	return &c, others
}

// triggered makes x, entry i of the timeline, wait for w instead of a time.
func (c *compiler) triggered(x *Moment, i int, w *WhenSpec, others bool) {
	x.When = &Trigger{Sees: w.Sees, Nth: max(w.Nth, 1), Before: w.Before, Channel: w.Channel}
	text := fmt.Sprintf("%s see %s", c.crowd(w.Who, w.Share), w.Sees)
	if others {
		text = fmt.Sprintf("the first of %s sees %s", c.crowd(w.Who, w.Share), w.Sees)
		x.Seers = []int{}
		for _, v := range c.victims(i, seers, w.Who, w.Share, 0, Draw{}, false) {
			x.Seers = append(x.Seers, v.Client)
		}
	}
	if w.Nth > 1 {
		text += fmt.Sprintf(" no. %d", w.Nth)
	}
	if w.Channel != "" {
		text += " on " + w.Channel
	}
	if w.Before != "" {
		text += " before " + w.Before
	}
	x.Summary = text + ": " + x.Summary
}
