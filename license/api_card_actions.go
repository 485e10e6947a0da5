package license

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/license/manage"
)

type reasonedCardInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the card."`
	Body wire.CardReason
}

type extendedCardInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the card."`
	Body wire.CardExtension
}

type unboundCardInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the card."`
	Body wire.CardUnbinding
}

type cardModulesInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the card."`
	Body wire.CardModules
}

type cardActionInput struct{ Body wire.CardAction }

func (s *service) cardActionOperations(api huma.API) {
	const one = "/api/v1/cards/{id}"
	tags := []string{"Cards"}
	loses := map[string]any{app.Loses: true}
	for _, o := range []struct {
		action, summary, description string
		loses                        bool
	}{
		{"suspend", "Suspend a card", "Its programs are refused until it is resumed. Repeating it is harmless. Error codes: card_not_found, card_state (it is revoked).", true},
		{"revoke", "Revoke a card", "For good. Repeating it is harmless. Error code: card_not_found.", true},
	} {
		op := huma.Operation{OperationID: o.action + "-card", Method: http.MethodPost, Path: one + "/" + o.action, Tags: tags, MaxBodyBytes: noteBody,
			Summary: o.summary, Description: o.description, Metadata: map[string]any{app.Loses: true}}
		register(api, op, s.withReason(o.action), http.StatusNotFound, http.StatusConflict)
	}
	register(api, huma.Operation{OperationID: "unbind-card", Method: http.MethodPost, Path: one + "/unbind", Tags: tags, MaxBodyBytes: noteBody, Metadata: loses,
		Summary:     "Take a card off its machine",
		Description: "The next machine that activates it is bound; one that is bound to none is left alone. It counts against no quota: that is for customers who do it themselves. Error codes: card_not_found, invalid_fields (errors[].code: required)."},
		s.unbindCard, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "set-card-modules", Method: http.MethodPut, Path: one + "/modules", Tags: tags, MaxBodyBytes: noteBody,
		Summary:     "Give a card modules of its own",
		Description: "They stand before those of its policy, from its next request on; null: the policy's hold again. Error codes: card_not_found, invalid_fields (errors[].code: name, twice, too_many)."},
		s.setCardModules, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "resume-card", Method: http.MethodPost, Path: one + "/resume", Tags: tags,
		Summary: "Let a suspended card go on", Description: "Error codes: card_not_found, card_state (it is not suspended)."},
		s.without("resume"), http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "bin-card", Method: http.MethodPost, Path: one + "/bin", Tags: tags, Metadata: loses,
		Summary: "Put a card into the recycle bin", Description: "There it is as good as unknown, and can be restored. Repeating it is harmless. Error code: card_not_found."},
		s.without("bin"), http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "restore-card", Method: http.MethodPost, Path: one + "/restore", Tags: tags,
		Summary: "Take a card out of the recycle bin", Description: "Repeating it is harmless. Error code: card_not_found."},
		s.without("restore"), http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "extend-card", Method: http.MethodPost, Path: one + "/extend", Tags: tags,
		Summary:     "Extend a card",
		Description: "By days, or to a time. A card that was not used yet gets more days, or the time as its fixed end. Error codes: card_not_found, card_state (it is revoked), invalid_fields (errors[].code: out_of_bounds, past, endless)."},
		s.extendCard, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "act-on-cards", Method: http.MethodPost, Path: "/api/v1/cards/actions", Tags: tags, Metadata: loses, MaxBodyBytes: idsBody,
		Summary:     "Do the same to many cards",
		Description: "At most a thousand, each for itself: the answer tells of each what became of it, by the codes of the single operations."}, s.actOnCards)
}

// withReason does something to one card that may have a reason.
func (s *service) withReason(action string) func(context.Context, *reasonedCardInput) (*app.Output[wire.Card], error) {
	return func(ctx context.Context, in *reasonedCardInput) (*app.Output[wire.Card], error) {
		c, err := s.act(ctx, in.ID, wire.CardAction{Action: action, Reason: in.Body.Reason}, app.Caller(ctx))
		return output(s.wireCard(c), err)
	}
}

func (s *service) unbindCard(ctx context.Context, in *unboundCardInput) (*app.Output[wire.Card], error) {
	c, err := s.cards.Unbind(ctx, in.ID, in.Body.Reason, app.Caller(ctx))
	return output(s.wireCard(c), err)
}

func (s *service) setCardModules(ctx context.Context, in *cardModulesInput) (*app.Output[wire.Card], error) {
	c, err := s.cards.SetModules(ctx, in.ID, in.Body.Modules, app.Caller(ctx))
	return output(s.wireCard(c), err)
}

// without does something to one card that has no reason.
func (s *service) without(action string) func(context.Context, *cardInput) (*app.Output[wire.Card], error) {
	return func(ctx context.Context, in *cardInput) (*app.Output[wire.Card], error) {
		c, err := s.act(ctx, in.ID, wire.CardAction{Action: action}, app.Caller(ctx))
		return output(s.wireCard(c), err)
	}
}

func (s *service) extendCard(ctx context.Context, in *extendedCardInput) (*app.Output[wire.Card], error) {
	c, err := s.act(ctx, in.ID, wire.CardAction{Action: "extend", Days: in.Body.Days, Until: in.Body.Until}, app.Caller(ctx))
	return output(s.wireCard(c), err)
}

// act does one thing to one card.
func (s *service) act(ctx context.Context, id string, a wire.CardAction, by audit.Caller) (store.Card, error) {
	switch a.Action {
	case "suspend":
		return s.cards.Suspend(ctx, id, a.Reason, by)
	case "resume":
		return s.cards.Resume(ctx, id, by)
	case "revoke":
		return s.cards.Revoke(ctx, id, a.Reason, by)
	case "extend":
		if a.Days != 0 && !a.Until.IsZero() {
			return store.Card{}, fault.Fields(fault.Field{Name: "until", Code: "both", Detail: "Give days or until, but not both."})
		}
		return s.cards.Extend(ctx, id, a.Days, a.Until, by)
	case "unbind":
		return s.cards.Unbind(ctx, id, a.Reason, by)
	case "bin":
		return s.cards.Bin(ctx, id, by)
	}
	return s.cards.Restore(ctx, id, by) // the schema knows no other
}

func (s *service) actOnCards(ctx context.Context, in *cardActionInput) (*app.Output[wire.CardResults], error) {
	out := wire.CardResults{Results: make([]wire.CardResult, len(in.Body.IDs))}
	by := app.Caller(ctx)
	for i, id := range in.Body.IDs {
		c, err := s.act(ctx, id, in.Body, by)
		refused, known := errors.AsType[*fault.Error](err)
		switch {
		case err == nil:
			out.Results[i] = wire.CardResult{ID: id, State: s.wireCard(c).State}
			out.Done++
		case known && refused.Kind != fault.Internal && refused.Kind != fault.Unavailable:
			out.Results[i] = wire.CardResult{ID: id, Code: refused.Code, Detail: refused.Detail}
		default:
			return nil, err
		}
	}
	return output(out, nil)
}
