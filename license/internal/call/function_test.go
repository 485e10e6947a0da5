package call_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/license/internal/function"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/wasmtest"
	"guildhall/sdk/go/license"
)

// upload makes a function of the world's product, with time for a busy machine.
func upload(t testing.TB, w *licensetest.World, name string, module []byte, timeMS int64) {
	t.Helper()
	_, err := w.Functions.Upload(t.Context(), licensetest.Product, name, module, "", licensetest.By)
	must(t, err)
	l := function.Default()
	l.TimeMS = timeMS
	_, err = w.Functions.Change(t.Context(), licensetest.Product, name, l, "", licensetest.By)
	must(t, err)
}

func function1(name, input string) func(*license.Request) {
	return func(r *license.Request) { r.Function, r.Input = name, []byte(input) }
}

func may(names ...string) func(*policy.Policy) {
	return func(p *policy.Policy) {
		for _, name := range names {
			p.Functions[name] = policy.Function{}
		}
	}
}

func TestACalledFunctionAnswers(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		const most = 10_000
		upload(t, w, "echo", wasmtest.EchoProgram(), most)
		key := w.CardKey(t, may("echo", "none"))
		m := w.Machine(t, "mine", here)
		full := strings.Repeat("x", license.MaxInput)
		for i, input := range []string{"", "hello", full} {
			want := "ok ok"
			if i == 0 {
				want = "activated ok"
			}
			if a := m.Want(t, want, license.CallFunction, key, function1("echo", input)); string(a.Output) != input {
				t.Errorf("%d bytes came back as %d", len(input), len(a.Output))
			}
		}
		m.Want(t, "refused function_input", license.CallFunction, key, function1("echo", full+"x"))
		m.Want(t, "refused function_not_found", license.CallFunction, key, function1("none", ""))
		m.Want(t, "refused function_not_allowed", license.CallFunction, key, function1("other", ""))
		w.Machine(t, "stranger", there).Want(t, "refused environment_mismatch", license.CallFunction, key, function1("echo", ""))

		_, err := w.Functions.Enable(t.Context(), licensetest.Product, "echo", false, licensetest.By)
		must(t, err)
		m.Want(t, "refused function_disabled", license.CallFunction, key, function1("echo", ""))
		_, err = w.Functions.Enable(t.Context(), licensetest.Product, "echo", true, licensetest.By)
		must(t, err)
		_, err = w.Functions.Upload(t.Context(), licensetest.Product, "echo", wasmtest.WriteProgram("two"), "", licensetest.By)
		must(t, err)
		if a := m.Want(t, "ok ok", license.CallFunction, key, function1("echo", "")); string(a.Output) != "two" {
			t.Errorf("the second version says %q", a.Output)
		}
		_, err = w.Functions.Use(t.Context(), licensetest.Product, "echo", 1, licensetest.By)
		must(t, err)
		if a := m.Want(t, "ok ok", license.CallFunction, key, function1("echo", "back")); string(a.Output) != "back" {
			t.Errorf("the first version says %q", a.Output)
		}
		use, err := w.Store.Usage(t.Context(), w.Card(t, key).ID, w.Clock.Now().Add(-time.Hour))
		must(t, err)
		if len(use) != 1 || use[0].Count != 5 || use[0].Function != "echo" {
			t.Errorf("counted: %+v", use)
		}
	})
}

// TestAFunctionThatFailsIsCountedAndTold has one of each kind, while others are served.
func TestAFunctionThatFailsIsCountedAndTold(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		bad := map[string]struct {
			module []byte
			timeMS int64
		}{
			"time":   {wasmtest.LoopProgram(), 50},
			"memory": {wasmtest.BombProgram(), 10_000},
			"output": {wasmtest.FloodProgram(), 10_000},
			"stack":  {wasmtest.RecursionProgram(), 10_000},
			"trap":   {wasmtest.TrapProgram(), 10_000},
			"exit":   {wasmtest.ExitProgram("no such rate", 3), 10_000},
		}
		upload(t, w, "echo", wasmtest.EchoProgram(), 10_000)
		names := []string{"echo"}
		for name, b := range bad {
			upload(t, w, name, b.module, b.timeMS)
			names = append(names, name)
		}
		key := w.CardKey(t, func(p *policy.Policy) {
			may(names...)(p)
			p.Functions["trap"] = policy.Function{PerDay: 1}
		})
		m := w.Machine(t, "mine", here)
		m.Want(t, "activated ok", license.CallActivate, key)
		for name := range bad {
			var beside sync.WaitGroup
			beside.Go(func() {
				if a := m.Ask(t, license.CallFunction, key, function1("echo", name)); string(a.Output) != name {
					t.Errorf("beside %s: %+v", name, a)
				}
			})
			a := m.Ask(t, license.CallFunction, key, function1(name, ""))
			beside.Wait()
			if a.Verdict != license.VerdictRefused || a.Code != "function_"+name || a.Detail == "" || a.Output != nil {
				t.Errorf("%s: %+v", name, a)
			}
		}
		m.Want(t, "refused function_quota", license.CallFunction, key, function1("trap", ""))
		m.Want(t, "ok ok", license.CallValidate, key)
		p, err := w.Store.Product(t.Context(), licensetest.Product)
		must(t, err)
		f, err := w.Store.Function(t.Context(), p.ID, "exit")
		must(t, err)
		for range 25 {
			m.Want(t, "refused function_exit", license.CallFunction, key, function1("exit", ""))
			w.Clock.Advance(time.Second)
		}
		all, err := w.Store.FunctionFailures(t.Context(), f.ID)
		must(t, err)
		if len(all) != 20 || all[0].Log != "no such rate" || all[0].Exit != 3 || all[0].Card != w.Card(t, key).ID || all[0].Prefix != w.Card(t, key).Prefix || all[0].Version != 1 || all[0].Took <= 0 || all[0].At.Before(all[19].At) {
			t.Errorf("%d failures, the last %+v", len(all), all[0])
		}
		for _, action := range w.Actions(t) {
			if strings.HasPrefix(action, "function.failed") {
				t.Errorf("the audit log has %s", action)
			}
		}
	})
}

// A call that found no turn did not run: it takes nothing of the day's quota.
func TestACallWithoutATurnIsNotCounted(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		upload(t, w, "echo", wasmtest.EchoProgram(), 10_000)
		key := w.CardKey(t, func(p *policy.Policy) { p.Functions["echo"] = policy.Function{PerDay: 1} })
		m := w.Machine(t, "mine", here)
		m.Want(t, "activated ok", license.CallActivate, key)
		box := w.Functions.Sandbox
		busy, err := sandbox.New(t.Context(), sandbox.Options{AtOnce: 1, Wait: time.Millisecond, Now: w.Clock.Now})
		must(t, err)
		defer func() { must(t, busy.Close(t.Context())) }()
		loading, goOn := make(chan struct{}), make(chan struct{})
		var other sync.WaitGroup
		other.Go(func() {
			load := func() ([]byte, error) { close(loading); <-goOn; return wasmtest.EchoProgram(), nil }
			_, err := busy.Run(t.Context(), sandbox.Module{Load: load}, "other", nil, sandbox.Limits{Time: time.Minute, Memory: 1 << 20, Output: 1})
			must(t, err)
		})
		<-loading
		w.Functions.Sandbox = busy
		for range 2 {
			if a := m.Want(t, "refused function_busy", license.CallFunction, key, function1("echo", "")); a.RetryAfter < 1 {
				t.Errorf("when to try again: %+v", a)
			}
		}
		close(goOn)
		other.Wait()
		w.Functions.Sandbox = box
		m.Want(t, "ok ok", license.CallFunction, key, function1("echo", ""))
		m.Want(t, "refused function_quota", license.CallFunction, key, function1("echo", ""))
	})
}
