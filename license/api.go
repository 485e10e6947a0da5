package license

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/journal"
	"guildhall/platform/app"
)

const (
	// noteBody bounds a body with a name and a note of 2000 characters, in bytes.
	noteBody = 32 << 10
	// rulesBody bounds one with a policy of hundreds of modules and functions.
	rulesBody = 128 << 10
	// idsBody bounds one with a thousand ids.
	idsBody = 128 << 10
)

// operations registers the REST API of those who administer licences. The types of the
// wire are those of the Go client, so that the two cannot differ.
func (s *service) operations(api huma.API) {
	s.productOperations(api)
	s.releaseOperations(api)
	s.fileOperations(api)
	s.functionOperations(api)
	s.policyOperations(api)
	s.customerOperations(api)
	s.accountOperations(api)
	s.batchOperations(api)
	s.kitOperations(api)
	s.cardOperations(api)
	s.cardActionOperations(api)
	s.eventOperations(api)
	s.alarmOperations(api)
	s.signingKeyOperations(api)
	s.licenceOperations(api)
	app.AuditOperations(api, s.journal, journal.Actions())
}

// output is the answer, unless something failed.
func output[T any](body T, err error) (*app.Output[T], error) {
	if err != nil {
		return nil, err
	}
	return &app.Output[T]{Body: &body}, nil
}

// each turns what is kept into what is sent; no list is null.
func each[F, T any](all []F, turn func(F) T) []T {
	out := make([]T, len(all))
	for i, one := range all {
		out[i] = turn(one)
	}
	return out
}

// productID is the id of the product with the id or code; empty stays so.
func (s *service) productID(ctx context.Context, q string) (string, error) {
	if q == "" {
		return "", nil
	}
	p, err := s.store.Product(ctx, q)
	return p.ID, err
}
