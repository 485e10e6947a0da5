package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lite "modernc.org/sqlite/lib"

	"guildhall/platform/fault"
)

// The faults that a database can cause. Their details hold nothing of the
// data; the driver's own words are the cause, for the log.
var (
	ErrDiskFull = fault.New(fault.Unavailable, "disk_full",
		"The disk of the database is full. Nothing was changed. Free some space on it and try again.")
	ErrUnreachable = fault.New(fault.Unavailable, "db_unreachable",
		"The database server does not answer. Nothing was changed. Check that it runs and that the address is right; the service goes on by itself when it is back.").After(2 * time.Second)
	ErrBusy = fault.New(fault.Unavailable, "db_busy",
		"The database is busy. Nothing was changed; try again in a moment.").After(time.Second)
	ErrConflict = fault.New(fault.Unavailable, "db_conflict",
		"Another write came in the way. Nothing was changed; try again.").After(time.Second)
	ErrReadOnly = fault.New(fault.Unavailable, "db_read_only",
		"The database cannot be written. Nothing was changed. Check the owner and mode of its file, or whether its server is a standby.")
	ErrDamaged = fault.New(fault.Internal, "db_damaged",
		"The database file is damaged or is not a database. Stop the service and restore a backup with guildhall restore.")
	ErrDisk = fault.New(fault.Unavailable, "db_disk_error",
		"The disk of the database reported an error. Nothing was changed. Look into the system's log for the disk.")
	ErrCommitUnknown = fault.New(fault.Unavailable, "db_commit_unknown",
		"The database went away while it was saving, so it is not known whether the change was made. Look before you try again.")
)

// IsUnique says whether err is a unique or primary key violation.
func IsUnique(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "23505"
	}
	if le, ok := errors.AsType[*sqlite.Error](err); ok {
		return le.Code() == lite.SQLITE_CONSTRAINT_UNIQUE || le.Code() == lite.SQLITE_CONSTRAINT_PRIMARYKEY ||
			le.Code() == lite.SQLITE_CONSTRAINT_ROWID
	}
	return false
}

// Coded gives err its fault when the engine's trouble is one that somebody can
// act on; any other error, and one that has a fault already, is returned as it
// is. Group, WithTx and Ping have done so; stores use it on reads if they like.
func Coded(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if f := engineFault(err); f != nil {
		return f.Because(err)
	}
	return err
}

func engineFault(err error) *fault.Error {
	if le, ok := errors.AsType[*sqlite.Error](err); ok {
		return liteFault(le.Code())
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgFault(pe.Code)
	}
	switch {
	case lost(err):
		return ErrUnreachable
	case err.Error() == "sql: database is closed": // database/sql exports no value for it
		return ErrClosed
	}
	return nil
}

func liteFault(code int) *fault.Error {
	switch code {
	case lite.SQLITE_IOERR_WRITE, lite.SQLITE_IOERR_TRUNCATE, lite.SQLITE_IOERR_SHMSIZE:
		// The file system said no: over quota, or over the size it allows.
		return ErrDiskFull
	}
	switch code & 0xff {
	case lite.SQLITE_FULL:
		return ErrDiskFull
	case lite.SQLITE_BUSY, lite.SQLITE_LOCKED:
		return ErrBusy
	case lite.SQLITE_CORRUPT, lite.SQLITE_NOTADB:
		return ErrDamaged
	case lite.SQLITE_READONLY, lite.SQLITE_CANTOPEN, lite.SQLITE_PERM:
		return ErrReadOnly
	case lite.SQLITE_IOERR:
		return ErrDisk
	}
	return nil
}

// pgFault reads an SQLSTATE (PostgreSQL manual, appendix A).
func pgFault(state string) *fault.Error {
	switch state {
	case "53100":
		return ErrDiskFull
	case "40001", "40P01":
		return ErrConflict
	case "53300":
		return ErrBusy
	case "25006":
		return ErrReadOnly
	case "28P01", "28000", "3D000":
		return fault.New(fault.Unavailable, "db_refused", "The database server refused us. Check the user, the password and the database name in the address.")
	}
	if lostState(state) {
		return ErrUnreachable
	}
	return nil
}

// lostState holds for SQLSTATEs after which the connection is gone: class 08,
// and the server's shutdown, crash, start and idle time-outs.
func lostState(state string) bool {
	return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P") || state == "25P03"
}

// lost says whether err means that the connection to the server failed, rather
// than that the server refused the statement.
func lost(err error) bool {
	if errors.Is(err, ErrCommitUnknown) {
		return false
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return lostState(pe.Code)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !isNet(err) {
		return false
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || isNet(err) ||
		// pgx has no exported value for a statement on a connection it closed.
		err != nil && strings.HasSuffix(err.Error(), "conn closed")
}

func isNet(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// transient says whether the same work may well succeed in a moment.
func transient(err error) bool {
	if errors.Is(err, ErrCommitUnknown) {
		return false
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "40001" || pe.Code == "40P01" || pe.Code == "53300" || lostState(pe.Code)
	}
	return lost(err)
}
