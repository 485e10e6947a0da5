package manage

import (
	"context"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Card is the right of one customer to run a product. Its key is in the export alone.
type Card struct {
	ID          string    `json:"id" example:"crd_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Prefix      string    `json:"prefix" doc:"The first characters of its key." example:"7G3K"`
	Product     string    `json:"product" doc:"The id of the product."`
	Policy      string    `json:"policy" doc:"The id of the policy."`
	Batch       string    `json:"batch,omitempty" doc:"The id of the batch that it was made in."`
	Customer    string    `json:"customer,omitempty" doc:"The id of the customer; absent: none."`
	Note        string    `json:"note"`
	State       string    `json:"state" enum:"new,active,expired,suspended,revoked"`
	Days        int       `json:"days,omitempty" doc:"From the first use; absent: ends_at, or what the policy says."`
	EndsAt      time.Time `json:"ends_at,omitzero" doc:"The fixed end that it was made with."`
	ActivatedAt time.Time `json:"activated_at,omitzero" doc:"Absent: it was not used yet."`
	ExpiresAt   time.Time `json:"expires_at,omitzero" doc:"When it ends; absent: it was not used yet, or never ends."`
	MadeAt      time.Time `json:"made_at"`
	BinnedAt    time.Time `json:"binned_at,omitzero" doc:"Since when it is in the recycle bin; absent: it is not."`
	Modules     []string  `json:"modules,omitzero" doc:"Those that stand before the policy's; absent: the policy's hold."`
	Revision    int64     `json:"revision" doc:"Counts the changes."`
}

// CardDetail is a card with what belongs to it.
type CardDetail struct {
	Card
	Environments []Environment `json:"environments" nullable:"false" doc:"The machine that it is bound to first, then those that it was."`
	Events       []Event       `json:"events" nullable:"false" doc:"What happened to it, the last 100 first; list-events has all."`
	Usage        []Use         `json:"usage" nullable:"false" doc:"How often it was used in each hour of the last 30 days, the last first."`
	Moves        CardMoves     `json:"moves" doc:"How often it was moved to another machine."`
}

// CardMoves is how often a card was moved to another machine within 365 days.
type CardMoves struct {
	Used     int       `json:"used" doc:"By its customer."`
	PerYear  int       `json:"per_year" doc:"How often its customer may; 0: never."`
	NextAt   time.Time `json:"next_at,omitzero" doc:"When its customer may again; absent: now, or never."`
	ByVendor int       `json:"by_vendor" doc:"By the vendor's people, which does not count against the customer."`
}

// Use is how often a card was used in an hour.
type Use struct {
	Hour     time.Time `json:"hour" doc:"When the hour began."`
	Call     string    `json:"call" example:"validate"`
	Function string    `json:"function,omitempty"`
	Count    int64     `json:"count"`
}

// CardRequest chooses cards; its zero value means all, the last made first.
type CardRequest struct {
	// Text is looked for in notes. Prefix are the first characters of a key; FindCard
	// finds the card of a whole one.
	Text, Prefix string
	// IP is the address of the machine that it is bound to.
	IP string
	// Product is an id or a code; the others are ids.
	Product, Policy, Customer, Batch string
	// State is "new", "active", "expired", "suspended", "revoked", "binned" (in the
	// recycle bin, which no other list has) or empty.
	State string
	// From (inclusive) and To (exclusive) bound when it was made and when it ends.
	MadeFrom, MadeTo, EndsFrom, EndsTo time.Time
	// EndsWithin is in how many days it ends, at most; 0: any.
	EndsWithin int
	// Sort is "made", "expires" or "activated"; empty: "made". Order is "asc" or
	// "desc"; empty: "desc".
	Sort, Order string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// CardLookup is a key to look up.
type CardLookup struct {
	Key string `json:"key" minLength:"1" maxLength:"200" doc:"A whole key, typed in any way."`
}

// CardList is one page of cards.
type CardList struct {
	Cards []Card `json:"cards" nullable:"false"`
	Total int    `json:"total" doc:"How many there are in all pages."`
}

// CardFields are what can be changed of a card.
type CardFields struct {
	Policy   string `json:"policy" maxLength:"100" doc:"The id of a policy of the same product."`
	Customer string `json:"customer,omitempty" maxLength:"100" doc:"The id of a customer; absent: none."`
	Note     string `json:"note,omitempty" maxLength:"8000" doc:"Up to 2000 characters."`
}

// CardModules are the modules of one card.
type CardModules struct {
	Modules []string `json:"modules" nullable:"true" doc:"Those that stand before the policy's, * for all; null: the policy's hold."`
}

// CardReason says why something is done to a card.
type CardReason struct {
	Reason string `json:"reason,omitempty" maxLength:"2000" doc:"Why, for the card's time line; the audit log does not have it."`
}

// CardUnbinding says why a card is taken off its machine.
type CardUnbinding struct {
	Reason string `json:"reason" maxLength:"2000" doc:"Why, for the card's time line; the audit log does not have it."`
}

// CardExtension says how far the end of a card moves; one of both.
type CardExtension struct {
	Days  int       `json:"days,omitempty" doc:"By how many days, from now when it is over." example:"30"`
	Until time.Time `json:"until,omitzero" doc:"To when."`
}

// CardAction does the same to many cards.
type CardAction struct {
	Action string    `json:"action" enum:"suspend,resume,revoke,extend,unbind,bin,restore"`
	IDs    []string  `json:"ids" minItems:"1" maxItems:"1000" nullable:"false" doc:"The ids of the cards."`
	Reason string    `json:"reason,omitempty" maxLength:"2000" doc:"Of suspend, revoke and unbind, which has to have one."`
	Days   int       `json:"days,omitempty" doc:"Of extend."`
	Until  time.Time `json:"until,omitzero" doc:"Of extend."`
}

// CardResults says what became of each card.
type CardResults struct {
	Done    int          `json:"done" doc:"For how many it was done."`
	Results []CardResult `json:"results" nullable:"false" doc:"In the order of the request."`
}

// CardResult is what became of one card.
type CardResult struct {
	ID     string `json:"id"`
	State  string `json:"state,omitempty" doc:"Its state now."`
	Code   string `json:"code,omitempty" doc:"Why it was not done; absent: it was." example:"card_state"`
	Detail string `json:"detail,omitempty"`
}

// Cards reads one page of cards.
func (c *Client) Cards(ctx context.Context, r CardRequest) (*CardList, error) {
	q := api.Query(map[string]string{"q": r.Text, "prefix": r.Prefix, "ip": r.IP, "product": r.Product, "policy": r.Policy, "customer": r.Customer, "batch": r.Batch,
		"state": r.State, "sort": r.Sort, "order": r.Order}, map[string]int{"ends_within_days": r.EndsWithin, "limit": r.Limit, "offset": r.Offset})
	setTimes(q, map[string]time.Time{"made_from": r.MadeFrom, "made_to": r.MadeTo, "ends_from": r.EndsFrom, "ends_to": r.EndsTo})
	return get[CardList](ctx, c, "cards?"+q.Encode())
}

func setTimes(q url.Values, times map[string]time.Time) {
	for name, t := range times {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
}

// FindCard finds a card by its whole key, typed in any way, in the recycle bin too.
func (c *Client) FindCard(ctx context.Context, key string) (*Card, error) {
	return post[Card](ctx, c, "cards/find", CardLookup{key})
}

// Card reads a card.
func (c *Client) Card(ctx context.Context, id string) (*CardDetail, error) {
	return get[CardDetail](ctx, c, card(id))
}

// SetCardModules gives a card modules that stand before those of its policy; nil: the
// policy's hold again.
func (c *Client) SetCardModules(ctx context.Context, id string, modules []string) (*Card, error) {
	return put[Card](ctx, c, card(id)+"/modules", CardModules{modules})
}

// UpdateCard gives a card another policy, customer and note.
func (c *Client) UpdateCard(ctx context.Context, id string, f CardFields) (*Card, error) {
	return put[Card](ctx, c, card(id), f)
}

// SuspendCard stops a card for now.
func (c *Client) SuspendCard(ctx context.Context, id, reason string) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/suspend", CardReason{reason})
}

// ResumeCard lets a suspended card go on.
func (c *Client) ResumeCard(ctx context.Context, id string) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/resume", nil)
}

// RevokeCard stops a card for good.
func (c *Client) RevokeCard(ctx context.Context, id, reason string) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/revoke", CardReason{reason})
}

// ExtendCard moves the end of a card.
func (c *Client) ExtendCard(ctx context.Context, id string, e CardExtension) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/extend", e)
}

// UnbindCard takes a card off its machine: the next one that activates it is bound.
func (c *Client) UnbindCard(ctx context.Context, id, reason string) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/unbind", CardUnbinding{reason})
}

// BinCard puts a card into the recycle bin, where it is as good as unknown.
func (c *Client) BinCard(ctx context.Context, id string) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/bin", nil)
}

// RestoreCard takes a card out of the recycle bin.
func (c *Client) RestoreCard(ctx context.Context, id string) (*Card, error) {
	return post[Card](ctx, c, card(id)+"/restore", nil)
}

// ActOnCards does the same to many cards, each for itself.
func (c *Client) ActOnCards(ctx context.Context, a CardAction) (*CardResults, error) {
	return post[CardResults](ctx, c, "cards/actions", a)
}

func card(id string) string { return "cards/" + url.PathEscape(id) }
