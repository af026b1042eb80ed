package scenario

// MomentSpec is one trigger and one action.
type MomentSpec struct {
	At       Duration  `yaml:"at" about:"When, from the end of the initial arrivals."`
	Every    Duration  `yaml:"every" about:"Again and again, first after that time."`
	Times    int       `yaml:"times" min:"1" about:"How often, with every."`
	When     *WhenSpec `yaml:"when" about:"When a client sees something."`
	Optional bool      `yaml:"optional" about:"Leave it out where the target can't do it."`

	Disconnect  *DisconnectSpec `yaml:"disconnect" action:"true" about:"Connections are lost."`
	Slow        *SlowSpec       `yaml:"slow" action:"true" about:"Clients read slowly."`
	Publish     *BurstSpec      `yaml:"publish" action:"true" about:"Further publications."`
	Rate        *RateSpec       `yaml:"rate" action:"true" about:"The rate of publications changes."`
	Say         *string         `yaml:"say" action:"true" about:"A remark for people."`
	Degrade     *DegradeSpec    `yaml:"degrade" action:"true" about:"The links of clients change for a while."`
	Mute        *MuteSpec       `yaml:"mute" action:"true" about:"Clients don't answer."`
	Abuse       *AbuseSpec      `yaml:"abuse" action:"true" about:"Clients break the protocol; only they may suffer from it."`
	Subscribe   *TopicSpec      `yaml:"subscribe" action:"true" about:"Clients subscribe."`
	Unsubscribe *TopicSpec      `yaml:"unsubscribe" action:"true" about:"Clients unsubscribe."`
	Scale       *ScaleSpec      `yaml:"scale" action:"true" about:"The group grows or shrinks."`
	Block       *BlockSpec      `yaml:"block" action:"true" about:"Upgrades to WebSocket are refused, as by a proxy."`
	Revoke      *RevokeSpec     `yaml:"revoke" action:"true" about:"The embedded gateway takes the rights of clients away, for good."`
	Gateway     *VerbSpec       `yaml:"gateway" action:"true" about:"Something happens to the embedded gateway."`
	Exec        []string        `yaml:"exec" action:"true" about:"A command and its arguments, run on this machine without a shell; needs --allow-exec."`
}

// WhenSpec is a trigger by what a client sees.
type WhenSpec struct {
	Who     []string `yaml:"who" one:"true" about:"A group or a list, who see, and are struck unless the action says who; all by default."`
	Sees    string   `yaml:"sees" need:"true" enum:"connected,subscribed,replay,message,acked,ping,closed" about:"The answer to connect, the answer to a subscribe, a replayed message, a live one, the acknowledgement of a publication, a ping of the server, the end of the connection."`
	Nth     int      `yaml:"nth" min:"1" about:"Which of them, counted for each client from its arrival; 1."`
	Before  string   `yaml:"before" enum:"connected,subscribed,replay,message,acked,ping,closed" about:"Only if nothing of that kind came before on the same connection."`
	Channel string   `yaml:"channel" about:"Only on channels that match: * is one segment, ** the rest."`
	Share   Share    `yaml:"share" about:"Which of the group; all by default."`
}

// DisconnectSpec is how connections are lost.
type DisconnectSpec struct {
	Who    []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share  Share    `yaml:"share" about:"Which of them; all by default."`
	Over   Duration `yaml:"over" about:"The victims are spread over that time."`
	How    string   `yaml:"how" enum:"close,fin,reset,cut,freeze,vanish" about:"By a close frame, FIN, RST, RST inside a frame, silence for a while, or silence for ever; reset by default."`
	Away   Draw     `yaml:"away" about:"Time before the first attempt to return; 0s."`
	Fresh  bool     `yaml:"fresh" about:"Forget the positions."`
	Code   int      `yaml:"code" about:"Of the close frame; 1000."`
	Reason string   `yaml:"reason" about:"Of the close frame."`
	After  Size     `yaml:"after" about:"Bytes after which to cut; by default inside the next frame."`
}

// SlowSpec is how clients read slowly.
type SlowSpec struct {
	Who   []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share Share    `yaml:"share" about:"Which of them; all by default."`
	Rate  ByteRate `yaml:"rate" need:"true" about:"What each reads."`
	For   Duration `yaml:"for" about:"How long; by default until the drain."`
}

// BurstSpec is further publications.
type BurstSpec struct {
	Who       []string `yaml:"who" one:"true" about:"A group or a list; all that publish by default."`
	Share     Share    `yaml:"share" about:"Which of them; all by default."`
	Publisher string   `yaml:"publisher" about:"Name of the publish entry."`
	Channel   Template `yaml:"channel" about:"Instead of the entry's own."`
	Count     int      `yaml:"count" min:"1" about:"Messages of each client; 1."`
	Rate      Rate     `yaml:"rate" about:"Messages per second of each client; by default all at once."`
}

// RateSpec is a new rate of publications.
type RateSpec struct {
	Who       []string `yaml:"who" one:"true" about:"A group or a list; all that publish by default."`
	Publisher string   `yaml:"publisher" about:"Name of the publish entry; all by default."`
	To        Rate     `yaml:"to" need:"true" about:"The new rate of each client."`
	Over      Duration `yaml:"over" about:"Time of the change."`
}

// DegradeSpec is another network for a while. What it leaves out stays as it is.
type DegradeSpec struct {
	Who    []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share  Share    `yaml:"share" about:"Which of them; all by default."`
	Delay  Draw     `yaml:"delay" about:"How much later every byte comes, either way."`
	Jitter Draw     `yaml:"jitter" about:"By how much the delay changes, more or less, each time."`
	Rate   ByteRate `yaml:"rate" about:"Bytes per second, either way."`
	For    Duration `yaml:"for" about:"How long; by default until the drain."`
}

// MuteSpec is something that clients omit.
type MuteSpec struct {
	Who   []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share Share    `yaml:"share" about:"Which of them; all by default."`
	What  string   `yaml:"what" need:"true" enum:"pings,pongs,acks" about:"Their own pings, the answers to those of the server, or the acknowledgements of what it delivers."`
	For   Duration `yaml:"for" about:"How long, on every connection that they have meanwhile; by default until the drain."`
}

// AbuseSpec is something that clients do wrongly.
type AbuseSpec struct {
	Who   []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share Share    `yaml:"share" about:"Which of them; all by default."`
	What  string   `yaml:"what" need:"true" enum:"unmasked,reserved-bit,reserved-opcode,bad-utf8,long-control,oversize,bad-json,unknown-command,duplicate-subscribe,stale-epoch,future-offset,other-session,expired-token,second-connect" about:"The offence."`
}

// TopicSpec is a change of subscriptions.
type TopicSpec struct {
	Who     []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share   Share    `yaml:"share" about:"Which of them; all by default."`
	Channel Template `yaml:"channel" about:"Channel, segments joined by dots."`
	Pattern Template `yaml:"pattern" about:"Pattern: * is one segment, ** the rest."`
	Filter  Template `yaml:"filter" about:"With subscribe: expression over the fields of msg."`
	Recover *bool    `yaml:"recover" about:"With subscribe: ask for what was missed when returning; by default where promised."`
}

// ScaleSpec is a new count of a group.
type ScaleSpec struct {
	Who  []string `yaml:"who" one:"true" need:"true" about:"One group."`
	To   int      `yaml:"to" need:"true" min:"0" about:"Its new count; who came last leaves first."`
	Over Duration `yaml:"over" about:"Time of the change; at once by default."`
}

// BlockSpec says whose upgrades are refused, and how long.
type BlockSpec struct {
	Who   []string `yaml:"who" one:"true" about:"A group or a list; all by default."`
	Share Share    `yaml:"share" about:"Which of them; all by default."`
	For   Duration `yaml:"for" about:"How long; by default until the drain."`
}

// RevokeSpec says who loses all rights.
type RevokeSpec struct {
	Who   []string `yaml:"who" one:"true" about:"Groups."`
	Share Share    `yaml:"share" about:"Which of them."`
}

// VerbSpec is something that happens to the gateway: to a node, all or each.
type VerbSpec struct {
	Restart     string   `yaml:"restart" verb:"true" about:"Stops without notice and starts again. A node number, all or each."`
	Drain       string   `yaml:"drain" verb:"true" about:"Takes leave with notice and comes back. A node number, all or each."`
	Kill        string   `yaml:"kill" verb:"true" about:"Resets every connection and comes back. A node number, all or each."`
	Pause       string   `yaml:"pause" verb:"true" about:"Does nothing for a while. A node number, all or each."`
	Forget      string   `yaml:"forget-history" verb:"true" about:"The histories are emptied; offsets go on. A node number, all or each."`
	Epoch       string   `yaml:"new-epoch" verb:"true" about:"All channels begin anew in another epoch. A node number, all or each."`
	Maintenance string   `yaml:"maintenance" verb:"true" about:"Takes leave with a long notice and comes back. A node number, all or each."`
	Apart       Duration `yaml:"apart" about:"With each: time between two nodes; 10s."`
	Down        Duration `yaml:"down" about:"Time that a node is down; 1s."`
	For         Duration `yaml:"for" about:"With pause: how long; 5s."`
}
