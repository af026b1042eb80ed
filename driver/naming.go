package driver

import "fmt"

// session is the name of a client's session: unique among runs, and short
// enough for protocols that allow 23 characters.
func (f *fleet) session(client int32) string { return fmt.Sprintf("sq%s-%d", f.runID, client) }
