package id_test

import (
	"errors"
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

func TestCheck(t *testing.T) {
	good := id.New("crt")
	if err := id.Check("crt", good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "crt_", "tok" + good[3:], good + "0", good[:len(good)-1], good[:10] + "u" + good[11:]} {
		if err := id.Check("crt", bad); !errors.Is(err, id.ErrMalformed) {
			t.Errorf("Check(%q) = %v", bad, err)
		}
	}
}
