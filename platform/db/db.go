package db

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"guildhall/platform/fault"
)

// Engine is a kind of database.
type Engine string

// The engines that guildhall runs on.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// ErrClosed is returned for a write that came after Close.
var ErrClosed = fault.New(fault.Unavailable, "db_closed",
	"The service is stopping and takes no more writes. Nothing was changed; try again in a moment.")

// DB is one service's database. It is safe for concurrent use.
type DB struct {
	Engine Engine
	// Name is the service's name; on PostgreSQL also that of its schema.
	Name string
	// Path is the database file; empty on PostgreSQL.
	Path string
	// Read is the pool for queries; it refuses to write. On SQLite a query
	// sees what was committed when it began.
	Read *sql.DB

	write *sql.DB
	group *group
	log   *slog.Logger
	mu    sync.Mutex
	open  map[*sql.Tx]*transaction
}

// Options say how to open a database.
type Options struct {
	// Name is the service's name: lower-case letters, digits and underscores.
	// On PostgreSQL it names the schema, which is made when missing.
	Name string
	Log  *slog.Logger
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// Open opens the database at url: "sqlite:/var/lib/guildhall/ca/ca.db" or
// "postgres://user@host/database". A missing SQLite file is made, its folder is
// not. An error never shows the password. The caller closes the DB.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if !validName.MatchString(o.Name) || strings.HasPrefix(o.Name, "pg_") {
		return nil, fault.New(fault.Invalid, "db_name_invalid", "The service name %q cannot name a database: use lower-case letters, digits and underscores.", o.Name)
	}
	d := &DB{Name: o.Name, log: o.Log, open: map[*sql.Tx]*transaction{}}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if err := d.connect(ctx, url); err != nil {
		return nil, errors.Join(err, d.closePools())
	}
	d.group = newGroup(d) //nolint:contextcheck // it serves many callers and outlives ctx
	return d, nil
}

func (d *DB) connect(ctx context.Context, url string) error {
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		return d.openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return d.openPostgres(ctx, url)
	}
	// The text may hold a password, so none of it is shown.
	return fault.New(fault.Invalid, "db_url_invalid",
		"The database address of %s is not understood. Write sqlite:/path/to/file.db or postgres://user@host/database.", d.Name)
}

// Ping asks both pools whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	for _, pool := range []*sql.DB{d.Read, d.write} {
		if err := pool.PingContext(ctx); err != nil {
			return Coded(err)
		}
	}
	return nil
}

// Close takes no more writes, waits for those that Group has taken, and closes
// the pools.
func (d *DB) Close() error {
	d.group.close()
	return d.closePools()
}

func (d *DB) closePools() error {
	var errs []error
	for _, pool := range []*sql.DB{d.Read, d.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// Micros is how a time is stored: microseconds since 1970 UTC.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// FromMicros is the time that Micros stored, in UTC.
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
