package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

var (
	// ErrProduct says that there is no such product.
	ErrProduct = fault.New(fault.NotFound, "product_not_found", "There is no such product.")
	// ErrRelease says that there is no such release.
	ErrRelease = fault.New(fault.NotFound, "release_not_found", "There is no such release of the product.")
)

// Product is what licences are for.
type Product struct {
	ID string
	// Code is its name in what clients send; it never changes.
	Code, Name, Note string
	MadeAt           time.Time
}

const productColumns = `SELECT id, code, name, note, made_at FROM products `

func scanProduct(row scanner) (p Product, err error) {
	var made int64
	err = row.Scan(&p.ID, &p.Code, &p.Name, &p.Note, &made)
	p.MadeAt = db.FromMicros(made)
	return p, err
}

// Product is the one with the id or the code, or ErrProduct.
func (s *Store) Product(ctx context.Context, q string) (Product, error) {
	p, err := scanProduct(s.db.Read.QueryRowContext(ctx, productColumns+`WHERE id = $1 OR code = $1`, q))
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrProduct.Naming(q)
	}
	return p, db.Coded(err)
}

// Products are all, by code.
func (s *Store) Products(ctx context.Context) ([]Product, error) {
	return list(ctx, s.db.Read, "list products", scanProduct, productColumns+`ORDER BY code`)
}

// InsertProduct writes a new product. False means that another has its code.
func (s *Store) InsertProduct(ctx context.Context, tx *sql.Tx, p Product) (bool, error) {
	n, err := db.Change(ctx, tx, "write a product", `INSERT INTO products (id, code, name, note, made_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (code) DO NOTHING`, p.ID, p.Code, p.Name, p.Note, db.Micros(p.MadeAt))
	return n == 1, err
}

// SetProduct changes name and note. False means that there is none.
func (s *Store) SetProduct(ctx context.Context, tx *sql.Tx, id, name, note string) (bool, error) {
	n, err := db.Change(ctx, tx, "change a product", `UPDATE products SET name = $1, note = $2 WHERE id = $3`, name, note, id)
	return n == 1, err
}

// Release is a version of a product.
type Release struct {
	ID, Product, Version, Note string
	MadeAt                     time.Time
}

const releaseColumns = `SELECT id, product, version, note, made_at FROM releases `

func scanRelease(row scanner) (r Release, err error) {
	var made int64
	err = row.Scan(&r.ID, &r.Product, &r.Version, &r.Note, &made)
	r.MadeAt = db.FromMicros(made)
	return r, err
}

// Releases are those of a product, the newest first.
func (s *Store) Releases(ctx context.Context, product string) ([]Release, error) {
	return list(ctx, s.db.Read, "list releases", scanRelease, releaseColumns+`WHERE product = $1 ORDER BY made_at DESC, id DESC`, product)
}

// Release is the one with the version, or without one the newest; or ErrRelease.
func (s *Store) Release(ctx context.Context, product, version string) (Release, error) {
	r, err := scanRelease(s.db.Read.QueryRowContext(ctx, releaseColumns+`WHERE product = $1 AND ($2 = '' OR version = $2)
		ORDER BY made_at DESC, id DESC LIMIT 1`, product, version))
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrRelease.Naming(version)
	}
	return r, db.Coded(err)
}

// InsertRelease writes a new release. False means that the product has the version.
func (s *Store) InsertRelease(ctx context.Context, tx *sql.Tx, r Release) (bool, error) {
	n, err := db.Change(ctx, tx, "write a release", `INSERT INTO releases (id, product, version, note, made_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (product, version) DO NOTHING`, r.ID, r.Product, r.Version, r.Note, db.Micros(r.MadeAt))
	return n == 1, err
}

// HandshakeKey decrypts the core data of a release.
type HandshakeKey struct {
	ID, Release string
	Sealed      []byte
	MadeAt      time.Time
	RetiredAt   time.Time // zero: the current one
}

func scanHandshakeKey(row scanner) (k HandshakeKey, err error) {
	var made int64
	var retired sql.NullInt64
	err = row.Scan(&k.ID, &k.Release, &k.Sealed, &made, &retired)
	k.MadeAt, k.RetiredAt = db.FromMicros(made), fromMicros(retired)
	return k, err
}

// HandshakeKeys are those of a release, the current one first.
func (s *Store) HandshakeKeys(ctx context.Context, release string) ([]HandshakeKey, error) {
	return list(ctx, s.db.Read, "list handshake keys", scanHandshakeKey, `SELECT id, release, sealed, made_at, retired_at FROM handshake_keys
		WHERE release = $1 ORDER BY (CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END), made_at DESC, id DESC`, release)
}

// ReplaceHandshakeKey retires the current key of a release, if there is one, and writes another.
func (s *Store) ReplaceHandshakeKey(ctx context.Context, tx *sql.Tx, k HandshakeKey) error {
	if _, err := db.Change(ctx, tx, "retire a handshake key", `UPDATE handshake_keys SET retired_at = $1 WHERE release = $2 AND retired_at IS NULL`,
		db.Micros(k.MadeAt), k.Release); err != nil {
		return err
	}
	_, err := db.Change(ctx, tx, "write a handshake key", `INSERT INTO handshake_keys (id, release, sealed, made_at) VALUES ($1, $2, $3, $4)`,
		k.ID, k.Release, k.Sealed, db.Micros(k.MadeAt))
	return err
}
