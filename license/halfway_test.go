package license

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// TestWhatFailsHalfwayLeavesNothing lets each thing that is done fail at each table that it
// writes to: what a crash there would leave is what there was before.
func TestWhatFailsHalfwayLeavesNothing(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	_, rules := o.stock(t)
	ctx := t.Context()
	tables := o.tables(t)
	for name, prepare := range o.deeds(rules.ID) {
		failed := 0
		for _, table := range o.changed(t, tables, prepare(t)) {
			for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
				do := prepare(t)
				before := o.all(t, tables)
				o.execute(t, fmt.Sprintf(`CREATE TRIGGER crash BEFORE %s ON %q BEGIN SELECT RAISE(ABORT, 'the power failed'); END`, verb, table))
				err := do(ctx)
				o.execute(t, `DROP TRIGGER crash`)
				if err == nil {
					continue // it does not write there
				}
				failed++
				for _, one := range tables {
					if after := o.rows(t, one); after != before[one] {
						t.Errorf("%s that fails at %s of %s leaves in %s\n%s\nwhere was\n%s", name, verb, table, one, after, before[one])
					}
				}
			}
		}
		if failed < 2 {
			t.Errorf("%s failed at %d tables alone", name, failed)
		}
	}
}

// deeds are what is done, by its name; each is prepared first.
func (o *office) deeds(rules string) map[string]func(t *testing.T) func(context.Context) error {
	fresh := func(t *testing.T) (*program, store.Card) {
		t.Helper()
		b, err := o.cards.Order(t.Context(), card.Order{Policy: rules, Count: 1, Days: 30}, boss)
		ok(t, err)
		keys, err := o.cards.Export(t.Context(), b.ID, boss)
		ok(t, err)
		all, _, err := o.store.Cards(t.Context(), store.CardQuery{Batch: b.ID, Limit: 1, Now: o.clock.Now()})
		ok(t, err)
		return o.program(t, sealed.HPKE, keys[0].Key), all[0]
	}
	bound := func(t *testing.T) (*program, store.Card) {
		t.Helper()
		p, c := fresh(t)
		p.want(t, "activated ok", license.CallActivate)
		return p, c
	}
	return map[string]func(t *testing.T) func(context.Context) error{
		"a first activation": func(t *testing.T) func(context.Context) error {
			p, _ := fresh(t)
			return o.asks(t, p, license.CallActivate)
		},
		"a known machine": func(t *testing.T) func(context.Context) error {
			p, _ := bound(t)
			return o.asks(t, p, license.CallValidate)
		},
		"a machine with another address": func(t *testing.T) func(context.Context) error {
			p, _ := bound(t)
			p.ip = "203.0.113.9:4000"
			return o.asks(t, p, license.CallHeartbeat)
		},
		"another machine": func(t *testing.T) func(context.Context) error {
			p, _ := bound(t)
			p.ip, p.parts = "203.0.113.9:4000", o.program(t, sealed.HPKE, "").parts
			return o.asks(t, p, license.CallValidate)
		},
		"a batch": func(*testing.T) func(context.Context) error {
			return func(ctx context.Context) error {
				return second(o.cards.Order(ctx, card.Order{Policy: rules, Count: 3}, boss))
			}
		},
		"an export": func(t *testing.T) func(context.Context) error {
			b, err := o.cards.Order(t.Context(), card.Order{Policy: rules, Count: 2}, boss)
			ok(t, err)
			return func(ctx context.Context) error { return second(o.cards.Export(ctx, b.ID, boss)) }
		},
		"an unbinding": func(t *testing.T) func(context.Context) error {
			_, c := bound(t)
			return func(ctx context.Context) error { return second(o.cards.Unbind(ctx, c.ID, "moved", boss)) }
		},
		"an invitation": func(t *testing.T) func(context.Context) error {
			c, err := o.catalogue.AddCustomer(t.Context(), "Printers "+o.clock.Now().String(), "", "", boss)
			ok(t, err)
			o.clock.Advance(time.Second)
			return func(ctx context.Context) error {
				_, _, err := o.portal.Invite(ctx, c.ID, "anna@printers.example", "en", boss)
				return err
			}
		},
		"an acceptance": func(t *testing.T) func(context.Context) error {
			c, err := o.catalogue.AddCustomer(t.Context(), "Binders "+o.clock.Now().String(), "", "", boss)
			ok(t, err)
			o.clock.Advance(time.Second)
			_, link, err := o.portal.Invite(t.Context(), c.ID, "", "en", boss)
			ok(t, err)
			_, token, _ := strings.Cut(link, "link=")
			return func(ctx context.Context) error { return o.portal.Accept(ctx, token, "usr_anna", "Anna", boss) }
		},
	}
}

// asks sends a request of a program, which fails when it is not answered.
func (o *office) asks(t *testing.T, p *program, call string) func(context.Context) error {
	t.Helper()
	l := p.write(t, call)
	return func(context.Context) error {
		if w := post(t, p.counter, l, p.ip); w.Code >= 500 {
			return fmt.Errorf("status %d", w.Code)
		}
		return nil
	}
}

// tables are those of the database.
func (o *office) tables(t *testing.T) (names []string) {
	t.Helper()
	rows, err := o.env.DB.Read.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	ok(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		ok(t, rows.Scan(&name))
		names = append(names, name)
	}
	ok(t, rows.Err())
	return names
}

// changed are the tables that something writes to.
func (o *office) changed(t *testing.T, tables []string, do func(context.Context) error) []string {
	t.Helper()
	before := o.all(t, tables)
	ok(t, do(t.Context()))
	after := o.all(t, tables)
	return slices.DeleteFunc(slices.Clone(tables), func(name string) bool { return before[name] == after[name] })
}

func (o *office) all(t *testing.T, tables []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range tables {
		found[name] = o.rows(t, name)
	}
	return found
}

// rows are those of a table as text.
func (o *office) rows(t *testing.T, table string) string {
	t.Helper()
	rows, err := o.env.DB.Read.QueryContext(t.Context(), fmt.Sprintf(`SELECT * FROM %q`, table))
	ok(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	ok(t, err)
	var all []string
	for rows.Next() {
		row := map[string]any{}
		values := make([]any, len(columns))
		for i := range columns {
			values[i] = new(any)
		}
		ok(t, rows.Scan(values...))
		for i, name := range columns {
			row[name] = *values[i].(*any)
		}
		var text []string
		for _, name := range slices.Sorted(maps.Keys(row)) {
			text = append(text, fmt.Sprintf("%s=%v", name, row[name]))
		}
		all = append(all, strings.Join(text, " "))
	}
	ok(t, rows.Err())
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func (o *office) execute(t *testing.T, statement string) {
	t.Helper()
	ok(t, o.env.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), statement)
		return err
	}))
}
