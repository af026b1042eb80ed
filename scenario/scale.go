package scenario

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// A group that is scaled to n clients consists of its numbers 0 to n−1: who came
// last leaves first, and comes again first. All numbers that it ever has are
// clients of the plan; those beyond `count` arrive by a scale only.

// scaling is one `scale` moment of a group: from so many clients to so many, one
// after the other, evenly over a time. The next one begins where it has come to.
type scaling struct {
	entry, turn int // of the timeline, and which repetition
	at, over    time.Duration
	from, to    int
	steps       int // that happen before the next one; |to − from| at most
}

// when is the time of a step, from 0.
func (x *scaling) when(step int) time.Duration {
	n := max(x.from-x.to, x.to-x.from)
	return x.at + time.Duration(float64(step)/float64(max(n, 1))*float64(x.over))
}

// reached is how many clients the group has after so many steps.
func (x *scaling) reached(steps int) int {
	if x.to < x.from {
		return x.from - steps
	}
	return x.from + steps
}

// scalings are those of a group, in the order of time.
func (s *Scenario) scalings(group string) []scaling {
	var all []scaling
	for i := range s.Timeline {
		m := &s.Timeline[i]
		if m.Scale == nil || !slices.Contains(m.Scale.Who, group) || m.When != nil {
			continue
		}
		if m.Every.Given && (m.Every.Duration <= 0 || s.Duration.Duration/m.Every.Duration > maxMoments) || m.Times > maxMoments {
			continue // refused
		}
		for k, at := range times(m, s.Duration.Duration) {
			all = append(all, scaling{entry: i, turn: k, at: at, over: m.Scale.Over.Duration, to: m.Scale.To})
		}
	}
	slices.SortStableFunc(all, func(a, b scaling) int { return int(a.at - b.at) })
	size := s.Clients[group].Count
	for i := range all {
		x := &all[i]
		x.from = size
		until := s.Duration.Duration
		if i+1 < len(all) {
			until = min(until, all[i+1].at)
		}
		x.steps = sort.Search(max(x.from-x.to, x.to-x.from), func(k int) bool { return x.when(k) >= until })
		size = x.reached(x.steps)
	}
	return all
}

// members is how many clients a group ever has.
func (s *Scenario) members(group string) int {
	most := s.Clients[group].Count
	for _, x := range s.scalings(group) {
		most = max(most, x.reached(x.steps))
	}
	return most
}

// size is how many clients a group is to have at a time of the timeline, with the
// steps of that time done.
func (c *compiler) size(group string, at time.Duration) int {
	n := c.s.Clients[group].Count
	for _, x := range c.scalings[group] {
		if x.at > at {
			break
		}
		n = x.reached(sort.Search(x.steps, func(k int) bool { return x.when(k) > at }))
	}
	return n
}

// scale makes the moment at which a group grows or shrinks. Its victims are those
// who come or go.
func (c *compiler) scale(i, k int, d *ScaleSpec) Moment {
	m := Moment{Do: "scale", Over: d.Over.Duration, Count: d.To}
	m.Summary = fmt.Sprintf("scale %s to %s%s", c.crowd(d.Who, Share{}), grouped(int64(d.To)), within(d.Over))
	group := c.plan.group(d.Who[0])
	for _, x := range c.scalings[d.Who[0]] {
		if x.entry != i || x.turn != k {
			continue
		}
		m.How = "in"
		if x.to < x.from {
			m.How = "out"
		}
		for step := range x.steps {
			number := group.First + x.from + step
			if m.How == "out" {
				number = group.First + x.from - 1 - step
			}
			m.Victims = append(m.Victims, Victim{Client: number, Delay: x.when(step) - x.at})
		}
	}
	slices.SortFunc(m.Victims, func(a, b Victim) int { return a.Client - b.Client })
	return m
}

func (p *Plan) group(name string) *Group {
	for i := range p.Groups {
		if p.Groups[i].Name == name {
			return &p.Groups[i]
		}
	}
	return nil
}

// presence is, for each client, which part of the active time it is there.
func (p *Plan) presence() []float64 {
	there := make([]float64, len(p.Clients))
	end := p.Duration.Seconds()
	for i := range there {
		if p.Clients[i].Arrive >= 0 {
			there[i] = 1
		}
	}
	for i := range p.Moments {
		m := &p.Moments[i]
		if m.Do != "scale" {
			continue
		}
		for _, v := range m.Victims {
			rest := max(end-(m.At+v.Delay).Seconds(), 0) / max(end, 1e-9)
			if m.How == "out" {
				rest = -rest
			}
			there[v.Client] += rest
		}
	}
	return there
}

// most is how many clients are there at once, at the highest.
func (p *Plan) most() int {
	type step struct {
		at time.Duration
		by int
	}
	var steps []step
	n := 0
	for i := range p.Clients {
		if p.Clients[i].Arrive >= 0 {
			n++
		}
	}
	for i := range p.Moments {
		m := &p.Moments[i]
		if m.Do != "scale" {
			continue
		}
		by := 1
		if m.How == "out" {
			by = -1
		}
		for _, v := range m.Victims {
			steps = append(steps, step{m.At + v.Delay, by})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return b.by - a.by // at the same time the one may come before the other has gone
	})
	highest := n
	for _, s := range steps {
		n += s.by
		highest = max(highest, n)
	}
	return highest
}

// scale refuses what can't be scaled.
func (v *validator) scale(path string, d *ScaleSpec) {
	v.groups(join(path, "who"), d.Who)
	if len(d.Who) != 1 {
		v.fail(join(path, "who"), "found %s, expected one group, whose new count `to` is", counted(d.Who, "no group"))
	}
}
