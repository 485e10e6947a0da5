package license

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/cardid"
	"guildhall/license/internal/store"
	"guildhall/platform/app"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/license/manage"
)

const (
	// eventsShown is how many events of a card come with it.
	eventsShown = 100
	// usageShown is of how long the use of a card comes with it.
	usageShown = 30 * 24 * time.Hour
)

type cardsInput struct {
	Text       string    `query:"q" maxLength:"200" doc:"Looked for in notes. Of a whole key find-card finds the card."`
	Prefix     string    `query:"prefix" maxLength:"4" doc:"The first four characters of a key." example:"7G3K"`
	IP         string    `query:"ip" maxLength:"64" doc:"Address of the machine that it is bound to: which card is on it?" example:"192.0.2.7"`
	Product    string    `query:"product" maxLength:"100" doc:"The id or the code of a product."`
	Policy     string    `query:"policy" maxLength:"100" doc:"The id of a policy."`
	Customer   string    `query:"customer" maxLength:"100" doc:"The id of a customer."`
	Batch      string    `query:"batch" maxLength:"100" doc:"The id of a batch."`
	State      string    `query:"state" enum:"new,active,expired,suspended,revoked,binned" doc:"State; binned are those in the recycle bin, which no other list has."`
	MadeFrom   time.Time `query:"made_from" doc:"Made then or later."`
	MadeTo     time.Time `query:"made_to" doc:"Made before."`
	EndsFrom   time.Time `query:"ends_from" doc:"Ends then or later."`
	EndsTo     time.Time `query:"ends_to" doc:"Ends before."`
	EndsWithin int       `query:"ends_within_days" minimum:"0" maximum:"36500" doc:"Ends from now on within so many days; 0: any. Not together with ends_from and ends_to." example:"7"`
	Sort       string    `query:"sort" enum:"made,expires,activated" default:"made" doc:"Order."`
	Order      string    `query:"order" enum:"asc,desc" default:"desc" doc:"Direction."`
	Limit      int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset     int       `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type cardInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the card."`
}

type lookupInput struct{ Body wire.CardLookup }

type changedCardInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the card."`
	Body wire.CardFields
}

func (s *service) cardOperations(api huma.API) {
	const path, one = "/api/v1/cards", "/api/v1/cards/{id}"
	tags := []string{"Cards"}
	register(api, huma.Operation{OperationID: "list-cards", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List cards",
		Description: "The last made first, unless sort says otherwise. Look-ups that are often wanted: which card is on an address, ?ip=192.0.2.7; " +
			"cards that end within a week, ?ends_within_days=7&sort=expires&order=asc; machines that came with cards of others today, list-mismatches. " +
			"Error codes: product_not_found, invalid_fields (errors[].code: key_in_address, address, both)."}, s.listCards, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "find-card", Method: http.MethodPost, Path: path + "/find", Tags: tags, DefaultStatus: http.StatusOK,
		Summary: "Find a card by its key", Description: "A key that a customer reads out, typed in any way. It is posted, because addresses are kept in logs; cards in the recycle bin are found too. " +
			"Error codes: card_not_found, invalid_fields (errors[].code: card_typo, card_shape)."}, s.findCard, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "get-card", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a card", Description: "With its environments, time line, use, and how often it was moved to another machine. Error code: card_not_found."}, s.getCard, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "update-card", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: noteBody,
		Summary:     "Change a card",
		Description: "Replaces policy, customer and note. Error codes: card_not_found, policy_not_found, customer_not_found, invalid_fields (errors[].code: other_product, not_text, too_long)."},
		s.updateCard, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listCards(ctx context.Context, in *cardsInput) (*app.Output[wire.CardList], error) {
	q, err := s.cardQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	all, total, err := s.store.Cards(ctx, q)
	return output(wire.CardList{Cards: each(all, s.wireCard), Total: total}, err)
}

// cardQuery is what is asked for, as the store knows it.
func (s *service) cardQuery(ctx context.Context, in *cardsInput) (q store.CardQuery, err error) {
	q = store.CardQuery{Policy: in.Policy, Customer: in.Customer, Batch: in.Batch, State: in.State, MadeFrom: in.MadeFrom, MadeTo: in.MadeTo,
		EndFrom: in.EndsFrom, EndTo: in.EndsTo, Now: s.now(), Sort: in.Sort, Desc: in.Order == "desc", Limit: in.Limit, Offset: in.Offset}
	if q.Product, err = s.productID(ctx, in.Product); err != nil {
		return q, err
	}
	if in.EndsWithin > 0 {
		if !in.EndsFrom.IsZero() || !in.EndsTo.IsZero() {
			return q, fault.Fields(fault.Field{Name: "ends_within_days", Code: "both", Detail: "Give this, or ends_from and ends_to, but not both."})
		}
		q.EndFrom, q.EndTo = q.Now, q.Now.AddDate(0, 0, in.EndsWithin)
	}
	if in.Prefix != "" {
		q.Prefix = cardid.Canonical(in.Prefix)
	}
	if q.IP, err = address("ip", in.IP); err != nil {
		return q, err
	}
	q.Text = in.Text
	if _, err := cardid.Parse(in.Text); err == nil || errors.Is(err, cardid.ErrTypo) {
		return q, fault.Fields(fault.Field{Name: "q", Code: "key_in_address", Detail: "This is a card key or looks like one, and addresses are kept in logs. Post it to /api/v1/cards/find."})
	}
	return q, nil
}

// findCard finds a card by its whole key.
func (s *service) findCard(ctx context.Context, in *lookupInput) (*app.Output[wire.Card], error) {
	key, err := cardid.Parse(in.Body.Key)
	if err != nil { // the key is not repeated
		e := fault.As(err)
		return nil, fault.Fields(fault.Field{Name: "key", Code: e.Code, Detail: e.Detail, Args: e.Args})
	}
	c, err := s.store.CardOfKey(ctx, key.Hash())
	return output(s.wireCard(c), err)
}

// address is a network address as environments have it; empty stays so.
func address(field, typed string) (string, error) {
	if typed == "" {
		return "", nil
	}
	ip, err := netip.ParseAddr(typed)
	if err != nil {
		return "", fault.Fields(fault.Field{Name: field, Code: "address", Detail: "This is no network address. Write one like 192.0.2.7 or 2001:db8::7."})
	}
	return ip.Unmap().WithZone("").String(), nil
}

func (s *service) getCard(ctx context.Context, in *cardInput) (*app.Output[wire.CardDetail], error) {
	c, err := s.store.Card(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	environments, err := s.store.Environments(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	events, _, err := s.store.Events(ctx, store.EventQuery{Card: c.ID, Limit: eventsShown})
	if err != nil {
		return nil, err
	}
	moves, err := s.cards.Moves(ctx, c)
	if err != nil {
		return nil, err
	}
	usage, err := s.store.Usage(ctx, c.ID, s.now().Add(-usageShown))
	return output(wire.CardDetail{Card: s.wireCard(c), Environments: each(environments, wireEnvironment), Events: each(events, wireEvent),
		Usage: each(usage, func(u store.Use) wire.Use {
			return wire.Use{Hour: u.Hour, Call: u.Call, Function: u.Function, Count: u.Count}
		}), Moves: wire.CardMoves{Used: moves.Used, PerYear: moves.PerYear, NextAt: moves.Next, ByVendor: moves.ByVendor}}, err)
}

func (s *service) updateCard(ctx context.Context, in *changedCardInput) (*app.Output[wire.Card], error) {
	c, err := s.cards.Change(ctx, in.ID, in.Body.Policy, in.Body.Customer, in.Body.Note, app.Caller(ctx))
	return output(s.wireCard(c), err)
}

func (s *service) wireCard(c store.Card) wire.Card {
	w := wire.Card{ID: c.ID, Prefix: c.Prefix, Product: c.Product, Policy: c.Policy, Batch: c.Batch, Customer: c.Customer, Note: c.Note, State: c.State,
		Days: c.Days, EndsAt: c.EndsAt, ActivatedAt: c.ActivatedAt, ExpiresAt: c.ExpiresAt, MadeAt: c.MadeAt, BinnedAt: c.DeletedAt, Modules: c.Modules, Revision: c.Revision}
	if c.State == store.CardActive && !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(s.now()) {
		w.State = "expired"
	}
	return w
}
