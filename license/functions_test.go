package license

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/license/internal/wasmtest"
	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
)

// exampleFunction is examples/function-go as its README builds it.
func exampleFunction(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "price.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", path, "guildhall/examples/function-go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	module, err := os.ReadFile(path)
	ok(t, err)
	return module
}

// TestTheExampleFunctionIsCalledByTheGoClient goes over each transport.
func TestTheExampleFunctionIsCalledByTheGoClient(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	_, rules := o.stock(t)
	ctx := t.Context()
	ok(t, second(o.client.UploadFunction(ctx, "press", "price", exampleFunction(t), "")))
	ok(t, second(o.client.UpdateFunction(ctx, "press", "price", wire.FunctionFields{TimeMS: 10_000, MemoryMiB: 64, OutputBytes: 1000})))
	ok(t, second(o.client.UploadFunction(ctx, "press", "crash", wasmtest.TrapProgram(), "")))
	change := wire.PolicyChange{Name: "Functions", Rules: rules.Rules, Revision: rules.Revision}
	change.Rules.Functions = map[string]wire.FunctionRule{"price": {}, "crash": {}}
	ok(t, second(o.client.UpdatePolicy(ctx, rules.ID, change)))
	for _, mode := range modes() {
		p := o.program(t, mode, o.card(t, rules))
		c, err := license.Open(license.Options{Kit: *p.kit, Dir: t.TempDir(), Version: "1.0", Components: p.parts, Mode: mode,
			HTTP: &http.Client{Transport: straight{p.counter, p.ip}}, Now: o.clock.Now})
		ok(t, err)
		ok(t, second(c.Activate(ctx, p.card)))
		if out, err := c.Call(ctx, "price", []byte(`{"sheets": 250, "colour": true}`)); err != nil || string(out) != "{\"cents\":7950}\n" {
			t.Errorf("%s: %s, %v", mode, out, err)
		}
		for name, want := range map[string]string{"price": "function_exit", "crash": "function_trap", "none": "function_not_allowed"} {
			refused := (*license.RefusedError)(nil)
			if out, err := c.Call(ctx, name, []byte(`{"sheets": 0}`)); !errors.As(err, &refused) || refused.Code != want {
				t.Errorf("%s: %s: %s, %v", mode, name, out, err)
			}
		}
		if s, err := c.Validate(ctx); err != nil || s.Cached {
			t.Errorf("%s: afterwards: %+v, %v", mode, s, err)
		}
	}
	failures, err := o.client.FunctionFailures(ctx, "press", "price")
	if err != nil || len(failures.Failures) != 3 || !strings.Contains(failures.Failures[0].Log, "one sheet at least") || failures.Failures[0].Exit != 1 {
		t.Errorf("failures: %+v, %v", failures, err)
	}
}
