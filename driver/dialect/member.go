package dialect

// EachMember calls f for everybody in the Payload of a Present: an array of the names of
// users, or an object of connections by their ids, each with its user. What it passes is
// valid until the next Reset of c, which walks over the list. It stops at what is neither.
func EachMember(c *Cursor, payload []byte, f func(connection, user []byte)) {
	c.Reset(payload)
	if len(payload) > 0 && payload[0] == '[' {
		for c.Array(); c.Element(); {
			f(nil, c.Text())
		}
		return
	}
	if !c.Open() {
		return
	}
	for id, ok := c.Member(); ok; id, ok = c.Member() {
		user, _ := clientInfo(c)
		if c.Err() != nil {
			return
		}
		f(id, user)
	}
}
