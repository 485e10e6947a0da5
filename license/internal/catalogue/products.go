package catalogue

import (
	"context"
	"database/sql"
	"fmt"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// handshakeLen is the length of a handshake key, in bytes: one of AES-256.
const handshakeLen = 32

// CreateProduct makes a product. Wrong fields are called "code", "name" and "note".
func (d *Desk) CreateProduct(ctx context.Context, code, name, note string, by audit.Caller) (store.Product, error) {
	var f fields
	f.form("code", code, codeForm, "Use small letters, digits and, between them, dashes; at most 40.")
	p := store.Product{ID: id.New("prd"), Code: code, Name: f.line("name", name), Note: f.note(note), MadeAt: d.now()}
	if err := fault.Fields(f...); err != nil {
		return p, err
	}
	return p, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		inserted, err := d.Store.InsertProduct(ctx, tx, p)
		if err != nil {
			return err
		}
		if !inserted {
			return fault.Fields(fault.Field{Name: "code", Code: "product_exists", Detail: "There is a product with this code already. Choose another."})
		}
		if err := d.Made(ctx, tx, p); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.ProductCreated, p.ID, map[string]any{"code": p.Code, "name": p.Name})
	})
}

// ChangeProduct gives a product another name and note. Its code stays: it stands in
// what clients send.
func (d *Desk) ChangeProduct(ctx context.Context, product, name, note string, by audit.Caller) (store.Product, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return p, err
	}
	var f fields
	was := p
	p.Name, p.Note = f.line("name", name), f.note(note)
	if err := fault.Fields(f...); err != nil {
		return p, err
	}
	return p, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		if _, err := d.Store.SetProduct(ctx, tx, p.ID, p.Name, p.Note); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.ProductChanged, p.ID, map[string]any{"name": change(was.Name, p.Name)})
	})
}

func change(was, is string) map[string]any { return map[string]any{"old": was, "new": is} }

// CreateRelease makes a version of a product, with a handshake key. Wrong fields are
// called "version" and "note".
func (d *Desk) CreateRelease(ctx context.Context, product, version, note string, by audit.Caller) (store.Release, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return store.Release{}, err
	}
	var f fields
	f.form("version", version, versionForm, "A version is up to four numbers with points between, such as 2.4.1; after - or + letters may follow: 2.4.1-rc1.")
	r := store.Release{ID: id.New("rel"), Product: p.ID, Version: version, Note: f.note(note), MadeAt: d.now()}
	if err := fault.Fields(f...); err != nil {
		return r, err
	}
	k := d.newHandshakeKey(r)
	return r, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		inserted, err := d.Store.InsertRelease(ctx, tx, r)
		if err != nil {
			return err
		}
		if !inserted {
			return fault.Fields(fault.Field{Name: "version", Code: "release_exists", Detail: "The product has this version already."})
		}
		if err := d.Store.ReplaceHandshakeKey(ctx, tx, k); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.ReleaseCreated, r.ID, map[string]any{"product": p.ID, "version": version, "handshake_key": k.ID})
	})
}

// RotateHandshakeKey gives a release another handshake key. Those before go on for data
// that was encrypted under them.
func (d *Desk) RotateHandshakeKey(ctx context.Context, product, version string, by audit.Caller) (store.HandshakeKey, error) {
	r, err := d.release(ctx, product, version)
	if err != nil {
		return store.HandshakeKey{}, err
	}
	k := d.newHandshakeKey(r)
	return k, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := d.Store.ReplaceHandshakeKey(ctx, tx, k); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.KeyRotated, r.ID, map[string]any{"handshake_key": k.ID})
	})
}

func (d *Desk) newHandshakeKey(r store.Release) store.HandshakeKey {
	k := store.HandshakeKey{ID: id.New("hsk"), Release: r.ID, MadeAt: d.now()}
	k.Sealed = d.Key.Seal("handshake/"+k.ID, secret(handshakeLen))
	return k
}

func (d *Desk) release(ctx context.Context, product, version string) (store.Release, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return store.Release{}, err
	}
	return d.Store.Release(ctx, p.ID, version)
}

// HandshakeKeys are those of a release, the current one first.
func (d *Desk) HandshakeKeys(ctx context.Context, product, version string) ([]store.HandshakeKey, error) {
	r, err := d.release(ctx, product, version)
	if err != nil {
		return nil, err
	}
	return d.Store.HandshakeKeys(ctx, r.ID)
}

// ExportHandshake is Handshake for the vendor, who encrypts a release's data with the key.
func (d *Desk) ExportHandshake(ctx context.Context, product, version, keyID string, by audit.Caller) (name string, key []byte, err error) {
	r, err := d.release(ctx, product, version)
	if err != nil {
		return "", nil, err
	}
	if name, key, err = d.Handshake(ctx, product, version, keyID); err != nil {
		return "", nil, err
	}
	return name, key, d.Journal.Record(ctx, by, journal.KeyExported, r.ID, map[string]any{"handshake_key": name})
}

// ErrHandshakeKey says that a release has no such handshake key.
var ErrHandshakeKey = fault.New(fault.NotFound, "handshake_key_not_found", "The release has no such handshake key.")

// Handshake is the handshake key of a release with the id, or without one the current
// one. Without a version it is that of the newest release.
func (d *Desk) Handshake(ctx context.Context, product, version, keyID string) (name string, key []byte, err error) {
	all, err := d.HandshakeKeys(ctx, product, version)
	if err != nil {
		return "", nil, err
	}
	for _, k := range all {
		if k.ID != keyID && keyID != "" {
			continue
		}
		key, err := d.Key.Open("handshake/"+k.ID, k.Sealed)
		if err != nil {
			return "", nil, fmt.Errorf("open a handshake key: %w", err)
		}
		return k.ID, key, nil
	}
	return "", nil, ErrHandshakeKey
}
