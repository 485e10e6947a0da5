package id_test

import (
	"slices"
	"testing"

	"guildhall/platform/id"
)

func TestIdsAreUniqueAndSortByTime(t *testing.T) {
	var ids []string
	for range 1000 {
		ids = append(ids, id.New("crt"))
	}
	if !slices.IsSorted(ids) {
		t.Fatal("ids do not sort in the order they were made")
	}
	if len(slices.Compact(ids)) != 1000 {
		t.Fatal("two ids are equal")
	}
}
