package function_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"guildhall/license/internal/function"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/license/internal/wasmtest"
	"guildhall/platform/db"
	"guildhall/platform/fault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestVersionsOfAFunction(t *testing.T) {
	t.Parallel()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := licensetest.New(t, d)
		ctx, desk, product, by := t.Context(), w.Functions, licensetest.Product, licensetest.By
		up := func(text string) store.Function {
			t.Helper()
			f, err := desk.Upload(ctx, product, "price", wasmtest.WriteProgram(text), text, by)
			must(t, err)
			return f
		}
		first := up("one")
		if d := function.Default(); first.Current != 1 || !first.Enabled || first.TimeMS != d.TimeMS || first.MemoryMiB != d.MemoryMiB || first.OutputBytes != d.OutputBytes {
			t.Errorf("the first: %+v", first)
		}
		if again := up("one"); again.Current != 1 {
			t.Errorf("the same module again: %+v", again)
		}
		must(t, second(desk.Upload(ctx, product, "price", wasmtest.WriteProgram("one"), "said better", by)))
		must(t, second(desk.Upload(ctx, product, "price", wasmtest.WriteProgram("one"), "", by)))
		if v, err := w.Store.FunctionVersion(ctx, first.ID, 1); err != nil || v.Note != "said better" {
			t.Errorf("noted anew: %+v, %v", v, err)
		}
		if f := up("two"); f.Current != 2 {
			t.Errorf("the second: %+v", f)
		}
		f, err := desk.Use(ctx, product, "price", 1, by)
		if err != nil || f.Current != 1 {
			t.Errorf("back: %+v, %v", f, err)
		}
		if _, err := desk.RemoveVersion(ctx, product, "price", 1, by); !errors.Is(err, function.ErrCurrent) {
			t.Errorf("removing the one that runs: %v", err)
		}
		_, err = desk.RemoveVersion(ctx, product, "price", 2, by)
		must(t, err)
		for name, err := range map[string]error{"use": second(desk.Use(ctx, product, "price", 2, by)), "remove": second(desk.RemoveVersion(ctx, product, "price", 2, by))} {
			if !errors.Is(err, store.ErrVersion) {
				t.Errorf("%s a version that is gone: %v", name, err)
			}
		}
		if f := up("three"); f.Current != 3 {
			t.Errorf("a number came twice: %+v", f)
		}
		must(t, second(desk.Enable(ctx, product, "price", false, by)))
		must(t, second(desk.Enable(ctx, product, "price", false, by)))
		must(t, second(desk.Enable(ctx, product, "price", true, by)))
		f, err = desk.Change(ctx, product, "price", function.Most(), "rates", by)
		if err != nil || f.TimeMS != 10_000 || f.Note != "rates" {
			t.Errorf("changed: %+v, %v", f, err)
		}
		all, err := w.Store.FunctionVersions(ctx, f.ID)
		must(t, err)
		if len(all) != 2 || all[0].Version != 3 || all[0].Note != "three" || all[0].MadeBy != by.Actor || all[0].Size != int64(len(wasmtest.WriteProgram("three"))) {
			t.Errorf("the versions: %+v", all)
		}
		must(t, desk.Remove(ctx, product, "price", by))
		if err := desk.Remove(ctx, product, "price", by); !errors.Is(err, store.ErrFunction) {
			t.Errorf("removing it twice: %v", err)
		}
		if _, err := w.Store.FunctionModule(ctx, f.ID, 1); !errors.Is(err, store.ErrVersion) {
			t.Errorf("its module: %v", err)
		}
		actions := slices.DeleteFunc(w.Actions(t), func(a string) bool { return len(a) < 8 || a[:8] != "function" })
		want := []string{"function.uploaded", "function.changed", "function.uploaded", "function.version_used", "function.version_removed", "function.uploaded", "function.disabled", "function.enabled",
			"function.changed", "function.removed"}
		if !slices.Equal(actions, want) {
			t.Errorf("the log has %q", actions)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestAFunctionThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := licensetest.New(t, d)
		ctx, product, by := t.Context(), licensetest.Product, licensetest.By
		good := wasmtest.EchoProgram()
		for name, c := range map[string]struct {
			err  error
			want string
		}{
			"name":    {second(w.Functions.Upload(ctx, product, "no name", good, "", by)), "name"},
			"product": {second(w.Functions.Upload(ctx, "none", "f", good, "", by)), "product_not_found"},
			"module":  {second(w.Functions.Upload(ctx, product, "f", []byte("MZ"), "", by)), sandbox.ErrModule.Code},
			"use":     {second(w.Functions.Use(ctx, product, "f", 1, by)), "function_not_found"},
			"time":    {second(w.Functions.Change(ctx, product, "f", function.Limits{TimeMS: 10_001, MemoryMiB: 1, OutputBytes: 1}, "", by)), "time_ms"},
			"memory":  {second(w.Functions.Change(ctx, product, "f", function.Limits{TimeMS: 1, MemoryMiB: 0, OutputBytes: 1}, "", by)), "memory_mib"},
			"output":  {second(w.Functions.Change(ctx, product, "f", function.Limits{TimeMS: 1, MemoryMiB: 1, OutputBytes: 1 << 20}, "", by)), "output_bytes"},
		} {
			got := fault.As(c.err)
			if len(got.Fields) > 0 {
				got.Code = got.Fields[0].Name
			}
			if got.Code != c.want {
				t.Errorf("%s: %v", name, c.err)
			}
		}
		for i := range function.MaxVersions {
			must(t, second(w.Functions.Upload(ctx, product, "many", wasmtest.WriteProgram(fmt.Sprint(i)), "", by)))
		}
		if err := second(w.Functions.Upload(ctx, product, "many", good, "", by)); !errors.Is(err, function.ErrVersions) {
			t.Errorf("one version too many: %v", err)
		}
	})
}
