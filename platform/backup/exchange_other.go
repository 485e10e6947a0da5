//go:build !linux

package backup

import "os"

// exchange swaps two paths; for a moment b is not there.
func exchange(a, b string) error {
	aside := b + ".replaced"
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return err
	}
	return os.Rename(aside, a)
}
