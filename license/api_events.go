package license

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type environmentsInput struct {
	IP      string `query:"ip" maxLength:"64" doc:"Their address." example:"192.0.2.7"`
	Product string `query:"product" maxLength:"100" doc:"The id or the code of a product."`
	Bound   bool   `query:"bound" doc:"Only those that a card is bound to."`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset  int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type eventsInput struct {
	Card   string    `query:"card" maxLength:"100" doc:"The id of a card."`
	Kind   string    `query:"kind" enum:"made,activated,bound,drift,mismatch,alarm,suspended,resumed,revoked,extended,unbound,changed,binned,restored,downloaded" doc:"What happened."`
	IP     string    `query:"ip" maxLength:"64" doc:"The address that it came from." example:"192.0.2.7"`
	Since  time.Time `query:"since" doc:"Then or later."`
	Until  time.Time `query:"until" doc:"Before."`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int       `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type mismatchesInput struct {
	Since  time.Time `query:"since" doc:"Then or later: for those of today, when the day began."`
	Until  time.Time `query:"until" doc:"Before."`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int       `query:"offset" minimum:"0" doc:"How many to pass over."`
}

func (s *service) eventOperations(api huma.API) {
	register(api, huma.Operation{OperationID: "list-environments", Method: http.MethodGet, Path: "/api/v1/environments", Tags: []string{"Environments"},
		Summary: "List customers' machines", Description: "The last seen first. Error codes: product_not_found, invalid_fields (errors[].code: address)."},
		s.listEnvironments, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "list-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"Events"},
		Summary: "List what happened to cards", Description: "The last first. A mismatch holds everything that the other machine sent. Error code: invalid_fields (errors[].code: address)."},
		s.listEvents)
	register(api, huma.Operation{OperationID: "list-mismatches", Method: http.MethodGet, Path: "/api/v1/mismatches", Tags: []string{"Events"},
		Summary: "List cards that other machines came with", Description: "How often, by card, the last first; list-events tells of each. A refused machine changes nothing of the card."},
		s.listMismatches)
}

func (s *service) listEnvironments(ctx context.Context, in *environmentsInput) (*app.Output[wire.EnvironmentList], error) {
	product, err := s.productID(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	ip, err := address("ip", in.IP)
	if err != nil {
		return nil, err
	}
	all, total, err := s.store.EnvironmentList(ctx, store.EnvironmentQuery{IP: ip, Product: product, Bound: in.Bound, Limit: in.Limit, Offset: in.Offset})
	return output(wire.EnvironmentList{Environments: each(all, wireEnvironment), Total: total}, err)
}

func (s *service) listEvents(ctx context.Context, in *eventsInput) (*app.Output[wire.EventList], error) {
	ip, err := address("ip", in.IP)
	if err != nil {
		return nil, err
	}
	all, total, err := s.store.Events(ctx, store.EventQuery{Card: in.Card, Kind: in.Kind, IP: ip, From: in.Since, To: in.Until, Limit: in.Limit, Offset: in.Offset})
	return output(wire.EventList{Events: each(all, wireEvent), Total: total}, err)
}

func (s *service) listMismatches(ctx context.Context, in *mismatchesInput) (*app.Output[wire.MismatchList], error) {
	all, total, err := s.store.Mismatches(ctx, in.Since, in.Until, in.Limit, in.Offset)
	return output(wire.MismatchList{Total: total, Cards: each(all, func(m store.Mismatches) wire.Mismatches {
		return wire.Mismatches{Card: m.Card, Prefix: m.Prefix, Count: m.Count, First: m.First, Last: m.Last}
	})}, err)
}

func wireEnvironment(e store.Environment) wire.Environment {
	return wire.Environment{ID: e.ID, Card: e.Card, Components: components(e.Fingerprint), IP: e.IP, DeviceKey: len(e.SignKey) > 0,
		BoundAt: e.BoundAt, SeenAt: e.SeenAt, LastCall: e.LastCall, LastFunction: e.LastFunction, UnboundAt: e.UnboundAt, UnboundWhy: e.UnboundWhy}
}

func wireEvent(e store.Event) wire.Event {
	return wire.Event{ID: e.ID, Card: e.Card, Environment: e.Environment, Kind: e.Kind, IP: e.IP, At: e.At, Detail: e.Detail}
}

// components are the names of what a fingerprint consists of.
func components(fingerprint map[string]string) []string {
	names := slices.AppendSeq(make([]string, 0, len(fingerprint)), maps.Keys(fingerprint))
	slices.Sort(names)
	return names
}
