package driver

import (
	"math"
	"strconv"

	"squall/assert/history"
	"squall/driver/dialect"
)

// sums reads what deliveries hold where the target sends sums instead of messages. They
// carry no stamp: nobody has published them.
type sums struct {
	numbers []int16 // 1 + how they are read on a channel, by the channel's number; 0: not asked yet
	cursor  dialect.Cursor
}

// longestKey bounds the keys that a target is believed, bytes.
const longestKey = 200

// of is how sums are read on a channel, as the plan numbers it; 0: they aren't.
func (x *sums) of(f *fleet, ch history.ChannelID) int32 {
	for int(ch) >= len(x.numbers) {
		x.numbers = append(x.numbers, 0)
	}
	if x.numbers[ch] == 0 {
		x.numbers[ch] = int16(1 + f.plan.ToldOf(f.cfg.Names.Name(int32(ch))))
	}
	return int32(x.numbers[ch]) - 1
}

// readSum reads the sum of the delivery in s.in, which has no stamp.
func (s *shard) readSum(payload []byte) {
	in := &s.in
	if in.Told = s.sums.of(s.fleet, in.Channel); in.Told == 0 {
		return
	}
	b := &s.fleet.plan.Told[in.Told-1]
	in.Key, in.Amount, in.Unread = 0, 0, ""
	keyed, summed := false, false
	c := &s.sums.cursor
	c.Reset(payload)
	if !c.Open() {
		in.Unread = "it is no object"
		return
	}
	for key, more := c.Member(); more; key, more = c.Member() {
		switch string(key) {
		case b.Key:
			in.Key, keyed = s.keyOf(c.Skip())
		case b.Value:
			in.Amount, summed = amountOf(c.Skip())
		default:
			c.Skip()
		}
	}
	switch {
	case !keyed:
		in.Unread = "the field " + b.Key + " holds no key"
	case !summed:
		in.Unread = "the field " + b.Value + " holds no number"
	}
}

// keyOf is the name of a key: a text, a number or a truth, as it stands in JSON.
func (s *shard) keyOf(raw []byte) (history.KeyID, bool) {
	if len(raw) == 0 || len(raw) > longestKey+2 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n' {
		return 0, false
	}
	if raw[0] == '"' {
		var c dialect.Cursor
		c.Reset(raw)
		if raw = c.Text(); c.Err() != nil {
			return 0, false
		}
	}
	if len(s.fleet.plan.Secrets) > 0 {
		raw = []byte(s.fleet.masked(string(raw)))
	}
	return history.KeyID(s.names.ID(raw)), true
}

// amountOf reads a number of JSON as millionths. What has more decimals is rounded: a
// target may add up in binary fractions.
func amountOf(raw []byte) (int64, bool) {
	i, negative := 0, false
	if i < len(raw) && raw[i] == '-' {
		i, negative = 1, true
	}
	if i == len(raw) || raw[i] < '0' || raw[i] > '9' {
		return 0, false
	}
	n, decimals, point := int64(0), 0, false
	for ; i < len(raw); i++ {
		d := raw[i]
		if d == '.' && !point {
			point = true
			continue
		}
		if d < '0' || d > '9' || decimals == 6 || n > (math.MaxInt64-9)/10 {
			return slowAmount(raw)
		}
		if n = n*10 + int64(d-'0'); point {
			decimals++
		}
	}
	for ; decimals < 6; decimals++ {
		if n > math.MaxInt64/10 {
			return 0, false
		}
		n *= 10
	}
	if negative {
		n = -n
	}
	return n, true
}

func slowAmount(raw []byte) (int64, bool) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.Abs(f) > math.MaxInt64/2e6 {
		return 0, false
	}
	return int64(math.Round(f * 1e6)), true
}
