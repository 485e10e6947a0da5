package backup

import (
	"path/filepath"
	"slices"

	"guildhall/platform/fault"
)

// block is what a file system takes at least for a file, in bytes.
const block = 4096

// room refuses members for which the disk of dir has no room. Unpacked they may
// be a thousand times as large as the backup.
func room(file string, members []Member, dir string) error {
	need := uint64(0)
	for _, m := range members {
		need += (uint64(m.Size)/block + 1) * block //nolint:gosec // no size is negative, and their sum is none either
	}
	free, err := freeSpace(dir)
	if err != nil {
		return err
	}
	if need <= free {
		return nil
	}
	return fault.New(fault.Unavailable, "disk_full",
		"The backup %s needs %d MB when it is unpacked, and %d MB are free on the disk of %s. Nothing was changed. Free some space and try again.",
		filepath.Base(file), need>>20+1, free>>20, dir)
}

func onlyNamed(members []Member, name string) []Member {
	i := slices.IndexFunc(members, func(m Member) bool { return m.Name == name })
	return members[max(i, 0) : i+1]
}
