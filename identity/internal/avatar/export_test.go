package avatar

// Hold takes the turn for good.
func Hold(m *Maker) { m.turn <- struct{}{} }

// Orientation is orientation.
func Orientation(data []byte) int { return orientation(data) }
