package card

import (
	"guildhall/license/internal/store"
	"guildhall/platform/fault"
)

// ErrState says that what was asked for is nothing that can be done to a card as it is. Its
// argument State is the card's, and Needs the one that it would have to have, or "unrevoked".
var ErrState = fault.New(fault.Conflict, "card_state", "The state of the card does not allow this.")

const unrevoked = "unrevoked"

// needs is ErrState about a card that would have to be in another state.
func needs(state string, c *store.Card) error {
	is := map[string]string{store.CardNew: "not used yet", store.CardActive: "active", store.CardSuspended: "suspended", store.CardRevoked: "revoked"}[c.State]
	why := map[string]string{
		store.CardSuspended: "Only a suspended card can be resumed.",
		store.CardActive:    "Its customer can move it only while it is active.",
		unrevoked:           "That is for good: nobody suspends or extends it any more. Make another card.",
	}[state]
	return fault.New(ErrState.Kind, ErrState.Code, "The card is %s. %s", is, why).With(map[string]any{"State": c.State, "Needs": state})
}
