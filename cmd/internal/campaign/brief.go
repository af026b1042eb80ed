package campaign

import (
	"fmt"
	"time"

	"squall/assert"
	"squall/driver/dialect"
	"squall/scenario"
)

// defaultMemory bounds the ledger.
const defaultMemory = 1 << 30

// NewBrief gathers what the judge must know of a run. It holds no secret: no
// token, no header, no query of the URL.
func NewBrief(plan *scenario.Plan, about dialect.About, target, engine string, started time.Time, o Options) *assert.Brief {
	b := &assert.Brief{
		Tool: o.Version, Run: fmt.Sprintf("%08x", o.Run), Command: o.Command, Started: started,
		Scenario: plan.Name, About: plan.About, File: plan.File, Set: plan.Set, Seed: plan.Seed,
		Target: target, Dialect: about.Name, Engine: engine,
		Duration: plan.Duration, Warmup: plan.Warmup, Promises: plan.Promises,
		Silence: about.SilenceCode, Lost: about.LostCode, Offsets: about.Can.Offsets, Ack: about.Can.Ack, Expect: plan.Expect, Memory: o.Memory,
	}
	if b.Memory <= 0 {
		b.Memory = defaultMemory
	}
	for _, g := range plan.Groups {
		bg := assert.BriefGroup{Name: g.Name, First: g.First, Count: g.Count, Never: g.Reconnect.Never, Limited: g.Limited()}
		for i := g.First; i < g.First+g.Count; i++ {
			bg.Subs += len(plan.Clients[i].Subs)
			for _, s := range plan.Clients[i].Subs {
				bg.Recover = bg.Recover || s.Recover
			}
		}
		bg.Refused, bg.Renew = g.Refused, g.Renew
		b.Groups = append(b.Groups, bg)
	}
	for i := range plan.Filters {
		b.Filters = append(b.Filters, plan.Filters[i].Shown())
	}
	b.Personal, b.Observed = personal(plan), observed(plan)
	for _, p := range plan.Publishers {
		b.Publishers = append(b.Publishers, assert.BriefPublisher{Client: p.Client, Name: p.Name, Priority: p.Priority})
	}
	b.Blocked = plan.Blocked()
	b.Members, b.Strangers = plan.Members()
	b.Apart = b.Members != nil && about.Can.Connections
	wills(b, plan, about)
	return b
}

// wills adds those of the clients to the publishers.
func wills(b *assert.Brief, plan *scenario.Plan, about dialect.About) {
	for i := range plan.Clients {
		if w := plan.Clients[i].Will; w != nil {
			if b.Wills == 0 {
				if b.Wills = w.Publisher; len(b.Publishers) == 0 {
					b.Publishers = append(b.Publishers, assert.BriefPublisher{}) // nobody publishes; wills are numbered from 1
				}
			}
			b.Publishers = append(b.Publishers, assert.BriefPublisher{Client: i, Name: "will"})
		}
	}
	if b.Goodbye = assert.GoodbyeFrame; about.Can.Leave {
		b.Goodbye = assert.GoodbyeWord
	}
}
