package presence

// Count returns how many keys topic has. It costs the same for any number of them.
func (t *Tracker) Count(topic string) int {
	s := t.lock(topic)
	defer s.mu.Unlock()
	return len(s.topics[topic])
}
