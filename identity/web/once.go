package web

import (
	"crypto/rand"

	"guildhall/platform/web/ui"
)

// OnceName is the field by which a form counts once, OnceLen how long its value is.
const (
	OnceName = "once"
	OnceLen  = 26
)

// once is the field, with a value that no other form has.
func once() ui.Hidden { return ui.Hidden{Name: OnceName, Value: rand.Text()} }
