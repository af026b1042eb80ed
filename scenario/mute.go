package scenario

import "fmt"

// lasts reports whether an action goes on until the drain when nothing says for
// how long.
func lasts(do string) bool { return do == "slow" || do == "mute" || do == "degrade" }

// mute makes the moment at which clients begin to omit something.
func (c *compiler) mute(i, k int, d *MuteSpec) Moment {
	x := Moment{Do: "mute", How: d.What, For: d.For.Duration, Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)}
	x.Summary = fmt.Sprintf("mute %s of %s", d.What, c.crowd(d.Who, d.Share))
	if d.For.Given {
		x.Summary += " for " + d.For.String()
	}
	return x
}

// beatWant checks a heartbeat expectation: both limits are longest times.
func (v *validator) beatWant(path string, e *ExpectSpec, h *BeatWant) {
	if h.ServerEvery.Op == "" && h.Reaps.Op == "" && v.sound(path) {
		v.fail(path, "found no limit, expected server-every, reaps-silent-within or both")
	}
	for key, l := range map[string]TimeLimit{"server-every": h.ServerEvery, "reaps-silent-within": h.Reaps} {
		if l.Op != "" && l.Op != "<" && l.Op != "<=" {
			v.fail(join(path, key), "found %s, expected the longest time, such as 10s", l.Text)
		}
	}
	if e.Channel != "" {
		v.fail(path, "found a channel with heartbeat, expected none: heartbeats belong to connections")
	}
}
