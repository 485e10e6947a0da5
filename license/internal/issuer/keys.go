package issuer

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"slices"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license/offline"
)

// What is refused of signing keys.
var (
	// ErrNoSigningKey says that a product has no key that signs.
	ErrNoSigningKey = fault.New(fault.Conflict, "no_signing_key", "The product has no key that signs licences. Make one, and build its public half into the program.")
	// ErrNextKey says that a product has its next key already.
	ErrNextKey = fault.New(fault.Conflict, "next_signing_key", "The product has a next signing key already. Rotate first: then it signs, and another can be made.")
	// ErrKeySigns says that a key cannot be retired while it signs.
	ErrKeySigns = fault.New(fault.Conflict, "signing_key_in_use", "This key signs the product's licences. Rotate first: then another signs, and this one can be retired.")
	// ErrKeyOver says that a key was retired or revoked before.
	ErrKeyOver = fault.New(fault.Conflict, "signing_key_over", "This key was retired before.")
)

// AddKey makes a key for the product. The first one signs at once; another one waits as
// the next, so that programs know it before it signs.
func (d *Desk) AddKey(ctx context.Context, product string, by audit.Caller) (store.SigningKey, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return store.SigningKey{}, err
	}
	k, err := d.newKey(p.ID)
	if err != nil {
		return k, err
	}
	err = d.Journal.Write(ctx, func(tx *sql.Tx) error {
		all, err := d.Store.SigningKeysIn(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		switch {
		case in(all, store.SigningCurrent) == nil:
			k.State = store.SigningCurrent
		case in(all, store.SigningNext) == nil:
			k.State = store.SigningNext
		default:
			return ErrNextKey
		}
		if err := d.Store.InsertSigningKey(ctx, tx, k); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.SigningKeyMade, p.ID, map[string]any{"key": k.ID, "state": k.State})
	})
	return k, err
}

// RotateKey lets the next key of the product sign, or a new one if there is no next. The
// one before verifies what it signed, and its private half is removed.
func (d *Desk) RotateKey(ctx context.Context, product string, by audit.Caller) (store.SigningKey, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return store.SigningKey{}, err
	}
	fresh, err := d.newKey(p.ID)
	if err != nil {
		return fresh, err
	}
	var signs store.SigningKey
	err = d.Journal.Write(ctx, func(tx *sql.Tx) error {
		all, err := d.Store.SigningKeysIn(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		was := in(all, store.SigningCurrent)
		if was == nil {
			return ErrNoSigningKey
		}
		if err := d.Store.SetSigningKey(ctx, tx, was.ID, store.SigningOld, d.now()); err != nil {
			return err
		}
		if next := in(all, store.SigningNext); next != nil {
			signs = *next
			err = d.Store.SetSigningKey(ctx, tx, next.ID, store.SigningCurrent, d.now())
		} else {
			signs = fresh
			signs.State = store.SigningCurrent
			err = d.Store.InsertSigningKey(ctx, tx, signs)
		}
		if err != nil {
			return err
		}
		signs.State, signs.Since = store.SigningCurrent, d.now()
		return d.Journal.Append(ctx, tx, by, journal.SigningKeyRotated, p.ID, map[string]any{"key": signs.ID, "before": was.ID})
	})
	return signs, err
}

// RetireKey takes a key out of what programs are to know. stolen says that it is in wrong
// hands. It cannot be undone.
func (d *Desk) RetireKey(ctx context.Context, product, key string, stolen bool, by audit.Caller) (store.SigningKey, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return store.SigningKey{}, err
	}
	var k store.SigningKey
	err = d.Journal.Write(ctx, func(tx *sql.Tx) error {
		all, err := d.Store.SigningKeysIn(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(k store.SigningKey) bool { return k.ID == key })
		if i < 0 {
			return store.ErrSigningKey
		}
		k = all[i]
		to := store.SigningRetired
		if stolen {
			to = store.SigningRevoked
		}
		switch k.State {
		case store.SigningCurrent:
			return ErrKeySigns
		case store.SigningRevoked, to: // a retired one may turn out to be stolen
			return ErrKeyOver
		}
		k.State, k.Since, k.Sealed = to, d.now(), nil
		if err := d.Store.SetSigningKey(ctx, tx, k.ID, to, k.Since); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.SigningKeyRetired, p.ID, map[string]any{"key": k.ID, "stolen": stolen})
	})
	return k, err
}

// KeySet is what programs of the product are to know: the key that signs, the next one,
// and those before that were not retired.
func (d *Desk) KeySet(ctx context.Context, product string) (*offline.KeySet, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return nil, err
	}
	all, err := d.Store.SigningKeys(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	var trusted []ed25519.PublicKey
	for _, k := range all {
		if k.State != store.SigningRetired && k.State != store.SigningRevoked {
			trusted = append(trusted, k.Public)
		}
	}
	if len(trusted) == 0 {
		return nil, ErrNoSigningKey
	}
	return offline.NewKeySet(p.Code, trusted...), nil
}

func (d *Desk) newKey(product string) (store.SigningKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	k := store.SigningKey{ID: offline.KeyID(public), Product: product, Public: public, MadeAt: d.now(), Since: d.now()}
	k.Sealed = d.Key.Seal("signing/"+k.ID, private.Seed())
	return k, nil
}

// private is the half that signs.
func (d *Desk) private(k *store.SigningKey) (ed25519.PrivateKey, error) {
	seed, err := d.Key.Open("signing/"+k.ID, k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open a signing key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// in is the first key in a state.
func in(all []store.SigningKey, state string) *store.SigningKey {
	if i := slices.IndexFunc(all, func(k store.SigningKey) bool { return k.State == state }); i >= 0 {
		return &all[i]
	}
	return nil
}
