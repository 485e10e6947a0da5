// Package mails holds the templates of identity's letters. Beside what package
// account gives a letter, each has URL, the https address of the sign-in page.
package mails

import (
	"embed"
	"io/fs"
)

//go:embed en zh pl
var files embed.FS

// FS is the folder of each language.
func FS() fs.FS { return files }
