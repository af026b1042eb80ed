package driver

import "fmt"

// session is the name of a client and of its session: unique among runs, and
// short and plain enough for protocols that allow 23 letters and digits.
func (f *fleet) session(client int32) string { return fmt.Sprintf("sq%sn%d", f.runID, client) }
