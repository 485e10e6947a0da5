package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrCard says that there is no such card.
var ErrCard = fault.New(fault.NotFound, "card_not_found", "There is no such card.")

// The states of a card. That it has expired is told by ExpiresAt.
const (
	CardNew       = "new"
	CardActive    = "active"
	CardSuspended = "suspended"
	CardRevoked   = "revoked"
)

// Card is a card as it is kept. Times that are zero are missing.
type Card struct {
	ID   string
	Hash [32]byte
	// Prefix is the first characters of the key, for people.
	Prefix          string
	Product, Policy string
	Batch, Customer string // empty: none
	Note, State     string
	// Days count from the first use; 0: EndsAt, or else what the policy says.
	Days   int
	EndsAt time.Time

	ActivatedAt, ExpiresAt, MadeAt, DeletedAt time.Time
	// Modules stand before those of the policy; nil: the policy's hold.
	Modules []string
	// Revision counts the changes.
	Revision int64
}

const (
	cardFields = `c.id, c.hash, c.prefix, c.product, c.policy, c.batch, c.customer, c.note, c.state, c.days, c.ends_at,
	c.activated_at, c.expires_at, c.made_at, c.deleted_at, c.modules, c.revision`
	cardColumns = `SELECT ` + cardFields + ` FROM cards c `
)

// cardRow is where a row is scanned into.
type cardRow struct {
	Card
	hash                                   []byte
	batch, customer, modules               sql.NullString
	days, ends, activated, expires, binned sql.NullInt64
	made                                   int64
}

func (r *cardRow) into() []any {
	return []any{&r.ID, &r.hash, &r.Prefix, &r.Product, &r.Policy, &r.batch, &r.customer, &r.Note, &r.State, &r.days, &r.ends,
		&r.activated, &r.expires, &r.made, &r.binned, &r.modules, &r.Revision}
}

func (r *cardRow) card() (Card, error) {
	c := r.Card
	copy(c.Hash[:], r.hash)
	c.Batch, c.Customer, c.Days = r.batch.String, r.customer.String, int(r.days.Int64)
	c.EndsAt, c.ActivatedAt, c.ExpiresAt, c.DeletedAt = fromMicros(r.ends), fromMicros(r.activated), fromMicros(r.expires), fromMicros(r.binned)
	c.MadeAt = db.FromMicros(r.made)
	if !r.modules.Valid {
		return c, nil
	}
	if err := json.Unmarshal([]byte(r.modules.String), &c.Modules); err != nil {
		return c, fmt.Errorf("read the modules of card %s: %w", c.ID, err)
	}
	return c, nil
}

func scanCard(row scanner) (Card, error) {
	var r cardRow
	if err := row.Scan(r.into()...); err != nil {
		return r.Card, err
	}
	return r.card()
}

// Card is the one with the id, or ErrCard.
func (s *Store) Card(ctx context.Context, id string) (Card, error) {
	c, err := card(ctx, s.db.Read, `WHERE c.id = $1`, id)
	if errors.Is(err, ErrCard) && strings.HasPrefix(id, "crd_") { // whatever else may be a key
		err = ErrCard.Naming(id)
	}
	return c, err
}

// CardIn is Card as the transaction sees it.
func (s *Store) CardIn(ctx context.Context, tx *sql.Tx, id string) (Card, error) {
	return card(ctx, tx, `WHERE c.id = $1`, id)
}

// CardByHash is the one whose key has the hash, as the transaction sees it, or ErrCard.
func (s *Store) CardByHash(ctx context.Context, tx *sql.Tx, hash [32]byte) (Card, error) {
	return card(ctx, tx, `WHERE c.hash = $1`, hash[:])
}

// CardOfKey is the one whose key has the hash, or ErrCard.
func (s *Store) CardOfKey(ctx context.Context, hash []byte) (Card, error) {
	return card(ctx, s.db.Read, `WHERE c.hash = $1`, hash)
}

func card(ctx context.Context, q querier, where string, args ...any) (Card, error) {
	c, err := scanCard(q.QueryRowContext(ctx, cardColumns+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrCard
	}
	if err != nil {
		return c, db.Coded(fmt.Errorf("read a card: %w", err))
	}
	return c, nil
}

// CardsByID are the cards with the ids that there are, by id.
func (s *Store) CardsByID(ctx context.Context, ids []string) (map[string]Card, error) {
	found := make(map[string]Card, len(ids))
	for part := range slices.Chunk(ids, 500) {
		marks, args := make([]string, len(part)), make([]any, len(part))
		for i, id := range part {
			marks[i], args[i] = "$"+strconv.Itoa(i+1), id
		}
		all, err := list(ctx, s.db.Read, "read cards", scanCard, cardColumns+`WHERE c.id IN (`+strings.Join(marks, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			found[c.ID] = c
		}
	}
	return found, nil
}

// InsertCards writes new cards.
func (s *Store) InsertCards(ctx context.Context, tx *sql.Tx, cards []Card) error {
	const columns = 12
	for len(cards) > 0 {
		part := cards[:min(len(cards), 500)]
		cards = cards[len(part):]
		var query strings.Builder
		query.WriteString(`INSERT INTO cards (id, hash, prefix, product, policy, batch, customer, note, state, days, ends_at, made_at, revision) VALUES `)
		args := make([]any, 0, len(part)*columns)
		for i, c := range part {
			if i > 0 {
				query.WriteString(", ")
			}
			query.WriteString("(")
			for n := range columns {
				query.WriteString("$" + strconv.Itoa(i*columns+n+1) + ", ")
			}
			query.WriteString("1)")
			args = append(args, c.ID, c.Hash[:], c.Prefix, c.Product, c.Policy, text(c.Batch), text(c.Customer), c.Note, c.State,
				sql.NullInt64{Int64: int64(c.Days), Valid: c.Days != 0}, micros(c.EndsAt), db.Micros(c.MadeAt))
		}
		if _, err := db.Change(ctx, tx, "write cards", query.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// SetCard writes what can change of a card. False means that it has another revision
// by now.
func (s *Store) SetCard(ctx context.Context, tx *sql.Tx, c Card) (bool, error) {
	var modules sql.NullString
	if c.Modules != nil {
		list, err := json.Marshal(c.Modules)
		if err != nil {
			return false, fmt.Errorf("change a card: %w", err)
		}
		modules = sql.NullString{String: string(list), Valid: true}
	}
	n, err := db.Change(ctx, tx, "change a card", `UPDATE cards SET policy = $1, customer = $2, note = $3, state = $4, days = $5, ends_at = $6, activated_at = $7,
		expires_at = $8, deleted_at = $9, modules = $10, revision = revision + 1 WHERE id = $11 AND revision = $12`, c.Policy, text(c.Customer), c.Note, c.State,
		sql.NullInt64{Int64: int64(c.Days), Valid: c.Days != 0}, micros(c.EndsAt), micros(c.ActivatedAt), micros(c.ExpiresAt), micros(c.DeletedAt), modules, c.ID, c.Revision)
	return n == 1, err
}

// CardQuery says which cards a list has; what is empty or zero is any.
type CardQuery struct {
	// Text is looked for in notes; Prefix are the first characters of a key.
	Text, Prefix string
	IP           string // of the environment that it is bound to
	Product      string
	Policy       string
	Customer     string
	Batch        string
	// State is one of the constants, "expired", or "binned": those that are in the
	// recycle bin, which no other list has.
	State string
	// MadeFrom and MadeTo, EndFrom and EndTo bound when it was made and when it ends.
	MadeFrom, MadeTo, EndFrom, EndTo time.Time
	Now                              time.Time
	// Sort is "made", "expires" or "activated"; Desc turns it round.
	Sort          string
	Desc          bool
	Limit, Offset int
}

// Cards lists cards, and says how many there are in all.
func (s *Store) Cards(ctx context.Context, q CardQuery) (all []Card, total int, err error) {
	where, args := q.where()
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM cards c `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count cards: %w", err))
	}
	n := len(args)
	page := ` LIMIT $` + strconv.Itoa(n+1) + ` OFFSET $` + strconv.Itoa(n+2)
	all, err = list(ctx, s.db.Read, "list cards", scanCard, cardColumns+where+q.order()+page, append(args, q.Limit, q.Offset)...)
	return all, total, err
}

// where has only the conditions that are asked for, so that indexes are used.
func (q *CardQuery) where() (string, []any) {
	var all []string
	var args []any
	add := func(condition string, arg any) {
		args = append(args, arg)
		all = append(all, strings.ReplaceAll(condition, "$", "$"+strconv.Itoa(len(args))))
	}
	given := func(condition, value string) {
		if value != "" {
			add(condition, value)
		}
	}
	since := func(condition string, at time.Time) {
		if !at.IsZero() {
			add(condition, db.Micros(at))
		}
	}
	if q.State == "binned" {
		all = append(all, `c.deleted_at IS NOT NULL`)
	} else {
		all = append(all, `c.deleted_at IS NULL`)
	}
	switch q.State {
	case CardNew, CardSuspended, CardRevoked:
		add(`c.state = $`, q.State)
	case CardActive:
		all = append(all, `c.state = 'active'`)
		add(`(c.expires_at IS NULL OR c.expires_at > $)`, db.Micros(q.Now))
	case "expired":
		all = append(all, `c.state = 'active'`)
		add(`c.expires_at <= $`, db.Micros(q.Now))
	}
	if q.Text != "" {
		add(`lower(c.note) LIKE $ ESCAPE '!'`, db.Containing(q.Text))
	}
	given(`c.prefix = $`, q.Prefix)
	given(`c.product = $`, q.Product)
	given(`c.policy = $`, q.Policy)
	given(`c.customer = $`, q.Customer)
	given(`c.batch = $`, q.Batch)
	given(`c.id IN (SELECT e.card FROM environments e WHERE e.ip = $ AND e.unbound_at IS NULL)`, q.IP)
	since(`c.made_at >= $`, q.MadeFrom)
	since(`c.made_at < $`, q.MadeTo)
	since(q.end()+` >= $`, q.EndFrom)
	since(q.end()+` < $`, q.EndTo)
	return `WHERE ` + strings.Join(all, ` AND `), args
}

// end is when a card ends: of one that was not used yet, its fixed end. Of those in use
// alone it is the column that has an index.
func (q *CardQuery) end() string {
	if q.State == CardActive || q.State == "expired" {
		return `c.expires_at`
	}
	return `COALESCE(c.expires_at, c.ends_at)`
}

func (q *CardQuery) order() string {
	column := map[string]string{"expires": q.end(), "activated": "c.activated_at"}[q.Sort]
	if column == "" {
		column = "c.made_at"
	}
	direction := ""
	if q.Desc {
		direction = " DESC"
	}
	// Where the engines put NULL differs.
	return ` ORDER BY (CASE WHEN ` + column + ` IS NULL THEN 1 ELSE 0 END), ` + column + direction + `, c.id` + direction
}

// CardCounts is how many cards are in each state, "expired" and "binned" among them.
func (s *Store) CardCounts(ctx context.Context, product string, now time.Time) (map[string]int, error) {
	counts := map[string]int{}
	_, err := list(ctx, s.db.Read, "count cards", func(row scanner) (struct{}, error) {
		var state string
		var n int
		err := row.Scan(&state, &n)
		counts[state] += n
		return struct{}{}, err
	}, `SELECT CASE WHEN deleted_at IS NOT NULL THEN 'binned' WHEN state = 'active' AND expires_at <= $1 THEN 'expired' ELSE state END, COUNT(*)
		FROM cards WHERE ($2 = '' OR product = $2) GROUP BY 1`, db.Micros(now), product)
	return counts, err
}
