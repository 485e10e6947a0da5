// Package mails holds the templates of license's letters.
package mails

import (
	"embed"
	"io/fs"
)

//go:embed en zh pl
var files embed.FS

// FS is the folder of each language.
func FS() fs.FS { return files }
