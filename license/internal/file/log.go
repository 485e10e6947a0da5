package file

import (
	"context"
	"database/sql"
	"io"
	"net/netip"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	"guildhall/platform/blob"
	"guildhall/platform/id"
)

// maxLogged is how many downloads of a card are written down within a day: whoever has
// one ticket must not fill the disk.
const maxLogged = 1000

// Content is what a file holds.
func (d *Desk) Content(ctx context.Context, f store.File) (io.ReadSeekCloser, error) {
	sum, err := blob.ParseSum(f.SHA256)
	if err != nil {
		return nil, err
	}
	return d.o.Blobs.Open(ctx, sum)
}

// Log puts a download, or a part of one, on the card's time line: how many bytes went out
// from which on, and whether the last one was among them.
func (d *Desk) Log(ctx context.Context, what Download, ip netip.Addr, from, bytes int64) error {
	now := d.now()
	e := store.Event{ID: id.New("evt"), Card: what.Card, Environment: what.Environment, Kind: card.Downloaded, At: now,
		Detail: map[string]any{"file": what.ID, "name": what.Name, "product": what.Product, "version": what.Version, "size": what.Size, "from": from, "bytes": bytes,
			"complete": from+bytes == what.Size}}
	if what.By != "" {
		e.Detail["by"], e.Detail["self"] = what.By, true
	}
	if ip.IsValid() {
		e.IP = ip.String()
	}
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		n, err := d.o.Store.CountEvents(ctx, tx, e.Card, e.Kind, now.Add(-24*time.Hour))
		if err != nil || n >= maxLogged {
			return err
		}
		return d.o.Store.InsertEvent(ctx, tx, e)
	})
}
