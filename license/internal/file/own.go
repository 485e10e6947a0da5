package file

import (
	"context"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
)

// Own are the files that the customer of a card may download himself, those of the newest
// release first. The card must be bound to a machine, as for a ticket; the error is that
// of Redeem.
func (d *Desk) Own(ctx context.Context, c store.Card) ([]store.File, error) {
	product, _, err := d.own(ctx, c)
	if err != nil {
		return nil, err
	}
	return d.Of(ctx, product.Code, "")
}

// OwnDownload is one of them, or store.ErrFile.
func (d *Desk) OwnDownload(ctx context.Context, c store.Card, file string) (Download, error) {
	product, environment, err := d.own(ctx, c)
	if err != nil {
		return Download{}, err
	}
	f, err := d.o.Store.File(ctx, file)
	if err != nil {
		return Download{}, err
	}
	if f.Product != product.Code { // the card opens no other product
		return Download{}, store.ErrFile
	}
	return Download{File: f, Card: c.ID, Environment: environment}, nil
}

// own is the product of a card and the machine that it is bound to, if it may download.
func (d *Desk) own(ctx context.Context, c store.Card) (product store.Product, environment string, err error) {
	if err := d.good(ctx, c); err != nil {
		return product, "", err
	}
	all, err := d.o.Store.Environments(ctx, c.ID)
	if err != nil {
		return product, "", err
	}
	for _, e := range all {
		if e.UnboundAt.IsZero() {
			product, err = d.o.Store.Product(ctx, c.Product)
			return product, e.ID, err
		}
	}
	return product, "", refused(decide.CardNotActive)
}
