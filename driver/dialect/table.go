package dialect

// All returns every protocol, in the order in which they are listed to people.
func All() []Dialect { return []Dialect{Events{}, Centrifugo{}, MQTT{Version: 5}, MQTT{Version: 4}} }

// Find returns the protocol that a scenario names.
func Find(name string) (Dialect, bool) {
	for _, d := range All() {
		if d.About().Name == name {
			return d, true
		}
	}
	return nil, false
}
