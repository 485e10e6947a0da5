// Package db opens a service's own database, SQLite or PostgreSQL, behind one
// type, and writes to it.
//
// Both engines run the same SQL text: parameters are $1, $2 ...; columns are
// TEXT, BIGINT, BOOLEAN, BYTEA or JSONB; times are BIGINT microseconds UTC
// (Micros, FromMicros). SQLite has one writer connection (BEGIN IMMEDIATE, WAL,
// synchronous=FULL) and several readers. On PostgreSQL each service has its own
// schema, named after it, and the read pool is read-only too.
//
// There are two ways to write. WithTx makes a transaction of its own. Group
// shares one transaction, and so one wait for the disk, with every other writer
// that came while the last one was being committed: use it where many write at
// once. Either returns nil only when the data is on the disk.
//
// Errors the caller can act on carry a fault: disk_full, db_unreachable,
// db_busy, db_conflict, db_read_only, db_damaged, db_commit_unknown, db_closed.
package db
