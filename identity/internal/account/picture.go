package account

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"

	"guildhall/identity/internal/journal"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ErrNoPicture says that there is no picture of this name, or not any more.
var ErrNoPicture = fault.New(fault.NotFound, "picture_not_found", "There is no such picture. It may have been replaced or removed.")

// SetPicture gives an account the picture, which package avatar has made.
func (s *Service) SetPicture(ctx context.Context, id string, image []byte, by audit.Caller) error {
	// The name tells nothing and changes with the picture, so that copies of it are
	// good for ever.
	sum := sha256.Sum256(append([]byte(id), image...))
	return s.changePicture(ctx, id, "changed", by, func(tx *sql.Tx) (bool, error) {
		return true, s.o.Store.PutPicture(ctx, tx, id, hex.EncodeToString(sum[:16]), image)
	})
}

// RemovePicture takes an account's picture away. That there is none is no error.
func (s *Service) RemovePicture(ctx context.Context, id string, by audit.Caller) error {
	return s.changePicture(ctx, id, "removed", by, func(tx *sql.Tx) (bool, error) { return s.o.Store.DropPicture(ctx, tx, id) })
}

func (s *Service) changePicture(ctx context.Context, id, what string, by audit.Caller, change func(tx *sql.Tx) (bool, error)) error {
	return s.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		row, err := s.o.Store.AccountIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if row == nil {
			return ErrNotFound
		}
		changed, err := change(tx)
		if err != nil || !changed {
			return err
		}
		return s.o.Journal.Append(ctx, tx, by, journal.ProfileChanged, id, map[string]any{"picture": what})
	})
}

// Picture is the one with the name (Account.Picture), or ErrNoPicture.
func (s *Service) Picture(ctx context.Context, name string) ([]byte, error) {
	image, err := s.o.Store.Picture(ctx, name)
	if err == nil && image == nil {
		err = ErrNoPicture
	}
	return image, err
}
