package avatar

// Hold takes the turn for good.
func Hold(m *Maker) { m.turn <- struct{}{} }
