package session

// NextID is an id for a command that the session knows nothing of.
func (s *Session) NextID() uint64 { return s.id() }
