package backup

import (
	"encoding/json"
	"io/fs"
	"path/filepath"
	"time"

	"guildhall/platform/db"
)

// format is the version of the file's layout; Restore refuses another one.
const format = 1

const (
	manifestName = "manifest.json"
	databaseDir  = "database"
	filesDir     = "files"
	// maxManifest bounds what is read before anything is checked, in bytes.
	maxManifest = 16 << 20
)

// Manifest says what a backup holds.
type Manifest struct {
	// Format is the version of the layout.
	Format  int       `json:"format"`
	Service string    `json:"service"`
	Engine  db.Engine `json:"engine"`
	// Migrations are the versions that the database is at, by goose table.
	Migrations map[string]int64 `json:"migrations"`
	CreatedAt  time.Time        `json:"created_at"`
	Members    []Member         `json:"members"`
}

// Member is one file in a backup.
type Member struct {
	// Name is its path in the archive, with slashes.
	Name   string      `json:"name"`
	Size   int64       `json:"size"` // in bytes
	SHA256 string      `json:"sha256"`
	Mode   fs.FileMode `json:"mode"`
}

// database is the path of a SQLite backup's database in the archive.
func (m Manifest) database() string { return databaseDir + "/" + m.Service + ".db" }

// parseManifest reads and checks a manifest; the error says what is wrong.
func parseManifest(text []byte) (Manifest, string) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, "its manifest cannot be read: " + err.Error()
	}
	var total int64
	for _, member := range m.Members {
		if total += member.Size; total < 0 {
			return m, "its manifest names an impossible size"
		}
		if !filepath.IsLocal(member.Name) || member.Size < 0 || member.Mode&^fs.ModePerm != 0 {
			return m, "its manifest names an impossible file"
		}
	}
	return m, ""
}
