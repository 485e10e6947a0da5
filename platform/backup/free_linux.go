package backup

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeSpace is what this user may still write on the disk of dir, in bytes.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // a block has a size
}
