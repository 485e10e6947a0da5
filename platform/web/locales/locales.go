// Package locales is the catalogue of the design system: the sentences of the
// layout, the components, the error pages and the common faults.
package locales

import (
	"embed"
	"io/fs"
)

//go:embed *.json
var files embed.FS

// FS is the catalogue to give to i18n.NewBundle. Keys begin with "web." and
// "fault.".
func FS() fs.FS { return files }
