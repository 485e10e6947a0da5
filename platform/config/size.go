package config

import (
	"errors"
	"math"
	"regexp"
	"strconv"
)

// Size is a number of bytes, written "16MiB" (1024s), "16MB" (1000s) or "512".
type Size int64

var (
	errSize  = errors.New(`is not a size; write bytes or a number and a unit (KiB, MiB, GiB, TiB, kB, MB, GB, TB), as in "16MiB"`)
	sizeText = regexp.MustCompile(`^(\d+)([A-Za-z]*)$`)
)

// binaryUnits are in the order in which String tries them.
func binaryUnits() []string { return []string{"TiB", "GiB", "MiB", "KiB"} }

// unitBytes is the number of bytes of a unit, or 0.
func unitBytes(unit string) int64 {
	switch unit {
	case "", "B":
		return 1
	case "KiB":
		return 1 << 10
	case "MiB":
		return 1 << 20
	case "GiB":
		return 1 << 30
	case "TiB":
		return 1 << 40
	case "kB", "KB":
		return 1e3
	case "MB":
		return 1e6
	case "GB":
		return 1e9
	case "TB":
		return 1e12
	}
	return 0
}

// String writes the largest binary unit that divides the size.
func (s Size) String() string {
	for _, unit := range binaryUnits() {
		if n := unitBytes(unit); s != 0 && int64(s)%n == 0 {
			return strconv.FormatInt(int64(s)/n, 10) + unit
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String writes, and decimal units.
func (s *Size) UnmarshalText(text []byte) error {
	parts := sizeText.FindStringSubmatch(string(text))
	if parts == nil {
		return errSize
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	unit := unitBytes(parts[2])
	if err != nil || unit == 0 || n > math.MaxInt64/unit {
		return errSize
	}
	*s = Size(n * unit)
	return nil
}
