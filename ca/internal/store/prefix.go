package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"guildhall/platform/fault"
)

const (
	// minPrefix is how many digits of a serial number say which is meant: with
	// fewer, one that is right today is soon ambiguous.
	minPrefix = 8
	// candidates bounds the certificates that a refusal lists.
	candidates = 5
)

// Errors of the beginnings of serial numbers.
var (
	ErrAmbiguous = fault.New(fault.Invalid, "serial_ambiguous", "Several serial numbers begin so. Give more digits.")
	ErrNotWhole  = fault.New(fault.Invalid, "serial_not_whole", "This is only the beginning of a serial number. Give all of it.")
)

// Lookup is Find for reading: the first digits of a serial number will do, as
// lists show them, if no other begins so. The errors are ErrNotFound and
// ErrAmbiguous.
func (s *Store) Lookup(ctx context.Context, text string) (*Record, error) {
	r, err := s.Find(ctx, text)
	if !errors.Is(err, ErrNotFound) {
		return r, err
	}
	begun, err := s.begun(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case len(begun) == 0 && len(digits(text)) < minPrefix:
		e := *ErrNotFound
		e.Detail = fmt.Sprintf("There is no certificate with this id or serial number. Look it up in the list; the beginning of a serial number will do from %d digits on.", minPrefix)
		return nil, &e
	case len(begun) == 0:
		return nil, ErrNotFound
	case len(begun) > 1:
		e := *ErrAmbiguous
		e.Detail = fmt.Sprintf("Several serial numbers begin so. Give more digits: %s.", listed(begun))
		return nil, e.With(map[string]any{"Serials": listed(begun)})
	}
	return begun[0], nil
}

// FindWhole is Find for what cannot be undone: it takes the whole serial number,
// and says which begin so when it is given less. The errors are ErrNotFound and
// ErrNotWhole.
func (s *Store) FindWhole(ctx context.Context, text string) (*Record, error) {
	r, err := s.Find(ctx, text)
	if !errors.Is(err, ErrNotFound) {
		return r, err
	}
	begun, err := s.begun(ctx, text)
	if err != nil {
		return nil, err
	}
	if len(begun) == 0 {
		return nil, ErrNotFound
	}
	e := *ErrNotWhole
	e.Detail = fmt.Sprintf("This is only the beginning of a serial number, and nothing was changed. Give all of it, so that no other certificate can be meant: %s.", listed(begun))
	return nil, e.With(map[string]any{"Serials": listed(begun)})
}

// begun are the certificates whose serial numbers begin with the text, one more
// than a refusal lists; none when the text is too short or no such beginning.
func (s *Store) begun(ctx context.Context, text string) ([]*Record, error) {
	first := digits(text)
	if len(first) < minPrefix || strings.Trim(first, "0123456789abcdef") != "" {
		return nil, nil
	}
	// Every digit sorts before g, on both engines.
	return collect(s.db.Read.QueryContext(ctx, `SELECT `+columns+` FROM certificates WHERE serial >= $1 AND serial < $2 ORDER BY serial LIMIT $3`,
		first, first+"g", candidates+1))
}

// digits are those of a serial number that a list may have cut off.
func digits(text string) string {
	return CleanSerial(strings.TrimRight(strings.TrimSpace(text), ".…"))
}

// listed names certificates by serial number and common name.
func listed(all []*Record) string {
	var names []string
	for _, r := range all[:min(len(all), candidates)] {
		names = append(names, r.Serial+" ("+r.CommonName+")")
	}
	if len(all) > candidates {
		names = append(names, "and more")
	}
	return strings.Join(names, ", ")
}
