package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrClientNotFound says that there is no such application.
var ErrClientNotFound = fault.New(fault.NotFound, "application_not_found", "There is no application with this id.")

// Client is an application as it is kept.
type Client struct {
	ID, Name, State string
	// Metadata is JSON.
	Metadata          string
	MadeAt, ChangedAt time.Time
}

// search is what a list looks for a text in: databases know no lower case
// beyond ASCII.
func (c *Client) search() string { return strings.ToLower(c.ID + " " + c.Name) }

// Secret is the SHA-256 of a client's secret, which is good until ExpiresAt;
// zero: until it is replaced.
type Secret struct {
	ID, Client        string
	Hash              []byte
	MadeAt, ExpiresAt time.Time
}

// ClientQuery says which clients a list has: those whose name or id contains
// Text, in State; empty: any.
type ClientQuery struct {
	Text, State   string
	Limit, Offset int
}

const (
	clientColumns = `c.id, c.name, c.state, c.metadata, c.made_at, c.changed_at`
	selectClients = `SELECT ` + clientColumns + ` FROM clients c `
)

// scanClient reads the columns of an application and, after them, more.
func scanClient(row scanner, more ...any) (*Client, error) {
	var c Client
	var made, changed int64
	if err := row.Scan(append([]any{&c.ID, &c.Name, &c.State, &c.Metadata, &made, &changed}, more...)...); err != nil {
		return nil, err
	}
	c.MadeAt, c.ChangedAt = db.FromMicros(made), db.FromMicros(changed)
	return &c, nil
}

// Client reads the application, or returns ErrClientNotFound.
func (s *Store) Client(ctx context.Context, id string) (*Client, error) {
	c, err := readClient(s.db.Read.QueryRowContext(ctx, selectClients+`WHERE id = $1`, id))
	return c, db.Coded(err)
}

// ClientIn is Client in a transaction that writes.
func (s *Store) ClientIn(ctx context.Context, tx *sql.Tx, id string) (*Client, error) {
	return readClient(tx.QueryRowContext(ctx, selectClients+`WHERE id = $1`, id))
}

// ClientActive says in a transaction that began with the journal whether there is
// the application and it is active: who disables or removes it waits until the
// transaction ends.
func (s *Store) ClientActive(ctx context.Context, tx *sql.Tx, id string) (active bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM clients WHERE id = $1 AND state = 'active')`, id).Scan(&active)
	return active, wrap("read the state of an application", err)
}

func readClient(row *sql.Row) (*Client, error) {
	c, err := scanClient(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrClientNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read an application: %w", err)
	}
	return c, nil
}

// InsertClient writes a new application.
func (s *Store) InsertClient(ctx context.Context, tx *sql.Tx, c *Client) error {
	_, err := db.Change(ctx, tx, "write an application",
		`INSERT INTO clients (id, name, search, state, metadata, made_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.Name, c.search(), c.State, c.Metadata, db.Micros(c.MadeAt), db.Micros(c.ChangedAt))
	return err
}

// UpdateClient writes the name, state and metadata of an application.
func (s *Store) UpdateClient(ctx context.Context, tx *sql.Tx, c *Client) error {
	_, err := db.Change(ctx, tx, "change an application",
		`UPDATE clients SET name = $1, search = $2, state = $3, metadata = $4, changed_at = $5 WHERE id = $6`,
		c.Name, c.search(), c.State, c.Metadata, db.Micros(c.ChangedAt), c.ID)
	return err
}

// DeleteClient deletes an application and all that hangs on it.
func (s *Store) DeleteClient(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "delete an application", `DELETE FROM clients WHERE id = $1`, id)
	return err
}

// Clients lists applications by name, and says how many there are in all.
func (s *Store) Clients(ctx context.Context, q ClientQuery) (all []*Client, total int, err error) {
	const where = `WHERE search LIKE $1 ESCAPE '!' AND ($2 = '' OR state = $2) `
	text := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(q.Text)) + "%"
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM clients `+where, text, q.State).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count applications: %w", err))
	}
	rows, err := s.db.Read.QueryContext(ctx, selectClients+where+`ORDER BY name, id LIMIT $3 OFFSET $4`, text, q.State, q.Limit, q.Offset)
	if err != nil {
		return nil, 0, db.Coded(fmt.Errorf("list applications: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		c, err := scanClient(rows)
		if err != nil {
			return nil, 0, fmt.Errorf("list applications: %w", err)
		}
		all = append(all, c)
	}
	return all, total, db.Coded(rows.Err())
}

// ClientSecrets is an application and the hashes of its secrets.
type ClientSecrets struct {
	*Client

	Hashes [][]byte
}

// ClientsAndSecrets reads applications and the hashes of their secrets that are good
// at now, as they are at one moment, by id.
func (s *Store) ClientsAndSecrets(ctx context.Context, ids []string, now time.Time) (map[string]ClientSecrets, error) {
	//nolint:gosec // Among is constant texts
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+clientColumns+`, s.hash FROM clients c
		LEFT JOIN client_secrets s ON s.client = c.id AND (s.expires_at IS NULL OR s.expires_at > $1) WHERE `+s.db.Among("c.id", 2),
		db.Micros(now), s.db.Texts(ids))
	if err != nil {
		return nil, db.Coded(wrap("read applications", err))
	}
	defer func() { _ = rows.Close() }()
	all := map[string]ClientSecrets{}
	for rows.Next() {
		var hash []byte
		c, err := scanClient(rows, &hash)
		if err != nil {
			return nil, wrap("read applications", err)
		}
		one := ClientSecrets{c, all[c.ID].Hashes}
		if hash != nil {
			one.Hashes = append(one.Hashes, hash)
		}
		all[c.ID] = one
	}
	return all, db.Coded(wrap("read applications", rows.Err()))
}

// InsertSecret writes a secret.
func (s *Store) InsertSecret(ctx context.Context, tx *sql.Tx, r *Secret) error {
	var expires *int64
	if !r.ExpiresAt.IsZero() {
		at := db.Micros(r.ExpiresAt)
		expires = &at
	}
	_, err := db.Change(ctx, tx, "write a secret", `INSERT INTO client_secrets (id, client, hash, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		r.ID, r.Client, r.Hash, db.Micros(r.MadeAt), expires)
	return err
}

// ExpireSecret lets the client's current secret end at the time given, and
// deletes those that were replaced before it.
func (s *Store) ExpireSecret(ctx context.Context, tx *sql.Tx, client string, at time.Time) error {
	if _, err := db.Change(ctx, tx, "delete replaced secrets", `DELETE FROM client_secrets WHERE client = $1 AND expires_at IS NOT NULL`, client); err != nil {
		return err
	}
	_, err := db.Change(ctx, tx, "replace a secret", `UPDATE client_secrets SET expires_at = $1 WHERE client = $2`, db.Micros(at), client)
	return err
}

// DeleteSecrets deletes all secrets of the client.
func (s *Store) DeleteSecrets(ctx context.Context, tx *sql.Tx, client string) error {
	_, err := db.Change(ctx, tx, "delete secrets", `DELETE FROM client_secrets WHERE client = $1`, client)
	return err
}
