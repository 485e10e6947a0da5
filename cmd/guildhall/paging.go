package main

import "fmt"

// pageSize is the most that the API gives in one answer.
const pageSize = 500

// readAll reads page after page, until there are limit of them, or all when that is
// 0. page is what comes after offset, and how many there are in all.
func readAll[T any](limit int, page func(offset int) (list []T, total int, err error)) ([]T, error) {
	all, _, err := readSome(limit, page)
	return all, err
}

// readSome is readAll that also counts those that the limit left out.
func readSome[T any](limit int, page func(offset int) (list []T, total int, err error)) (all []T, more int, err error) {
	all = []T{}
	for {
		list, total, err := page(len(all))
		if err != nil {
			return nil, 0, err
		}
		all = append(all, list...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], max(total, len(all)) - limit, nil
		}
		if len(list) == 0 || len(all) >= total {
			return all, 0, nil
		}
	}
}

// listed are the flags of a command that lists what comes in pages.
type listed struct {
	Limit int  `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON  bool `name:"json" help:"Print a JSON array." xor:"form"`
	IDs   bool `name:"ids" help:"Print ids only." xor:"form"`
}

// Validate refuses a number that cannot be.
func (l listed) Validate() error { return checkLimit(l.Limit) }

// printPages reads page after page and prints them. For people head is above the lines, and
// what --limit left out is counted beside them.
func printPages[T any](t terminal, l listed, head string, page func(offset int) (list []T, total int, err error), one func(T) (id, line string)) error {
	list, more, err := readSome(l.Limit, page)
	if err != nil {
		return err
	}
	people := !l.JSON && !l.IDs
	if people && len(list) > 0 && head != "" {
		t.printf("%s\n", head)
	}
	if err := printList(t, l.JSON, l.IDs, list, one); err != nil {
		return err
	}
	if people && more > 0 {
		t.warn(fmt.Sprintf("%d more; --limit 0 shows all", more))
	}
	return nil
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
