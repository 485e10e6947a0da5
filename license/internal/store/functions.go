package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

var (
	// ErrFunction says that there is no such function.
	ErrFunction = fault.New(fault.NotFound, "function_not_found", "The product has no such function.")
	// ErrVersion says that there is no such version of a function.
	ErrVersion = fault.New(fault.NotFound, "version_not_found", "The function has no such version.")
)

// Function is one on the server that programs call by its name.
type Function struct {
	ID, Product, Name, Note string
	// Current is the version that runs, Last the number of the last one that was uploaded.
	Current, Last int64
	Enabled       bool
	// TimeMS, MemoryMiB and OutputBytes bound each call.
	TimeMS, MemoryMiB, OutputBytes int64
	MadeAt                         time.Time
}

const functionColumns = `SELECT id, product, name, note, current, last, enabled, time_ms, memory_mib, output_bytes, made_at FROM functions `

func scanFunction(row scanner) (f Function, err error) {
	var made int64
	err = row.Scan(&f.ID, &f.Product, &f.Name, &f.Note, &f.Current, &f.Last, &f.Enabled, &f.TimeMS, &f.MemoryMiB, &f.OutputBytes, &made)
	f.MadeAt = db.FromMicros(made)
	return f, err
}

// Function is the one of a product with the name, or ErrFunction.
func (s *Store) Function(ctx context.Context, product, name string) (Function, error) {
	return function(ctx, s.db.Read, product, name)
}

// FunctionIn is Function as the transaction sees it.
func (s *Store) FunctionIn(ctx context.Context, tx *sql.Tx, product, name string) (Function, error) {
	return function(ctx, tx, product, name)
}

func function(ctx context.Context, q querier, product, name string) (Function, error) {
	f, err := scanFunction(q.QueryRowContext(ctx, functionColumns+`WHERE product = $1 AND name = $2`, product, name))
	if errors.Is(err, sql.ErrNoRows) {
		return f, ErrFunction.Naming(name)
	}
	return f, db.Coded(err)
}

// Functions are those of a product, by name.
func (s *Store) Functions(ctx context.Context, product string) ([]Function, error) {
	return list(ctx, s.db.Read, "list functions", scanFunction, functionColumns+`WHERE product = $1 ORDER BY name`, product)
}

// InsertFunction writes a new function.
func (s *Store) InsertFunction(ctx context.Context, tx *sql.Tx, f Function) error {
	_, err := db.Change(ctx, tx, "write a function", `INSERT INTO functions (id, product, name, note, current, last, enabled, time_ms, memory_mib, output_bytes, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, f.ID, f.Product, f.Name, f.Note, f.Current, f.Last, f.Enabled, f.TimeMS, f.MemoryMiB, f.OutputBytes, db.Micros(f.MadeAt))
	return err
}

// SetFunction writes what can change of a function.
func (s *Store) SetFunction(ctx context.Context, tx *sql.Tx, f Function) error {
	_, err := db.Change(ctx, tx, "change a function", `UPDATE functions SET note = $1, current = $2, last = $3, enabled = $4, time_ms = $5, memory_mib = $6, output_bytes = $7 WHERE id = $8`,
		f.Note, f.Current, f.Last, f.Enabled, f.TimeMS, f.MemoryMiB, f.OutputBytes, f.ID)
	return err
}

// DropFunction removes a function with all its versions and failures.
func (s *Store) DropFunction(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := db.Change(ctx, tx, "remove a function", `DELETE FROM functions WHERE id = $1`, id)
	return err
}

// FunctionVersion is a module that was uploaded.
type FunctionVersion struct {
	Function string
	Version  int64
	Hash     [sha256.Size]byte
	// Size is that of the module, in bytes.
	Size         int64
	Note, MadeBy string
	MadeAt       time.Time
}

const versionColumns = `SELECT function, version, hash, size, note, made_by, made_at FROM function_versions `

func scanVersion(row scanner) (v FunctionVersion, err error) {
	var hash []byte
	var made int64
	err = row.Scan(&v.Function, &v.Version, &hash, &v.Size, &v.Note, &v.MadeBy, &made)
	copy(v.Hash[:], hash)
	v.MadeAt = db.FromMicros(made)
	return v, err
}

// FunctionVersions are those of a function, the last first.
func (s *Store) FunctionVersions(ctx context.Context, function string) ([]FunctionVersion, error) {
	return functionVersions(ctx, s.db.Read, function)
}

// FunctionVersionsIn is FunctionVersions as the transaction sees it.
func (s *Store) FunctionVersionsIn(ctx context.Context, tx *sql.Tx, function string) ([]FunctionVersion, error) {
	return functionVersions(ctx, tx, function)
}

func functionVersions(ctx context.Context, q querier, function string) ([]FunctionVersion, error) {
	return list(ctx, q, "list versions of a function", scanVersion, versionColumns+`WHERE function = $1 ORDER BY version DESC`, function)
}

// FunctionVersion is the version of a function, or ErrVersion.
func (s *Store) FunctionVersion(ctx context.Context, function string, version int64) (FunctionVersion, error) {
	v, err := scanVersion(s.db.Read.QueryRowContext(ctx, versionColumns+`WHERE function = $1 AND version = $2`, function, version))
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrVersion
	}
	return v, db.Coded(err)
}

// FunctionModule is the module of a version, or ErrVersion.
func (s *Store) FunctionModule(ctx context.Context, function string, version int64) (module []byte, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT module FROM function_versions WHERE function = $1 AND version = $2`, function, version).Scan(&module)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrVersion
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read a module: %w", err))
	}
	return module, nil
}

// InsertFunctionVersion writes a new version.
func (s *Store) InsertFunctionVersion(ctx context.Context, tx *sql.Tx, v FunctionVersion, module []byte) error {
	_, err := db.Change(ctx, tx, "write a version of a function", `INSERT INTO function_versions (function, version, hash, module, size, note, made_by, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, v.Function, v.Version, v.Hash[:], module, v.Size, v.Note, v.MadeBy, db.Micros(v.MadeAt))
	return err
}

// NoteFunctionVersion gives a version another note.
func (s *Store) NoteFunctionVersion(ctx context.Context, tx *sql.Tx, function string, version int64, note string) error {
	_, err := db.Change(ctx, tx, "note a version of a function", `UPDATE function_versions SET note = $1 WHERE function = $2 AND version = $3`, note, function, version)
	return err
}

// DropFunctionVersion removes a version. False means that there is none.
func (s *Store) DropFunctionVersion(ctx context.Context, tx *sql.Tx, function string, version int64) (bool, error) {
	n, err := db.Change(ctx, tx, "remove a version of a function", `DELETE FROM function_versions WHERE function = $1 AND version = $2`, function, version)
	return n == 1, err
}

// FunctionFailure is a call that came to nothing.
type FunctionFailure struct {
	ID, Function string
	Version      int64
	Card, Code   string
	// Prefix begins the key of the card.
	Prefix string
	Exit   int64
	Took   time.Duration
	// Cause is what the server knows, Log the end of what the function wrote.
	Cause, Log string
	At         time.Time
}

// FunctionFailures are the last ones of a function, the last first.
func (s *Store) FunctionFailures(ctx context.Context, function string) ([]FunctionFailure, error) {
	return list(ctx, s.db.Read, "list failures of a function", func(row scanner) (f FunctionFailure, err error) {
		var took, at int64
		err = row.Scan(&f.ID, &f.Function, &f.Version, &f.Card, &f.Code, &f.Exit, &took, &f.Cause, &f.Log, &at, &f.Prefix)
		f.Took, f.At = time.Duration(took)*time.Microsecond, db.FromMicros(at)
		return f, err
	}, `SELECT f.id, f.function, f.version, f.card, f.code, f.exit, f.took_us, f.cause, f.log, f.at, COALESCE(c.prefix, '')
		FROM function_failures f LEFT JOIN cards c ON c.id = f.card WHERE f.function = $1 ORDER BY f.at DESC, f.id DESC`, function)
}

// InsertFunctionFailure writes a failure, and drops those of the function beyond the
// last keep. Of a function that was removed meanwhile it writes nothing.
func (s *Store) InsertFunctionFailure(ctx context.Context, tx *sql.Tx, f FunctionFailure, keep int) error {
	n, err := db.Change(ctx, tx, "write a failure of a function", `INSERT INTO function_failures (id, function, version, card, code, exit, took_us, cause, log, at)
		SELECT CAST($1 AS TEXT), id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS TEXT), CAST($8 AS TEXT),
		CAST($9 AS BIGINT) FROM functions WHERE id = $10`,
		f.ID, f.Version, f.Card, f.Code, f.Exit, f.Took.Microseconds(), f.Cause, f.Log, db.Micros(f.At), f.Function)
	if err != nil || n == 0 {
		return err
	}
	_, err = db.Change(ctx, tx, "drop old failures of a function", `DELETE FROM function_failures WHERE function = $1 AND id NOT IN
		(SELECT id FROM function_failures WHERE function = $1 ORDER BY at DESC, id DESC LIMIT $2)`, f.Function, keep)
	return err
}
