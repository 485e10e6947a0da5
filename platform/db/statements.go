package db

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxStatements bounds the prepared statements that one connection keeps. The
// stores have fewer texts than that, but for lists with filters.
const maxStatements = 128

// preparing opens SQLite connections that keep their prepared statements:
// database/sql prepares a text anew for each use, which costs as much as many
// statements themselves. pgx does the same for PostgreSQL by itself.
type preparing struct{ driver.Connector }

// Connect implements driver.Connector.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver's connections lack a method"), c.Close())
	}
	return &preparedConn{sqliteConn: full, idle: map[string]driver.Stmt{}}, nil
}

// sqliteConn is what database/sql can use of the driver's connections.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// preparedConn is used by one goroutine at a time, as all of driver.Conn.
type preparedConn struct {
	sqliteConn

	// idle are statements that nobody uses, by text. One whose rows are open is
	// not here, so that the same text can be run within them.
	idle map[string]driver.Stmt
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := s.(driver.StmtExecContext).ExecContext(ctx, args) //nolint:forcetypeassert // the driver's always is one
	return result, errors.Join(err, c.give(query, s))
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args) //nolint:forcetypeassert // the driver's always is one
	if err != nil {
		return nil, errors.Join(err, c.give(query, s))
	}
	return &preparedRows{Rows: rows, done: func() error { return c.give(query, s) }}, nil
}

func (c *preparedConn) take(ctx context.Context, query string) (driver.Stmt, error) {
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return s, nil
	}
	return c.PrepareContext(ctx, query)
}

// give keeps a statement for the next one who has its text.
func (c *preparedConn) give(query string, s driver.Stmt) error {
	if _, twice := c.idle[query]; twice {
		return s.Close()
	}
	c.idle[query] = s
	if len(c.idle) <= maxStatements {
		return nil
	}
	for text, old := range c.idle { // any will do: texts beyond the bound are rare
		delete(c.idle, text)
		return old.Close()
	}
	return nil
}

// Close closes the statements too; SQLite would keep the file open for them.
func (c *preparedConn) Close() error {
	var errs []error
	for _, s := range c.idle {
		errs = append(errs, s.Close())
	}
	c.idle = nil
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// preparedRows gives its statement back when it is closed.
type preparedRows struct {
	driver.Rows

	done func() error
}

// Close implements driver.Rows.
func (r *preparedRows) Close() error { return errors.Join(r.Rows.Close(), r.done()) }
