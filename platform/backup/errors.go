package backup

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"guildhall/platform/fault"
)

// The faults that a backup or a restore ends with, besides those of package db.
var (
	// ErrDamaged: the file is not what Create wrote. Nothing was changed.
	ErrDamaged = fault.New(fault.Invalid, "backup_damaged", "The backup is damaged.")
	// ErrEncrypted: the identity is missing or another one's.
	ErrEncrypted = fault.New(fault.Invalid, "backup_encrypted", "The backup is encrypted.")
	// ErrOverwrite: there is data where the backup would go.
	ErrOverwrite = fault.New(fault.Conflict, "restore_overwrites", "There is data already.")
	// ErrMismatch: the backup does not fit where it is to go.
	ErrMismatch = fault.New(fault.Invalid, "backup_mismatch", "The backup does not fit.")
)

func damaged(file, format string, args ...any) error {
	f := fault.New(fault.Invalid, ErrDamaged.Code, format, args...)
	f.Detail = "The backup " + filepath.Base(file) + " is damaged: " + f.Detail + ". Nothing was changed. Use another backup."
	return f
}

// diskFull gives err its fault when a file system is full; where names it.
func diskFull(err error, where string) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, syscall.EFBIG) {
		return err
	}
	return fault.New(fault.Unavailable, "disk_full",
		"The disk of %s is full. Nothing was written and older backups are untouched. Free some space and try again.", where).Because(err)
}

// reason drops the operation and path that a PathError repeats.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
