package assert

import (
	"squall/assert/history"
	"squall/scenario"
)

// wants are the expectations, with their filters resolved.
type wants struct {
	all    []want
	groups []BriefGroup

	isolation bool                       // is expected
	retained  bool                       // is expected
	will      bool                       // is expected
	abuse     bool                       // is to hurt its author alone
	transform bool                       // is expected
	personal  map[history.ChannelID]bool // channels of one user
	observed  map[history.ChannelID]bool // channels whose payloads are not ours
}

type want struct {
	scenario.Expectation
	filter filter
}

func newWants(b *Brief, names *history.Names) wants {
	w := wants{groups: b.Groups, personal: make(map[history.ChannelID]bool, len(b.Personal))}
	for _, ch := range b.Personal {
		w.personal[history.ChannelID(ch)] = true
	}
	if len(b.Observed) > 0 {
		w.observed = make(map[history.ChannelID]bool, len(b.Observed))
	}
	for _, ch := range b.Observed {
		w.observed[history.ChannelID(ch)] = true
	}
	for _, x := range b.Expect {
		w.isolation = w.isolation || x.Rule == "isolation"
		w.retained = w.retained || x.Rule == "retained"
		w.will = w.will || x.Rule == "will"
		w.transform = w.transform || x.Rule == "transform"
		w.abuse = w.abuse || x.Rule == "close" && x.Close.When == "abuse"
		w.all = append(w.all, want{Expectation: x, filter: newFilter(b, names, x.Groups, x.Channel)})
	}
	return w
}

// anyAbout reports whether one of some expectations is about a channel.
func anyAbout(all []*want, ch history.ChannelID) bool {
	for _, w := range all {
		if ch >= 0 && w.filter.channel(ch) {
			return true
		}
	}
	return false
}

// stranger is a client of whom nothing is known but its number.
func (w *wants) stranger(client int) person {
	p := person{group: -1, first: -1, claim: -1}
	for i, g := range w.groups {
		if client >= g.First && client < g.First+g.Count {
			p.group = int16(i)
		}
	}
	return p
}

// filter is the `to:` and `channel:` of an expectation.
type filter struct {
	names   *history.Names
	groups  []bool // nil: all
	pattern string // "": all
	known   []int8 // by channel number: 0 not yet asked, 1 matches, −1 does not
}

func newFilter(b *Brief, names *history.Names, groups []string, pattern string) filter {
	f := filter{names: names, pattern: pattern}
	if len(groups) > 0 {
		f.groups = make([]bool, len(b.Groups))
		for i, g := range b.Groups {
			for _, name := range groups {
				if g.Name == name {
					f.groups[i] = true
				}
			}
		}
	}
	return f
}

func (f *filter) client(p *person) bool { return f.group(p.group) }

func (f *filter) group(g int16) bool {
	return f.groups == nil || g >= 0 && int(g) < len(f.groups) && f.groups[g]
}

func (f *filter) channel(ch history.ChannelID) bool {
	if f.pattern == "" {
		return true
	}
	if ch < 0 {
		return false
	}
	for int(ch) >= len(f.known) {
		f.known = append(f.known, 0)
	}
	if f.known[ch] == 0 {
		f.known[ch] = -1
		if scenario.Match(f.pattern, f.names.Name(int32(ch))) {
			f.known[ch] = 1
		}
	}
	return f.known[ch] > 0
}
