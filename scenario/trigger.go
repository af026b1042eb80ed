package scenario

import (
	"fmt"
	"reflect"
	"slices"
)

// Trigger says at which event of its own a client is struck: the Nth that it
// sees, counted from its arrival. Each client is struck once.
type Trigger struct {
	Sees    string // connected, subscribed, replay, message, acked, ping, closed
	Nth     int
	Before  string // only if nothing of that kind came before on the same connection; "": always
	Channel string // only on channels that match this pattern; "": any
}

// On reports whether the trigger looks at a channel of that name.
func (t *Trigger) On(name string) bool { return t.Channel == "" || Match(t.Channel, name) }

// singles are the actions that a trigger can do to the client that saw it.
var singles = []string{"disconnect", "slow", "degrade", "mute", "block", "publish", "subscribe", "unsubscribe", "abuse"}

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
	switch {
	case !slices.Contains(singles, actions[0]):
		v.fail(act, "found when with %s, expected an action on the client that sees it: %s", actions[0], words(singles))
		return
	case w.Sees == "closed" && !slices.Contains(afterClosed, actions[0]):
		v.fail(join(at, "sees"), "found sees: closed with %s, which needs a connection; expected %s", actions[0], words(afterClosed))
	}
	for _, key := range []string{"who", "share"} {
		if v.s.given(join(act, key)) {
			v.fail(join(act, key), "found %s beside when, expected it inside when; to strike others than those who see is known, not yet available", key)
		}
	}
}

// inherited is m with the clients of its trigger as those of its action.
func (m *MomentSpec) inherited() *MomentSpec {
	if m.When == nil {
		return m
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
		if who := own.Elem().FieldByName("Who"); who.IsValid() {
			who.Set(reflect.ValueOf(m.When.Who))
		}
		if share := own.Elem().FieldByName("Share"); share.IsValid() {
			share.Set(reflect.ValueOf(m.When.Share))
		}
		f.Set(own)
	}
	return &c
}

// triggered makes x wait for w instead of a time.
func (c *compiler) triggered(x *Moment, w *WhenSpec) {
	x.When = &Trigger{Sees: w.Sees, Nth: max(w.Nth, 1), Before: w.Before, Channel: w.Channel}
	text := fmt.Sprintf("%s see %s", c.crowd(w.Who, w.Share), w.Sees)
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
