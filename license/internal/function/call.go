package function

import (
	"context"
	"database/sql"
	"time"

	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/platform/id"
)

// Call runs the version of a function that is current in f for a card, and keeps why when
// that came to nothing. Whether the card may call it was decided before.
func (d *Desk) Call(ctx context.Context, f store.Function, card string, input []byte) (sandbox.Result, error) {
	v, err := d.Store.FunctionVersion(ctx, f.ID, f.Current)
	if err != nil {
		return sandbox.Result{}, err
	}
	m := sandbox.Module{Name: f.Name, Hash: v.Hash, Load: func() ([]byte, error) { return d.Store.FunctionModule(ctx, f.ID, f.Current) }}
	r, err := d.Sandbox.Run(ctx, m, card, input, sandbox.Limits{Time: time.Duration(f.TimeMS) * time.Millisecond, Memory: f.MemoryMiB << 20, Output: int(f.OutputBytes)})
	if err != nil || r.Code == sandbox.Fine || r.Code == sandbox.Busy {
		return r, err
	}
	failure := store.FunctionFailure{ID: id.New("fnf"), Function: f.ID, Version: f.Current, Card: card, Code: string(r.Code), Exit: int64(r.Exit), Took: r.Took,
		Cause: r.Cause, Log: r.Log, At: d.now()}
	return r, d.Journal.Group(ctx, func(tx *sql.Tx) error { return d.Store.InsertFunctionFailure(ctx, tx, failure, keptFailures) })
}
