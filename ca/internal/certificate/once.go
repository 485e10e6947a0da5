package certificate

import (
	"context"
	"database/sql"
	"errors"
	"regexp"

	"guildhall/ca/internal/store"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// ErrIssuedBefore says that a request with the same id was granted before.
var ErrIssuedBefore = fault.New(fault.Conflict, "certificate_issued_before", "This request was granted before, and nothing was issued now. Look the certificate up by its id, or draw a new id.")

var idPattern = regexp.MustCompile(`^` + store.Prefix + `_[0-9a-hjkmnp-tv-z]{26}$`)

// NewID draws the id of a certificate that is yet to be asked for. A request
// that brings it is granted once, on every node and across restarts, because
// the id is the certificate's own key.
func NewID() string { return id.New(store.Prefix) }

// IsID says whether text is the id of a certificate, or might become one.
func IsID(text string) bool { return idPattern.MatchString(text) }

// unused spares the work of a request that was granted before.
func (s *Service) unused(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	_, err := s.Store.Find(ctx, id)
	switch {
	case err == nil:
		return ErrIssuedBefore
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

// once fails the transaction when a certificate has the id by now. The audit
// entry before it has put the writers of all nodes in a row.
func (s *Service) once(ctx context.Context, tx *sql.Tx, id string) error {
	if id == "" {
		return nil
	}
	taken, err := s.Store.Taken(ctx, tx, id)
	if err == nil && taken {
		err = ErrIssuedBefore
	}
	return err
}
