package assert

import "testing"

// fewHistories reports whether properties are looked at with a fifth of the histories (-short):
// then the rarest case may not be among them. The whole run wants every case.
func fewHistories() bool { return testing.Short() }
