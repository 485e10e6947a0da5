package license

import (
	"net/http"
	"testing"

	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/wasmtest"
	"guildhall/sdk/go/license/manage"
)

func TestAPIOfFunctions(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		o.stock(t)
		ctx, c := t.Context(), o.client
		f, err := c.UploadFunction(ctx, "press", "price", wasmtest.EchoProgram(), "the first")
		ok(t, err)
		if f.Current != 1 || !f.Enabled || f.TimeMS != 1000 || len(f.Versions) != 1 || f.Versions[0].Note != "the first" || len(f.Versions[0].SHA256) != 64 ||
			f.Versions[0].MadeBy != "break-glass:test" {
			t.Errorf("uploaded: %+v", f)
		}
		ok(t, second(c.UploadFunction(ctx, "press", "price", wasmtest.WriteProgram("2"), "")))
		f, err = c.UseFunctionVersion(ctx, "press", "price", 1)
		if err != nil || f.Current != 1 || len(f.Versions) != 2 {
			t.Errorf("back to the first: %+v, %v", f, err)
		}
		f, err = c.UpdateFunction(ctx, "press", "price", manage.FunctionFields{TimeMS: 200, MemoryMiB: 32, OutputBytes: 1000, Note: "n"})
		if err != nil || f.TimeMS != 200 || f.MemoryMiB != 32 || f.OutputBytes != 1000 || f.Note != "n" {
			t.Errorf("changed: %+v, %v", f, err)
		}
		f, err = c.DisableFunction(ctx, "press", "price")
		if err != nil || f.Enabled {
			t.Errorf("disabled: %+v, %v", f, err)
		}
		ok(t, second(c.EnableFunction(ctx, "press", "price")))
		list, err := c.Functions(ctx, "press")
		if err != nil || len(list.Functions) != 1 || !list.Functions[0].Enabled || list.Functions[0].Versions != nil {
			t.Errorf("listed: %+v, %v", list, err)
		}
		failures, err := c.FunctionFailures(ctx, "press", "price")
		if err != nil || failures.Failures == nil || len(failures.Failures) != 0 {
			t.Errorf("failures: %+v, %v", failures, err)
		}
		for what, p := range map[string]*manage.Problem{
			"function_module 422":    problemOf(second(c.UploadFunction(ctx, "press", "price", []byte("MZ"), ""))),
			"function_not_found 404": problemOf(second(c.Function(ctx, "press", "none"))),
			"version_not_found 404":  problemOf(c.RemoveFunctionVersion(ctx, "press", "price", 9)),
			"version_current 409":    problemOf(c.RemoveFunctionVersion(ctx, "press", "price", 1)),
			"invalid_fields 422":     problemOf(second(c.UpdateFunction(ctx, "press", "price", manage.FunctionFields{}))),
			"product_not_found 404":  problemOf(second(c.Functions(ctx, "none"))),
			"function_large 413":     problemOf(second(c.UploadFunction(ctx, "press", "price", make([]byte, sandbox.MaxModule+1), ""))),
		} {
			if got := p.Code + " " + map[int]string{404: "404", 409: "409", 422: "422", 413: "413"}[p.Status]; got != what {
				t.Errorf("%s: %+v", what, p)
			}
		}
		ok(t, c.RemoveFunctionVersion(ctx, "press", "price", 2))
		ok(t, c.RemoveFunction(ctx, "press", "price"))
		if p := problemOf(c.RemoveFunction(ctx, "press", "price")); p.Status != http.StatusNotFound {
			t.Errorf("removed twice: %+v", p)
		}
	})
}
