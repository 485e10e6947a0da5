package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"guildhall/platform/db"
)

// PutPicture gives an account a picture in place of what it had.
func (s *Store) PutPicture(ctx context.Context, tx *sql.Tx, account, name string, image []byte) error {
	_, err := db.Change(ctx, tx, "write a picture", `INSERT INTO pictures (account, name, image) VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE SET name = excluded.name, image = excluded.image`, account, name, image)
	return err
}

// DropPicture takes an account's picture away. False means that it has none.
func (s *Store) DropPicture(ctx context.Context, tx *sql.Tx, account string) (bool, error) {
	n, err := db.Change(ctx, tx, "delete a picture", `DELETE FROM pictures WHERE account = $1`, account)
	return n == 1, err
}

// Picture is the one with the name, or nil.
func (s *Store) Picture(ctx context.Context, name string) (image []byte, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT image FROM pictures WHERE name = $1`, name).Scan(&image)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read a picture: %w", err))
	}
	return image, nil
}
