package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"guildhall/platform/db"
)

// Binding is a card with the environment that it is bound to.
type Binding struct {
	Card        Card
	Environment Environment
	// Code is the product's, Revision the policy's.
	Code     string
	Revision int64
}

// Bindings are the bound ones among the cards whose keys have the hashes.
func (s *Store) Bindings(ctx context.Context, hashes [][32]byte) (map[[32]byte]Binding, error) {
	wanted := make([][1]string, len(hashes))
	for i, hash := range hashes {
		wanted[i][0] = hex.EncodeToString(hash[:])
	}
	found := make(map[[32]byte]Binding, len(hashes))
	_, err := list(ctx, s.db.Read, "read bound cards", func(row scanner) (b Binding, err error) {
		var card cardRow
		var environment environmentRow
		if err := row.Scan(slices.Concat(card.into(), environment.into(), []any{&b.Code, &b.Revision})...); err != nil {
			return b, err
		}
		if b.Card, err = card.card(); err != nil {
			return b, err
		}
		b.Environment, err = environment.environment()
		found[b.Card.Hash] = b
		return b, err
	}, `SELECT `+cardFields+`, `+environmentFields+`, p.code, r.revision FROM cards c JOIN environments e ON e.card = c.id AND e.unbound_at IS NULL
		JOIN products p ON p.id = c.product JOIN policies r ON r.id = c.policy
		WHERE c.hash IN (SELECT `+s.db.Unhex(`value ->> 0`)+` FROM `+s.db.Each(1)+`)`, rows(wanted))
	return found, err
}

// Touch is an accepted request that changed nothing but when its environment was seen.
type Touch struct {
	Environment, Card, Call string
	At                      time.Time
	// Once names a sealed request among all others until Until; empty: it was not sealed.
	Once  string
	Until time.Time
}

// Touch notes requests, and says of each whether it is fresh: one that was sealed and
// answered before is not, and is not noted.
func (s *Store) Touch(ctx context.Context, tx *sql.Tx, all []Touch) (fresh []bool, err error) {
	fresh, err = s.fresh(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	type use struct {
		card, call string
		hour       int64
	}
	last, uses := map[string]Touch{}, map[use]int{}
	for i, t := range all {
		if !fresh[i] {
			continue
		}
		uses[use{t.Card, t.Call, t.At.Unix() / 3600}]++
		if t.At.After(last[t.Environment].At) {
			last[t.Environment] = t
		}
	}
	if len(uses) == 0 {
		return fresh, nil
	}
	var seen, used [][]any
	for _, t := range last {
		seen = append(seen, []any{t.Environment, db.Micros(t.At), t.Call})
	}
	for u, count := range uses {
		used = append(used, []any{u.card, u.hour, u.call, count})
	}
	if _, err := db.Change(ctx, tx, "note requests", `UPDATE environments SET seen_at = t.at, last_call = t.call
		FROM (SELECT value ->> 0 AS id, CAST(value ->> 1 AS BIGINT) AS at, value ->> 2 AS call FROM `+s.db.Each(1)+`) AS t
		WHERE environments.id = t.id AND environments.seen_at < t.at`, rows(seen)); err != nil {
		return nil, err
	}
	_, err = db.Change(ctx, tx, "count requests", `INSERT INTO usage (card, hour, call, function, count)
		SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2, '', CAST(value ->> 3 AS BIGINT) FROM `+s.db.Each(1)+` WHERE TRUE
		ON CONFLICT (card, hour, call, function) DO UPDATE SET count = usage.count + excluded.count`, rows(used))
	return fresh, err
}

// fresh notes the sealed ones, and says which were not noted before.
func (s *Store) fresh(ctx context.Context, tx *sql.Tx, all []Touch) ([]bool, error) {
	fresh, first := make([]bool, len(all)), map[string]int{}
	var once [][]any
	for i, t := range all {
		if t.Once == "" {
			fresh[i] = true
			continue
		}
		if _, twice := first[t.Once]; !twice {
			first[t.Once], once = i, append(once, []any{hex.EncodeToString([]byte(t.Once)), db.Micros(t.Until)})
		}
	}
	if len(once) == 0 {
		return fresh, nil
	}
	_, err := list(ctx, tx, "note sealed requests", func(row scanner) (id []byte, err error) {
		err = row.Scan(&id)
		if i, ours := first[string(id)]; ours {
			fresh[i] = true
		}
		return id, err
	}, `INSERT INTO replays (id, until_at) SELECT `+s.db.Unhex(`value ->> 0`)+`, CAST(value ->> 1 AS BIGINT) FROM `+s.db.Each(1)+` WHERE TRUE
		ON CONFLICT (id) DO NOTHING RETURNING id`, rows(once))
	return fresh, err
}

// rows is the parameter of db.Each for rows of texts and numbers, which JSON always has.
func rows[T any](all []T) string {
	text, _ := json.Marshal(all)
	return string(text)
}
