// Package backup saves a service to one file and brings it back.
//
// The file is a tar.gz, encrypted with age when a recipient is configured:
//
//	manifest.json       what follows, with the SHA-256 of each member
//	database/...        SQLite: the database; PostgreSQL: tables.json and one
//	                    COPY text for each table
//	files/...           the other files of the service's folder, such as keys
//
// The SHA-256 of the whole tar.gz stands in its gzip header, so that a change of
// any byte is seen, even one that gzip and tar would ignore. tar reads the file
// as any other.
//
// Create never leaves half a file: it writes beside, syncs, and renames. Restore
// reads and checks everything, and builds the service anew beside the old one,
// before it replaces that in one step. It writes no more than the manifest names,
// and nothing when the disk has no room for that.
package backup
