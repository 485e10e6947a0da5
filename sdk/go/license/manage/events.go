package manage

import (
	"context"
	"time"

	"guildhall/sdk/go/api"
)

// Environment is a customer's machine that a card is or was bound to.
type Environment struct {
	ID           string    `json:"id"`
	Card         string    `json:"card" doc:"The id of the card."`
	Components   []string  `json:"components" nullable:"false" doc:"What its fingerprint consists of." example:"[\"disk\",\"machine_id\"]"`
	IP           string    `json:"ip"`
	DeviceKey    bool      `json:"device_key" doc:"Whether it registered a key with which it proves possession."`
	BoundAt      time.Time `json:"bound_at"`
	SeenAt       time.Time `json:"seen_at"`
	LastCall     string    `json:"last_call" example:"heartbeat"`
	LastFunction string    `json:"last_function,omitempty"`
	UnboundAt    time.Time `json:"unbound_at,omitzero" doc:"Absent: the card is bound to it."`
	UnboundWhy   string    `json:"unbound_why,omitempty"`
}

// EnvironmentRequest chooses environments; its zero value means all, the last seen first.
type EnvironmentRequest struct {
	// Product is an id or a code.
	IP, Product string
	// Bound leaves out those that were unbound.
	Bound bool
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// EnvironmentList is one page of environments.
type EnvironmentList struct {
	Environments []Environment `json:"environments" nullable:"false"`
	Total        int           `json:"total" doc:"How many there are in all pages."`
}

// Event is something that happened to a card.
type Event struct {
	ID          string         `json:"id" example:"evt_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Card        string         `json:"card" doc:"The id of the card."`
	Environment string         `json:"environment,omitempty"`
	Kind        string         `json:"kind" doc:"made, activated, bound, drift, mismatch, alarm, suspended, resumed, revoked, extended, unbound, changed, binned or restored." example:"mismatch"`
	IP          string         `json:"ip"`
	At          time.Time      `json:"at"`
	Detail      map[string]any `json:"detail" doc:"Of a mismatch everything that was sent."`
}

// EventRequest chooses events; its zero value means all, the last first.
type EventRequest struct {
	// Card is an id, Kind one of those of Event.
	Card, Kind, IP string
	// Since (inclusive) and Until (exclusive) bound the time; zero is open.
	Since, Until time.Time
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// EventList is one page of events.
type EventList struct {
	Events []Event `json:"events" nullable:"false"`
	Total  int     `json:"total" doc:"How many there are in all pages."`
}

// Mismatches is how often other machines came with one card.
type Mismatches struct {
	Card   string    `json:"card" doc:"The id of the card; list-events with it and the kind mismatch tells of each."`
	Prefix string    `json:"prefix" doc:"The first characters of its key."`
	Count  int       `json:"count"`
	First  time.Time `json:"first_at"`
	Last   time.Time `json:"last_at"`
}

// MismatchRequest chooses mismatches; its zero value means all.
type MismatchRequest struct {
	// Since (inclusive) and Until (exclusive) bound the time; zero is open.
	Since, Until time.Time
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// MismatchList is one page of cards that other machines came with, the last first.
type MismatchList struct {
	Cards []Mismatches `json:"cards" nullable:"false"`
	Total int          `json:"total" doc:"How many cards there are in all pages."`
}

// Environments reads one page of environments.
func (c *Client) Environments(ctx context.Context, r EnvironmentRequest) (*EnvironmentList, error) {
	q := api.Query(map[string]string{"ip": r.IP, "product": r.Product}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	if r.Bound {
		q.Set("bound", "true")
	}
	return get[EnvironmentList](ctx, c, "environments?"+q.Encode())
}

// Events reads one page of events.
func (c *Client) Events(ctx context.Context, r EventRequest) (*EventList, error) {
	q := api.Query(map[string]string{"card": r.Card, "kind": r.Kind, "ip": r.IP}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	setTimes(q, map[string]time.Time{"since": r.Since, "until": r.Until})
	return get[EventList](ctx, c, "events?"+q.Encode())
}

// Mismatches reads one page of the cards that other machines came with.
func (c *Client) Mismatches(ctx context.Context, r MismatchRequest) (*MismatchList, error) {
	q := api.Query(map[string]string{}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	setTimes(q, map[string]time.Time{"since": r.Since, "until": r.Until})
	return get[MismatchList](ctx, c, "mismatches?"+q.Encode())
}
