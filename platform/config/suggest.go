package config

import (
	"slices"
	"strings"
)

// knownKeys says what could have been written instead of key.
func knownKeys(key string, known []string) string {
	if len(known) == 0 {
		return "no key is known here; remove it"
	}
	sorted := slices.Sorted(slices.Values(known))
	text := "known keys: " + strings.Join(sorted, ", ")
	if meant := Nearest(key, known); meant != "" {
		return text + "; did you mean " + meant + "? Rename or remove it"
	}
	return text + "; rename or remove it"
}

// Nearest is the known word that key most likely stands for, or "" when none
// is within a third of its length.
func Nearest(key string, known []string) string {
	best, meant := len(key)/3+1, ""
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(key), strings.ToLower(k)); d < best {
			best, meant = d, k
		}
	}
	return meant
}

// distance is the Levenshtein distance of two words, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
