package call

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"guildhall/sdk/go/license/fingerprint"
)

// sameForTrial is what the components of a machine must weigh together, by
// fingerprint.Weights, that were seen with one trial before: a disk or the system's id
// alone does, one network card does not, because docks go from one machine to the next.
// The rule of the policy is for whether a card still runs, and would let through whoever
// hides half of the machine.
const sameForTrial = 2

// trialMarks are the names of the components by which a trial is recognised.
func trialMarks(shown fingerprint.Components) []string {
	weights := fingerprint.Weights()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(shown)), func(name string) bool { return weights[fingerprint.Kind(name)] == 0 })
}

// hadTrial says whether the machine had a trial of the product with another card.
func (t *turn) hadTrial(ctx context.Context, tx *sql.Tx) (bool, error) {
	weights, seen := fingerprint.Weights(), map[string]int{} // by the card of the trial
	for _, name := range trialMarks(t.in.Fingerprint) {
		card, err := t.s.o.Store.TrialOf(ctx, tx, t.card.Product, t.in.Fingerprint[name])
		if err != nil {
			return false, err
		}
		if card == "" || card == t.card.ID {
			continue
		}
		if seen[card] += weights[fingerprint.Kind(name)]; seen[card] >= sameForTrial {
			return true, nil
		}
	}
	return false, nil
}

// beginTrial notes the machine for the next who comes with it.
func (t *turn) beginTrial(ctx context.Context, tx *sql.Tx) error {
	for _, name := range trialMarks(t.in.Fingerprint) {
		if err := t.s.o.Store.BeginTrial(ctx, tx, t.card.Product, t.in.Fingerprint[name], t.card.ID); err != nil {
			return err
		}
	}
	return nil
}
