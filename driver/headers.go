package driver

import "squall/driver/engine"

// with is how a client connects: as all do, with its own headers beside.
func (s *shard) with(c *client, how *engine.Dial) *engine.Dial {
	headers := s.plan(c).Headers
	if len(headers) == 0 {
		return how
	}
	own := *how
	for _, h := range headers {
		own.Request = engine.AddHeader(own.Request, h.Name, h.Value)
	}
	return &own
}
