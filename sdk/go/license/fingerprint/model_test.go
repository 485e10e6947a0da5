package fingerprint_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"guildhall/sdk/go/license/fingerprint"
)

// machines draws components of few values, so that they often meet.
func machines(label string) *rapid.Generator[fingerprint.Components] {
	return rapid.Custom(func(t *rapid.T) fingerprint.Components {
		names := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"tpm", "dmi_uuid", "machine_id", "disk", "disk#2", "mac", "mac#2", "mac#3", "dongle"}), rapid.ID[string]).Draw(t, label)
		c := fingerprint.Components{}
		for _, name := range names {
			c[name] = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, name)
		}
		return c
	})
}

// set is what components are to a naive reader: each kind with a digest once.
func set(c fingerprint.Components) map[[2]string]bool {
	s := map[[2]string]bool{}
	for name, digest := range c {
		s[[2]string{fingerprint.Kind(name), digest}] = true
	}
	return s
}

func TestCompareIsAsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		enrolled, shown := machines("enrolled").Draw(r, "enrolled"), machines("shown").Draw(r, "shown")
		percent := rapid.IntRange(1, 100).Draw(r, "percent")
		weights := fingerprint.Weights()
		weight, of := 0, 0
		for part := range set(enrolled) {
			of += weights[part[0]]
			if set(shown)[part] {
				weight += weights[part[0]]
			}
		}
		// The share in whole numbers, without a float.
		same := of > 0 && big.NewInt(int64(weight*100)).Cmp(big.NewInt(int64(percent*of))) >= 0

		m := fingerprint.Compare(enrolled, shown, fingerprint.Rule{Share: float64(percent) / 100})
		if m.Weight != weight || m.Of != of || m.Same != same {
			r.Fatalf("%v of %v: %+v and not %d of %d, %v", shown, enrolled, m, weight, of, same)
		}
		equal := 0
		for part := range set(enrolled) {
			if set(shown)[part] {
				equal++
			}
		}
		if equal+len(m.Changed)+len(m.Missing) != len(set(enrolled)) || equal+len(m.Changed)+len(m.New) != len(set(shown)) {
			r.Fatalf("%v of %v: %d are equal, and %+v", shown, enrolled, equal, m)
		}
	})
}

// The names of components have no order: renumbering changes no verdict.
func TestNumbersDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		enrolled, shown := machines("enrolled").Draw(r, "enrolled"), machines("shown").Draw(r, "shown")
		renumbered := fingerprint.Components{}
		for _, name := range rapid.Permutation(slices.Sorted(maps.Keys(shown))).Draw(r, "order") {
			renumbered.Add(fingerprint.Kind(name), shown[name])
		}
		a, b := fingerprint.Compare(enrolled, shown, fingerprint.Rule{}), fingerprint.Compare(enrolled, renumbered, fingerprint.Rule{})
		a.New, b.New = make([]string, len(a.New)), make([]string, len(b.New)) // names of what is shown differ
		if !cmp.Equal(a, b) {
			r.Fatalf("%v and %v of %v: %s", shown, renumbered, enrolled, cmp.Diff(a, b))
		}
	})
}

// Learning changes one component at most, never lets the old machine or the new one
// fall under the share, and ends when everything that changed is learned.
func TestLearningIsSlowAndSafe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		enrolled, shown := fingerprint.Components{}, machines("shown").Draw(r, "shown")
		for name, digest := range machines("enrolled").Draw(r, "enrolled") {
			enrolled.Add(fingerprint.Kind(name), digest)
		}
		rule := fingerprint.Rule{Share: float64(rapid.IntRange(1, 100).Draw(r, "percent")) / 100}
		before := fingerprint.Compare(enrolled, shown, rule)
		for step := 0; ; step++ {
			next, ok := fingerprint.Learn(enrolled, shown, rule)
			if ok && !before.Same {
				r.Fatalf("%v was learned from another machine, %v", next, shown)
			}
			if !ok {
				if left := fingerprint.Compare(enrolled, shown, rule).Changed; before.Same && len(left) > 0 {
					r.Fatalf("%v were not learned", left)
				}
				return
			}
			if step >= len(before.Changed) {
				r.Fatalf("learning %v does not end: %v", shown, next)
			}
			differ := 0
			for name := range next {
				if next[name] != enrolled[name] {
					differ++
				}
			}
			if differ != 1 || len(next) != len(enrolled) {
				r.Fatalf("%d components of %v are learned: %v", differ, enrolled, next)
			}
			for who, shown := range map[string]fingerprint.Components{"old": enrolled, "new": shown} {
				if !fingerprint.Compare(next, shown, rule).Same {
					r.Fatal(fmt.Sprint("the ", who, " machine ", shown, " is not ", next))
				}
			}
			enrolled = next
		}
	})
}
