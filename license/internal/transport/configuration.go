package transport

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"time"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// Configuration is what clients of the product with the code must know, signed.
func (d *Desk) Configuration(ctx context.Context, code string) (string, error) {
	b, err := d.bundleOf(ctx, code)
	if err != nil {
		return "", err
	}
	return d.configuration(b)
}

// configuration is the same on all nodes within an hour, unless keys were made: its
// serial is the time when it was issued.
func (d *Desk) configuration(b *bundle) (string, error) {
	now := d.now()
	root := b.current(store.KeyRoot, now)
	if root == nil {
		return "", ErrNoKeys
	}
	c := sealed.Configuration{Product: b.product.Code, IssuedAt: now.Truncate(time.Hour), Addresses: d.o.Addresses()}
	for _, k := range b.keys {
		if k.MadeAt.After(c.IssuedAt) {
			c.IssuedAt = k.MadeAt
		}
		switch {
		case k.over(now):
		case k.Kind == store.KeyAnswer:
			c.AnswerKeys = append(c.AnswerKeys, k.public())
		case k.Kind == store.KeyHPKE:
			c.HPKEKeys = append(c.HPKEKeys, k.public())
		}
	}
	if len(c.AnswerKeys) == 0 {
		return "", ErrNoKeys
	}
	c.Serial, c.ExpiresAt = uint64(c.IssuedAt.Unix()), c.IssuedAt.Add(Overlap) //nolint:gosec // it is after 1970
	return sealed.SignConfiguration(root.sign, c)
}

// Kit is what a vendor builds into his program. It is recorded who got it, because it
// has the shared key.
func (d *Desk) Kit(ctx context.Context, product string, by audit.Caller) (license.Kit, error) {
	p, err := d.o.Store.Product(ctx, product)
	if err != nil {
		return license.Kit{}, err
	}
	d.forget() // the product may be younger than what is in memory
	b, err := d.bundleOf(ctx, p.Code)
	if err != nil {
		return license.Kit{}, err
	}
	text, err := d.configuration(b)
	if err != nil {
		return license.Kit{}, err
	}
	shared := b.current(store.KeyKit, d.now())
	if shared == nil {
		return license.Kit{}, ErrNoKeys
	}
	exported, root := shared.exported(), b.current(store.KeyRoot, d.now()).sign.Public().(ed25519.PublicKey)
	return license.Kit{Product: p.Code, Addresses: d.o.Addresses(), Root: root, PSK: &exported, Configuration: text},
		d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
			return d.o.Journal.Append(ctx, tx, by, journal.KitExported, p.ID, map[string]any{"psk": shared.ID})
		})
}
