package fingerprint

import (
	"cmp"
	"maps"
	"slices"
)

// Rule says what components weigh and how much of it must be shown again.
type Rule struct {
	// Weights by kind; nil: those of Weights.
	Weights map[string]int
	// Share from 0 to 1; 0: DefaultShare.
	Share float64
}

func (r Rule) weights() map[string]int {
	if r.Weights == nil {
		return Weights()
	}
	return r.Weights
}

// Enough says whether the weight is the rule's share of a whole.
func (r Rule) Enough(weight, of int) bool {
	share := cmp.Or(r.Share, DefaultShare)
	return of > 0 && float64(weight) >= share*float64(of)-1e-9 // 0.7 of 10 is 7, whatever floats say
}

// Weigh is what the components weigh together; equal ones weigh once.
func (r Rule) Weigh(c Components) int {
	weights, sum := r.weights(), 0
	for kind, digests := range c.byKind() {
		sum += weights[kind] * len(digests)
	}
	return sum
}

// Match is how the components that are shown compare with those enrolled.
type Match struct {
	// Weight is what the enrolled components weigh that are shown again, Of what all
	// enrolled ones do, Share the part of it that was to be reached.
	Weight, Of int
	Share      float64
	// Changed are the names of enrolled components for which another of their kind is
	// shown, Missing of those for which none is, New of those shown that were not
	// enrolled: all in order. Kinds without weight are named too.
	Changed, Missing, New []string
	// Same says that it is the same machine. It never is when nothing of weight is
	// enrolled.
	Same bool
}

// Differs says whether anything at all differs.
func (m Match) Differs() bool { return len(m.Changed)+len(m.Missing)+len(m.New) > 0 }

// Compare says whether what is shown is the enrolled machine.
func Compare(enrolled, shown Components, rule Rule) Match {
	m := Match{Of: rule.Weigh(enrolled), Share: cmp.Or(rule.Share, DefaultShare)}
	if maps.Equal(enrolled, shown) { // as nearly always
		m.Weight = m.Of
		m.Same = rule.Enough(m.Weight, m.Of)
		return m
	}
	weights := rule.weights()
	for _, p := range pair(enrolled, shown) {
		switch {
		case p.enrolled == "":
			m.New = append(m.New, p.shown)
		case p.shown == "":
			m.Missing = append(m.Missing, p.enrolled)
		case p.same:
			m.Weight += weights[Kind(p.enrolled)]
		default:
			m.Changed = append(m.Changed, p.enrolled)
		}
	}
	m.Same = rule.Enough(m.Weight, m.Of)
	return m
}

// Learn is what should be enrolled after the machine showed itself: the enrolled
// components, with the heaviest that changed, if any did, as it is now. The others
// that changed follow one a time. It is false when there is nothing to learn, and
// always when the rule does not hold it for the same machine. Components never join
// or leave, so that a docking station makes no machine lighter.
func Learn(enrolled, shown Components, rule Rule) (Components, bool) {
	if maps.Equal(enrolled, shown) || !Compare(enrolled, shown, rule).Same {
		return enrolled, false
	}
	weights, best := rule.weights(), couple{}
	for _, p := range pair(enrolled, shown) {
		if p.enrolled == "" || p.shown == "" || p.same {
			continue
		}
		if best.enrolled == "" || weights[Kind(p.enrolled)] > weights[Kind(best.enrolled)] {
			best = p
		}
	}
	if best.enrolled == "" {
		return enrolled, false
	}
	learned := enrolled.Clone()
	learned[best.enrolled] = shown[best.shown]
	return learned, true
}

// couple is an enrolled component with the one that is shown for it, by their names;
// one of them may be empty.
type couple struct {
	enrolled, shown string
	same            bool
}

// pair finds for each enrolled component the equal one that is shown, else any other
// of its kind that is left, by name.
func pair(enrolled, shown Components) []couple {
	var pairs []couple
	was, is := enrolled.byKind(), shown.byKind()
	kinds := maps.Clone(was)
	maps.Copy(kinds, is)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		var left, more []string
		for _, name := range names(was[kind]) {
			if other, ok := is[kind][enrolled[name]]; ok {
				pairs = append(pairs, couple{name, other, true})
				continue
			}
			left = append(left, name)
		}
		for _, name := range names(is[kind]) {
			if _, ok := was[kind][shown[name]]; !ok {
				more = append(more, name)
			}
		}
		for i := range max(len(left), len(more)) {
			var p couple
			if i < len(left) {
				p.enrolled = left[i]
			}
			if i < len(more) {
				p.shown = more[i]
			}
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// byKind are the names by digest, by kind; of equal components the first name stays.
func (c Components) byKind() map[string]map[string]string {
	kinds := map[string]map[string]string{}
	for name, digest := range c {
		kind := Kind(name)
		if kinds[kind] == nil {
			kinds[kind] = map[string]string{}
		}
		if known, ok := kinds[kind][digest]; !ok || name < known {
			kinds[kind][digest] = name
		}
	}
	return kinds
}

func names(byDigest map[string]string) []string { return slices.Sorted(maps.Values(byDigest)) }
