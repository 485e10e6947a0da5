// Package locales holds the sentences of license's pages.
package locales

import (
	"embed"
	"io/fs"
)

//go:embed *.json
var files embed.FS

// FS is the catalogue.
func FS() fs.FS { return files }
