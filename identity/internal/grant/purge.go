package grant

import (
	"context"
	"database/sql"
	"time"
)

// purgeBatch is how many rows one transaction deletes: it keeps nobody waiting.
const purgeBatch = 500

// Once says whether the key is presented for the first time until then.
func (d *Desk) Once(ctx context.Context, key string, until time.Time) (first bool, err error) {
	err = d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		var err error
		first, err = d.o.Store.Present(ctx, tx, hash(key), d.now(), until)
		return err
	})
	return first && err == nil, err
}

// Purge deletes what is over, in small batches. A periodic job calls it.
func (d *Desk) Purge(ctx context.Context) error {
	s, now := d.o.Store, d.now()
	for _, some := range []func(context.Context, *sql.Tx, time.Time, int) (int64, error){
		s.PurgeFamilies, s.PurgeGrants, s.PurgeReplays, s.PurgeRequests, s.PurgeDevices, s.PurgeRevocations,
	} {
		for n := int64(purgeBatch); n == purgeBatch; {
			err := d.o.Journal.Group(ctx, func(tx *sql.Tx) (err error) {
				n, err = some(ctx, tx, now, purgeBatch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
