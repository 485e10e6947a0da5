package offline

import (
	"strconv"
	"strings"
)

// includes says whether a version is one of the range. A version is numbers with
// points between; a "v" before and whatever follows "-" or "+" does not count.
func (v Versions) includes(version string) bool {
	at := numbers(version)
	from, to := numbers(v.From), numbers(v.To)
	if v.From != "" && compare(at, from, max(len(at), len(from))) < 0 {
		return false
	}
	return v.To == "" || compare(at, to, len(to)) <= 0
}

func (v Versions) String() string {
	switch {
	case v.From == "":
		return "up to " + v.To
	case v.To == "":
		return "from " + v.From
	default:
		return v.From + " to " + v.To
	}
}

func numbers(version string) []int {
	if i := strings.IndexAny(version, "-+"); i >= 0 {
		version = version[:i]
	}
	var out []int
	for part := range strings.SplitSeq(strings.TrimPrefix(version, "v"), ".") {
		n, _ := strconv.Atoi(part) // the pattern has checked it
		out = append(out, n)
	}
	return out
}

// compare looks at the first parts alone; what is missing is 0.
func compare(a, b []int, parts int) int {
	for i := range parts {
		if d := part(a, i) - part(b, i); d != 0 {
			return d
		}
	}
	return 0
}

func part(numbers []int, i int) int {
	if i < len(numbers) {
		return numbers[i]
	}
	return 0
}
