package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Download is a file, or a part of one, that went out for a card.
type Download struct {
	Event
	// Prefix begins the key of the card.
	Prefix string
	// Customer and CustomerName are whose card it is; empty: nobody's.
	Customer, CustomerName string
}

// DownloadQuery says which downloads a list has; what is empty or zero is any.
type DownloadQuery struct {
	Product, Prefix string
	// Customer is his id, or a part of his name.
	Customer string
	// File is the id or the name of the file.
	File          string
	From, To      time.Time
	Limit, Offset int
}

// Downloads lists downloads, the last first, and says how many there are.
func (s *Store) Downloads(ctx context.Context, q DownloadQuery) (all []Download, total int, err error) {
	const from = `FROM events e JOIN cards c ON c.id = e.card LEFT JOIN customers u ON u.id = c.customer
		WHERE e.kind = 'downloaded' AND ($1 = '' OR c.product = $1) AND ($2 = '' OR u.id = $2 OR u.name_key LIKE $3 ESCAPE '!') AND ($4 = '' OR c.prefix = $4)
		AND ($5 = '' OR EXISTS (SELECT 1 FROM release_files f WHERE (f.id = $5 OR f.name = $5) AND e.detail LIKE '%"file":"' || f.id || '"%'))
		AND e.at >= $6 AND e.at < $7 `
	since, until := span(q.From, q.To)
	args := []any{q.Product, q.Customer, db.Containing(q.Customer), q.Prefix, q.File, since, until}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) `+from, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count downloads: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list downloads", scanDownload, `SELECT e.id, e.card, e.environment, e.kind, e.ip, e.at, e.detail, c.prefix, u.id, u.name `+from+
		`ORDER BY e.at DESC, e.id DESC LIMIT $8 OFFSET $9`, append(args, q.Limit, q.Offset)...)
	return all, total, err
}

func scanDownload(row scanner) (d Download, err error) {
	var customer, name sql.NullString
	d.Event, err = scanEvent(also{row, []any{&d.Prefix, &customer, &name}})
	d.Customer, d.CustomerName = customer.String, name.String
	return d, err
}

// also scans further columns after those that are asked for.
type also struct {
	scanner
	further []any
}

// Scan scans a row.
func (a also) Scan(dest ...any) error { return a.scanner.Scan(append(dest, a.further...)...) }
