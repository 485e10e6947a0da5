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
	// Code is the product's, PolicyRevision the policy's.
	Code           string
	PolicyRevision int64
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
		if err := row.Scan(slices.Concat(card.into(), environment.into(), []any{&b.Code, &b.PolicyRevision})...); err != nil {
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
	// Revisions are those of what the request was accepted by.
	Revisions Revisions
	At        time.Time
	// Once names a sealed request among all others until Until; empty: it was not sealed.
	Once  string
	Until time.Time
}

// Revisions are those of a card, its environment and its policy.
type Revisions struct{ Card, Environment, Policy int64 }

// Revisions are those of the binding as it was read.
func (b *Binding) Revisions() Revisions {
	return Revisions{Card: b.Card.Revision, Environment: b.Environment.Revision, Policy: b.PolicyRevision}
}

// Touched is what became of a touch.
type Touched int

const (
	// Noted is one that is written.
	Noted Touched = iota
	// Replayed is one that was sealed and answered before.
	Replayed
	// Stale is one whose card, environment or policy is another by now, or for which the
	// same transaction holds a later touch that says so. That it was sent is noted, and
	// nothing else.
	Stale
)

// Touch notes requests whose bindings are still what they were accepted by, and says of
// each what became of it.
func (s *Store) Touch(ctx context.Context, tx *sql.Tx, all []Touch) ([]Touched, error) {
	become, err := s.fresh(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	last := map[string]Touch{}
	for i, t := range all {
		if become[i] == Noted && !t.At.Before(last[t.Environment].At) {
			last[t.Environment] = t
		}
	}
	if len(last) == 0 {
		return become, nil
	}
	current, err := s.seen(ctx, tx, last)
	if err != nil {
		return nil, err
	}
	type use struct {
		card, call string
		hour       int64
	}
	uses := map[use]int{}
	for i, t := range all {
		switch {
		case become[i] != Noted:
		case !current[t.Environment] || t.Revisions != last[t.Environment].Revisions:
			become[i] = Stale
		default:
			uses[use{t.Card, t.Call, t.At.Unix() / 3600}]++
		}
	}
	if len(uses) == 0 {
		return become, nil
	}
	var used [][]any
	for u, count := range uses {
		used = append(used, []any{u.card, u.hour, u.call, count})
	}
	_, err = db.Change(ctx, tx, "count requests", `INSERT INTO usage (card, hour, call, function, count)
		SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2, '', CAST(value ->> 3 AS BIGINT) FROM `+s.db.Each(1)+` WHERE TRUE
		ON CONFLICT (card, hour, call, function) DO UPDATE SET count = usage.count + excluded.count`, rows(used))
	return become, err
}

// seen notes when environments were seen last, and says which of them are bound and have
// the revisions of their touches.
func (s *Store) seen(ctx context.Context, tx *sql.Tx, last map[string]Touch) (current map[string]bool, err error) {
	var seen [][]any
	for _, t := range last {
		seen = append(seen, []any{t.Environment, db.Micros(t.At), t.Call, t.Revisions.Environment, t.Revisions.Card, t.Revisions.Policy})
	}
	current = make(map[string]bool, len(last))
	_, err = list(ctx, tx, "note requests", func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		current[id] = true
		return id, err
	}, `UPDATE environments SET seen_at = CASE WHEN seen_at < t.at THEN t.at ELSE seen_at END, last_call = CASE WHEN seen_at < t.at THEN t.call ELSE last_call END
		FROM (SELECT value ->> 0 AS id, CAST(value ->> 1 AS BIGINT) AS at, value ->> 2 AS call, CAST(value ->> 3 AS BIGINT) AS revision,
			CAST(value ->> 4 AS BIGINT) AS card_revision, CAST(value ->> 5 AS BIGINT) AS policy_revision FROM `+s.db.Each(1)+`) AS t, cards c, policies p
		WHERE environments.id = t.id AND environments.revision = t.revision AND environments.unbound_at IS NULL
			AND c.id = environments.card AND c.revision = t.card_revision AND p.id = c.policy AND p.revision = t.policy_revision
		RETURNING environments.id`, rows(seen))
	return current, err
}

// fresh notes the sealed ones, and says which were noted before.
func (s *Store) fresh(ctx context.Context, tx *sql.Tx, all []Touch) ([]Touched, error) {
	become, first := make([]Touched, len(all)), map[string]int{}
	var once [][]any
	for i, t := range all {
		if t.Once == "" {
			continue
		}
		become[i] = Replayed
		if _, twice := first[t.Once]; !twice {
			first[t.Once], once = i, append(once, []any{hex.EncodeToString([]byte(t.Once)), db.Micros(t.Until)})
		}
	}
	if len(once) == 0 {
		return become, nil
	}
	_, err := list(ctx, tx, "note sealed requests", func(row scanner) (id []byte, err error) {
		err = row.Scan(&id)
		if i, ours := first[string(id)]; ours {
			become[i] = Noted
		}
		return id, err
	}, `INSERT INTO replays (id, until_at) SELECT `+s.db.Unhex(`value ->> 0`)+`, CAST(value ->> 1 AS BIGINT) FROM `+s.db.Each(1)+` WHERE TRUE
		ON CONFLICT (id) DO NOTHING RETURNING id`, rows(once))
	return become, err
}

// rows is the parameter of db.Each for rows of texts and numbers, which JSON always has.
func rows[T any](all []T) string {
	text, _ := json.Marshal(all)
	return string(text)
}
