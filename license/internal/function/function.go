// Package function keeps the functions of products, which run on the server when a
// licensed program calls them: versions of WebAssembly modules, their limits, and the
// last calls that failed.
package function

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/journal"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/sdk/go/license"
)

const (
	// MaxVersions is how many versions of a function there are at once.
	MaxVersions = 50
	// keptFailures is how many failed calls of a function are kept.
	keptFailures = 20
)

// Limits bound each call of a function.
type Limits struct {
	TimeMS, MemoryMiB, OutputBytes int64
}

// Default is the limits of a new function; Most those that no function exceeds.
func Default() Limits { return Limits{TimeMS: 1000, MemoryMiB: 64, OutputBytes: license.MaxOutput} }

// Most is the limits that no function exceeds.
func Most() Limits { return Limits{TimeMS: 10_000, MemoryMiB: 512, OutputBytes: license.MaxOutput} }

var (
	// ErrVersions says that a function has as many versions as there may be.
	ErrVersions = fault.New(fault.Conflict, "too_many_versions", "The function has %d versions already. Remove one that is not needed any more.", MaxVersions)
	// ErrCurrent says that the version that runs cannot be removed.
	ErrCurrent = fault.New(fault.Conflict, "version_current", "This version is the one that runs. Use another one first, or remove the function.")
)

// Desk keeps functions. It is safe for concurrent use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	Sandbox *sandbox.Sandbox
	Now     func() time.Time
}

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

// Upload checks a module and makes it the next version of a function, which runs from now
// on; the first upload makes the function. The module that runs already is no new version:
// another note than an empty one is from now on that of the version.
// Wrong fields are called "name" and "note", errors of the module are those of package
// sandbox.
func (d *Desk) Upload(ctx context.Context, product, name string, module []byte, note string, by audit.Caller) (store.Function, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return store.Function{}, err
	}
	if !policy.ValidName(name) {
		return store.Function{}, fault.Fields(fault.Field{Name: "name", Code: "name", Detail: "Use letters, digits, dots, dashes and _, at most 64."})
	}
	if note, err = catalogue.Note(note); err != nil {
		return store.Function{}, err
	}
	if err := d.Sandbox.Check(ctx, module); err != nil {
		return store.Function{}, err
	}
	hash := sha256.Sum256(module)
	var f store.Function
	return f, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		f, err = d.Store.FunctionIn(ctx, tx, p.ID, name)
		known := err == nil
		if err != nil && fault.As(err).Kind != fault.NotFound {
			return err
		}
		if !known {
			l := Default()
			f = store.Function{ID: id.New("fun"), Product: p.ID, Name: name, Enabled: true, TimeMS: l.TimeMS, MemoryMiB: l.MemoryMiB, OutputBytes: l.OutputBytes, MadeAt: d.now()}
		}
		all, err := d.Store.FunctionVersionsIn(ctx, tx, f.ID)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(v store.FunctionVersion) bool { return v.Version == f.Current && v.Hash == hash }); i >= 0 {
			return d.renote(ctx, tx, all[i], note, by)
		}
		if len(all) >= MaxVersions {
			return ErrVersions
		}
		f.Last++
		f.Current = f.Last
		if known {
			err = d.Store.SetFunction(ctx, tx, f)
		} else {
			err = d.Store.InsertFunction(ctx, tx, f)
		}
		if err != nil {
			return err
		}
		v := store.FunctionVersion{Function: f.ID, Version: f.Current, Hash: hash, Size: int64(len(module)), Note: note, MadeBy: by.Actor, MadeAt: d.now()}
		if err := d.Store.InsertFunctionVersion(ctx, tx, v, module); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.FunctionUploaded, f.ID,
			map[string]any{"product": p.ID, "name": name, "version": v.Version, "sha256": hex.EncodeToString(hash[:]), "size": v.Size})
	})
}

// renote gives a version another note, unless that is empty.
func (d *Desk) renote(ctx context.Context, tx *sql.Tx, v store.FunctionVersion, note string, by audit.Caller) error {
	if note == "" || note == v.Note {
		return nil
	}
	if err := d.Store.NoteFunctionVersion(ctx, tx, v.Function, v.Version, note); err != nil {
		return err
	}
	return d.Journal.Append(ctx, tx, by, journal.FunctionChanged, v.Function, map[string]any{"version": v.Version})
}

// change changes a function; fn says what it did, or nothing when all was so before.
func (d *Desk) change(ctx context.Context, product, name string, by audit.Caller, fn func(tx *sql.Tx, f *store.Function) (action string, detail map[string]any, err error)) (f store.Function, err error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return f, err
	}
	return f, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		if f, err = d.Store.FunctionIn(ctx, tx, p.ID, name); err != nil {
			return err
		}
		action, detail, err := fn(tx, &f)
		if err != nil || action == "" {
			return err
		}
		if err := d.Store.SetFunction(ctx, tx, f); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, action, f.ID, detail)
	})
}

// Use makes another version the one that runs.
func (d *Desk) Use(ctx context.Context, product, name string, version int64, by audit.Caller) (store.Function, error) {
	return d.change(ctx, product, name, by, func(tx *sql.Tx, f *store.Function) (string, map[string]any, error) {
		all, err := d.Store.FunctionVersionsIn(ctx, tx, f.ID)
		if err != nil {
			return "", nil, err
		}
		i := slices.IndexFunc(all, func(v store.FunctionVersion) bool { return v.Version == version })
		if i < 0 {
			return "", nil, store.ErrVersion
		}
		if f.Current == version {
			return "", nil, nil
		}
		was := f.Current
		f.Current = version
		return journal.FunctionUsed, map[string]any{"old": was, "new": version, "sha256": hex.EncodeToString(all[i].Hash[:])}, nil
	})
}

// Enable lets programs call a function, or not.
func (d *Desk) Enable(ctx context.Context, product, name string, enabled bool, by audit.Caller) (store.Function, error) {
	return d.change(ctx, product, name, by, func(_ *sql.Tx, f *store.Function) (string, map[string]any, error) {
		if f.Enabled == enabled {
			return "", nil, nil
		}
		f.Enabled = enabled
		if enabled {
			return journal.FunctionEnabled, nil, nil
		}
		return journal.FunctionDisabled, nil, nil
	})
}

// Change gives a function other limits and another note. Wrong fields are called
// "time_ms", "memory_mib", "output_bytes" and "note".
func (d *Desk) Change(ctx context.Context, product, name string, l Limits, note string, by audit.Caller) (store.Function, error) {
	note, err := catalogue.Note(note)
	wrong := fault.As(err).Fields
	most := Most()
	for _, n := range []struct {
		name     string
		is, most int64
	}{{"time_ms", l.TimeMS, most.TimeMS}, {"memory_mib", l.MemoryMiB, most.MemoryMiB}, {"output_bytes", l.OutputBytes, most.OutputBytes}} {
		if n.is < 1 || n.is > n.most {
			wrong = append(wrong, fault.Field{Name: n.name, Code: "out_of_bounds", Detail: fmt.Sprintf("The number is from 1 to %d.", n.most),
				Args: map[string]any{"Least": 1, "Most": n.most}})
		}
	}
	if err := fault.Fields(wrong...); err != nil {
		return store.Function{}, err
	}
	return d.change(ctx, product, name, by, func(_ *sql.Tx, f *store.Function) (string, map[string]any, error) {
		was := Limits{f.TimeMS, f.MemoryMiB, f.OutputBytes}
		if was == l && f.Note == note {
			return "", nil, nil
		}
		f.TimeMS, f.MemoryMiB, f.OutputBytes, f.Note = l.TimeMS, l.MemoryMiB, l.OutputBytes, note
		return journal.FunctionChanged, map[string]any{"old": was.detail(), "new": l.detail()}, nil
	})
}

func (l Limits) detail() map[string]any {
	return map[string]any{"time_ms": l.TimeMS, "memory_mib": l.MemoryMiB, "output_bytes": l.OutputBytes}
}

// Remove removes a function with all its versions. Policies go on to name it.
func (d *Desk) Remove(ctx context.Context, product, name string, by audit.Caller) error {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return err
	}
	return d.Journal.Write(ctx, func(tx *sql.Tx) error {
		f, err := d.Store.FunctionIn(ctx, tx, p.ID, name)
		if err != nil {
			return err
		}
		if err := d.Store.DropFunction(ctx, tx, f.ID); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.FunctionRemoved, f.ID, map[string]any{"product": p.ID, "name": name})
	})
}

// RemoveVersion removes a version that does not run.
func (d *Desk) RemoveVersion(ctx context.Context, product, name string, version int64, by audit.Caller) (store.Function, error) {
	return d.change(ctx, product, name, by, func(tx *sql.Tx, f *store.Function) (string, map[string]any, error) {
		if f.Current == version {
			return "", nil, ErrCurrent
		}
		dropped, err := d.Store.DropFunctionVersion(ctx, tx, f.ID, version)
		if err == nil && !dropped {
			err = store.ErrVersion
		}
		return journal.FunctionVersionRemoved, map[string]any{"version": version}, err
	})
}
