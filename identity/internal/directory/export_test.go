package directory

import (
	"context"
	"database/sql"

	"guildhall/identity/internal/store"
)

// Read reads the members as the settings say, and as of a server that is no Active
// Directory when walk.
func (s *Service) Read(ctx context.Context, walk bool) ([]Person, error) {
	_, settings, password, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	l, err := s.connect(ctx, settings, password)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	r := s.reader(l)
	group, err := r.group()
	if err != nil {
		return nil, err
	}
	if walk {
		return r.walked(group)
	}
	return r.people(group)
}

// ForceOn switches the import on without a dry run.
func (s *Service) ForceOn(ctx context.Context) error {
	return s.change(ctx, func(_ *sql.Tx, row *store.Directory) error {
		row.Enabled = true
		return nil
	})
}
