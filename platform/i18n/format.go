package i18n

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// format is how one language writes numbers and dates (CLDR's medium forms).
type format struct {
	group, decimal string
	// minGroup is how many digits must stand before the first separator:
	// Polish writes 1234 and 12 345.
	minGroup int
	date     func(t time.Time) string
	joint    string // between date and time
}

func formats(lang string) format {
	switch lang {
	case "zh-CN":
		return format{group: ",", decimal: ".", minGroup: 1, date: dateZh, joint: " "}
	case "pl":
		return format{group: "\u00a0", decimal: ",", minGroup: 2, date: datePl, joint: ", "}
	}
	return format{group: ",", decimal: ".", minGroup: 1, date: dateEn, joint: ", "}
}

func dateEn(t time.Time) string { return t.Format("2 Jan 2006") }
func dateZh(t time.Time) string { return t.Format("2006年1月2日") }

func datePl(t time.Time) string {
	months := [...]string{"sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"}
	return fmt.Sprintf("%d %s %d", t.Day(), months[t.Month()-1], t.Year())
}

// Date writes t's calendar day in t's own location.
func Date(ctx context.Context, t time.Time) string { return from(ctx).format.date(t) }

// DateTime writes t to the minute with its zone, in t's own location.
func DateTime(ctx context.Context, t time.Time) string {
	f := from(ctx).format
	return f.date(t) + f.joint + t.Format("15:04 MST")
}

// Numeric is what Number can write.
type Numeric interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Number writes n with the reader's separators; a fraction is cut to three
// digits.
func Number[N Numeric](ctx context.Context, n N) string {
	f := from(ctx).format
	whole, fraction, _ := strings.Cut(decimal(n), ".")
	sign := ""
	if rest, ok := strings.CutPrefix(whole, "-"); ok {
		sign, whole = "\u2212", rest
	}
	if len(whole) >= 3+f.minGroup {
		whole = grouped(whole, f.group)
	}
	if fraction != "" {
		whole += f.decimal + fraction
	}
	return sign + whole
}

// decimal writes n in digits with at most three after the point, none of them
// a trailing zero. Integers keep every digit.
func decimal[N Numeric](n N) string {
	if one := N(1); one/2 == 0 { // an integer type
		return fmt.Sprint(n)
	}
	s := strconv.FormatFloat(float64(n), 'f', 3, 64)
	return cmp.Or(strings.TrimRight(strings.TrimRight(s, "0"), "."), "0")
}

func grouped(digits, separator string) string {
	head := len(digits) % 3
	parts := make([]string, 0, len(digits)/3+1)
	if head > 0 {
		parts = append(parts, digits[:head])
	}
	for i := head; i < len(digits); i += 3 {
		parts = append(parts, digits[i:i+3])
	}
	return strings.Join(parts, separator)
}

// List joins parts as the reader's language does.
func List(ctx context.Context, parts []string) string {
	return strings.Join(parts, T(ctx, "i18n.list.separator"))
}

// Bytes writes a size in binary units: "1.5 MiB".
func Bytes(ctx context.Context, n int64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	return Number(ctx, math.Round(size*10)/10) + "\u00a0" + units[unit]
}

// Duration writes d, rounded, in the unit that reads best: "3 days", "45 minutes".
func Duration(ctx context.Context, d time.Duration) string {
	unit, count := largest(d)
	return T(ctx, "i18n.duration."+unit, "Count", count)
}

// Relative writes t as seen from now: "in 3 days", "2 hours ago"; within a minute
// "just now", or "in a moment" when that is more than what clocks differ by.
func Relative(ctx context.Context, t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d > 5*time.Second && d < time.Minute:
		return T(ctx, "i18n.relative.soon")
	case d.Abs() < time.Minute:
		return T(ctx, "i18n.relative.now")
	}
	unit, count := largest(d.Abs())
	if d < 0 {
		return T(ctx, "i18n.past."+unit, "Count", count)
	}
	return T(ctx, "i18n.future."+unit, "Count", count)
}

// largest is d in the unit that reads best, rounded to the nearest. A unit
// begins where rounding to it changes little: 90 days, less the second since the
// certificate was issued, are "90 days".
func largest(d time.Duration) (unit string, count int) {
	const day = 24 * time.Hour
	in := func(unit time.Duration) int { return int((d + unit/2) / unit) }
	switch {
	case in(day) >= 730:
		return "years", in(365*day + day/4)
	case in(day) >= 100:
		return "months", in(365 * day / 12)
	case in(time.Hour) >= 48:
		return "days", in(day)
	case in(time.Minute) >= 60:
		return "hours", in(time.Hour)
	case in(time.Second) >= 60:
		return "minutes", in(time.Minute)
	}
	return "seconds", in(time.Second)
}
