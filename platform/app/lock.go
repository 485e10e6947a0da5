package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"guildhall/platform/fault"
)

// ErrLocked says that another process uses the data directory.
var ErrLocked = fault.New(fault.Conflict, "data_locked", "Another guildhall process uses this data directory.")

// lock takes the data directory for this process. The kernel gives it back when
// the process ends, however it ends.
func lock(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.New(fault.Invalid, "data_unusable", "The data directory %s cannot be made: %w. Give another --data, or make the directory for the user who runs guildhall.", dir, err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.New(fault.Invalid, "data_unusable", "The data directory %s cannot be written: %w. Run guildhall as the user to whom the directory belongs, or give another --data.", dir, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close()
		return nil, fault.New(ErrLocked.Kind, ErrLocked.Code,
			"Another guildhall process uses %s. Stop it with \"guildhall stop --data %s\", or give another --data.", dir, dir)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}
