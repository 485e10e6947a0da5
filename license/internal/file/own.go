package file

import (
	"context"

	"guildhall/license/internal/card"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
)

// Own are the files that the customer of a card may download himself, those of the newest
// release first: also before the card is bound, for he needs the program to bind it. The
// error is that of Redeem.
func (d *Desk) Own(ctx context.Context, c store.Card) ([]store.File, error) {
	product, err := d.own(ctx, c)
	if err != nil {
		return nil, err
	}
	return d.Of(ctx, product.Code, "")
}

// OwnDownload is one of them, or store.ErrFile. The account downloads it.
func (d *Desk) OwnDownload(ctx context.Context, c store.Card, file, account string) (Download, error) {
	product, err := d.own(ctx, c)
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
	return Download{File: f, Card: c.ID, By: account}, nil
}

// own is the product of a card whose customer may download.
func (d *Desk) own(ctx context.Context, c store.Card) (product store.Product, err error) {
	rules, err := d.rules(ctx, c)
	if err != nil {
		return product, err
	}
	if code := decide.OwnDownload(card.Known(c), rules, d.now()); code != "" {
		return product, refused(code)
	}
	return d.o.Store.Product(ctx, c.Product)
}
