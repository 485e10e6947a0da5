package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Change runs a statement in a transaction and says how many rows it changed. doing
// is what an error begins with: "write a card".
func Change(ctx context.Context, tx *sql.Tx, doing, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return n, nil
}

// Containing is the pattern of LIKE ... ESCAPE '!' for what contains the text, whose
// case says nothing: compare it with the lower case of a column.
func Containing(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}
