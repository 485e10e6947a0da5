package main

import "fmt"

// pageSize is the most that the API gives in one answer.
const pageSize = 500

// readAll reads page after page, until there are limit of them, or all when that is
// 0. page is what comes after offset, and how many there are in all.
func readAll[T any](limit int, page func(offset int) (list []T, total int, err error)) ([]T, error) {
	all := []T{}
	for {
		list, total, err := page(len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if len(list) == 0 || len(all) >= total {
			return all, nil
		}
	}
}

// checkLimit refuses a --limit that cannot be.
func checkLimit(n int) error {
	if n < 0 {
		return fmt.Errorf("--limit must be 0, for all, or more, but got %d", n)
	}
	return nil
}

// printList prints a list as JSON, as ids alone, or as a line for each.
func printList[T any](t terminal, asJSON, ids bool, list []T, one func(T) (id, line string)) error {
	if asJSON {
		return t.json(list)
	}
	for _, x := range list {
		id, line := one(x)
		if ids {
			line = id
		}
		t.printf("%s\n", line)
	}
	return nil
}
