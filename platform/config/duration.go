package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written with days where they read better:
// "30s", "24h", "90d", "1d12h".
type Duration time.Duration

const day = 24 * time.Hour

var (
	errDuration = errors.New(`is not a duration; write a number and a unit (s, m, h, d), as in "30s", "24h" or "90d"`)
	daysFirst   = regexp.MustCompile(`^(?:(\d+)d)?(.*)$`)
)

// Std is the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes whole days (from two on) as "90d", the rest like time.Duration
// without its zero units: "24h", "1h30m", "0s".
func (d Duration) String() string {
	std := time.Duration(d)
	if std >= 2*day && std%day == 0 {
		return strconv.FormatInt(int64(std/day), 10) + "d"
	}
	text := std.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what String writes, and whatever time.ParseDuration
// takes that is not negative.
func (d *Duration) UnmarshalText(text []byte) error {
	parts := daysFirst.FindStringSubmatch(string(text))
	if parts == nil || parts[1] == "" && parts[2] == "" {
		return errDuration
	}
	var days, rest time.Duration
	if parts[1] != "" {
		n, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || n > math.MaxInt64/int64(day) {
			return fmt.Errorf("is longer than %s", Duration(math.MaxInt64/int64(day)*int64(day)))
		}
		days = time.Duration(n) * day
	}
	if parts[2] != "" {
		var err error
		if rest, err = time.ParseDuration(parts[2]); err != nil || rest < 0 || strings.HasPrefix(parts[2], "+") {
			return errDuration
		}
	}
	if days > math.MaxInt64-rest {
		return errDuration
	}
	*d = Duration(days + rest)
	return nil
}
