package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/wasmtest"
	"guildhall/platform/fault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, o sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.New(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close(context.Background())) })
	return s
}

func module(code []byte) sandbox.Module {
	return sandbox.Module{Name: "test", Hash: sha256.Sum256(code), Load: func() ([]byte, error) { return code, nil }}
}

// wide are limits that no good program meets, however busy the machine is.
func wide() sandbox.Limits {
	return sandbox.Limits{Time: 10 * time.Minute, Memory: 16 << 20, Output: 1 << 20}
}

func run(t testing.TB, s *sandbox.Sandbox, code []byte, input string, change func(*sandbox.Limits)) sandbox.Result {
	t.Helper()
	l := wide()
	if change != nil {
		change(&l)
	}
	r, err := s.Run(t.Context(), module(code), "", []byte(input), l)
	must(t, err)
	return r
}

func TestWhatIsReadIsWritten(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{})
	must(t, s.Check(t.Context(), wasmtest.EchoProgram()))
	for _, input := range []string{"", "x", strings.Repeat("0123456789", 50_000)} {
		if r := run(t, s, wasmtest.EchoProgram(), input, nil); r.Code != sandbox.Fine || string(r.Output) != input || r.Exit != 0 {
			t.Errorf("%d bytes: %s, %d bytes came back, %s", len(input), r.Code, len(r.Output), r.Cause)
		}
	}
}

// TestABadProgramEndsItselfAlone runs each while a good one is running beside it.
func TestABadProgramEndsItselfAlone(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{AtOnce: 2, Wait: 10 * time.Minute})
	short := func(l *sandbox.Limits) { l.Time = 50 * time.Millisecond }
	for name, c := range map[string]struct {
		code  []byte
		limit func(*sandbox.Limits)
		want  sandbox.Code
	}{
		"infinite loop":  {wasmtest.LoopProgram(), short, sandbox.Time},
		"long sleep":     {wasmtest.SleepProgram(), short, sandbox.Time},
		"memory bomb":    {wasmtest.BombProgram(), nil, sandbox.Memory},
		"large memory":   {wasmtest.Program(257, "", nil), nil, sandbox.Memory},
		"huge output":    {wasmtest.FloodProgram(), nil, sandbox.Output},
		"no output":      {wasmtest.WriteProgram("x"), func(l *sandbox.Limits) { l.Output = 0 }, sandbox.Output},
		"deep recursion": {wasmtest.RecursionProgram(), nil, sandbox.Stack},
		"trap":           {wasmtest.TrapProgram(), nil, sandbox.Trap},
		"exit code":      {wasmtest.ExitProgram("no such rate\x00\xff", 3), nil, sandbox.Exit},
	} {
		t.Run(name, func(t *testing.T) {
			var beside sync.WaitGroup
			beside.Go(func() {
				r, err := s.Run(t.Context(), module(wasmtest.EchoProgram()), "", []byte("good"), wide())
				if err != nil || r.Code != sandbox.Fine || string(r.Output) != "good" {
					t.Errorf("the good one beside it: %+v, %v", r, err)
				}
			})
			must(t, s.Check(t.Context(), c.code))
			r := run(t, s, c.code, "", c.limit)
			beside.Wait()
			if r.Code != c.want || r.Output != nil {
				t.Errorf("it ended with %q and %d bytes, want %q: %s", r.Code, len(r.Output), c.want, r.Cause)
			}
			if name == "exit code" && (r.Exit != 3 || r.Log != "no such rate\uFFFD\uFFFD") {
				t.Errorf("exit %d, log %q", r.Exit, r.Log)
			}
			if name == "trap" && !strings.Contains(r.Cause, "unreachable") {
				t.Errorf("cause %q", r.Cause)
			}
		})
	}
}

func TestTheEndOfALongLogIsKept(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 20_000) + "the reason"
	r := run(t, open(t, sandbox.Options{}), wasmtest.ExitProgram(text, 1), "", nil)
	if len(r.Log) > 9<<10 || !strings.HasPrefix(r.Log, "…") || !strings.HasSuffix(r.Log, "xxthe reason") {
		t.Errorf("%d bytes: %.20q...", len(r.Log), r.Log)
	}
}

func TestAModuleThatCannotRunIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{})
	header := []byte("\x00asm\x01\x00\x00\x00")
	good := wasmtest.EchoProgram()
	huge := binary.AppendUvarint(nil, 4_000_000_000)
	locals := slices.Concat([]byte{1}, huge, []byte{0x7e, 0x0b})
	body := func(b []byte) []byte {
		return wasmtest.Section(10, slices.Concat([]byte{1}, binary.AppendUvarint(nil, uint64(len(b))), b))
	}
	for name, c := range map[string]struct {
		code []byte
		want *fault.Error
		says string
	}{
		"nothing":             {nil, sandbox.ErrModule, "first bytes"},
		"a program of Linux":  {[]byte("\x7fELF\x02\x01\x01\x00"), sandbox.ErrModule, "first bytes"},
		"a component":         {[]byte("\x00asm\x0d\x00\x01\x00"), sandbox.ErrModule, "component"},
		"no sections":         {header, sandbox.ErrModule, "_start"},
		"half":                {good[:len(good)/2], sandbox.ErrModule, "breaks off"},
		"too large":           {make([]byte, sandbox.MaxModule+1), sandbox.ErrLarge, "16777217"},
		"unknown module":      {bytes.Replace(good, []byte("wasi_snapshot_preview1"), []byte("wasi_snapshot_preview9"), 1), sandbox.ErrImport, `"wasi_snapshot_preview9.fd_write"`},
		"unknown function":    {bytes.Replace(good, []byte("poll_oneoff"), []byte("open_socket"), 1), sandbox.ErrImport, `"wasi_snapshot_preview1.open_socket"`},
		"other signature":     {bytes.Replace(good, []byte("poll_oneoff"), []byte("environ_get"), 1), sandbox.ErrImport, "signature"},
		"a memory":            {slices.Concat(header, wasmtest.Section(2, []byte{1, 1, 'e', 1, 'm', 2, 0, 1})), sandbox.ErrImport, `"e.m"`},
		"a library":           {bytes.Replace(good, []byte("_start"), []byte("_begin"), 1), sandbox.ErrModule, "_start"},
		"no memory":           {bytes.Replace(good, []byte("memory"), []byte("memoir"), 1), sandbox.ErrModule, "memory"},
		"many variables":      {slices.Concat(header, body(locals)), sandbox.ErrLarge, "4000000000 variables"},
		"a long function":     {slices.Concat(header, body(make([]byte, 2<<20))), sandbox.ErrLarge, "Split"},
		"many entries":        {slices.Concat(header, wasmtest.Section(3, slices.Concat(binary.AppendUvarint(nil, 200_001), make([]byte, 200_001)))), sandbox.ErrLarge, "200001 entries"},
		"a large table":       {slices.Concat(header, wasmtest.Section(4, slices.Concat([]byte{1, 0x70, 0}, huge))), sandbox.ErrModule, "table"},
		"many results":        {slices.Concat(header, wasmtest.Section(1, slices.Concat([]byte{1, 0x60, 0, 17}, make([]byte, 17)))), sandbox.ErrModule, "17"},
		"wrong code":          {wasmtest.Program(1, "", []byte{0x1a}), sandbox.ErrModule, "compiled"},
		"a table that grows":  {slices.Concat(wasmtest.Program(1, "", []byte{0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a})), sandbox.ErrModule, "reference-types"},
		"a number that never": {slices.Concat(header, []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), sandbox.ErrModule, "breaks off"},
	} {
		err := s.Check(t.Context(), c.code)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r := run(t, s, good, "still", nil); string(r.Output) != "still" {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestCompilingHasATimeAndATurn(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{Compile: time.Nanosecond})
	err := s.Check(t.Context(), wasmtest.EchoProgram())
	if !errors.Is(err, sandbox.ErrSlow) && !errors.Is(err, sandbox.ErrBusy) {
		t.Errorf("a compilation without time: %v", err)
	}
	r, err := s.Run(t.Context(), module(wasmtest.TrapProgram()), "", nil, wide())
	if err != nil || r.Code != sandbox.Busy {
		t.Errorf("a run whose code is not there in time: %+v, %v", r, err)
	}
}

func TestARunWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{AtOnce: 1, Wait: time.Millisecond})
	must(t, s.Check(t.Context(), wasmtest.EchoProgram()))
	loading, goOn := make(chan struct{}), make(chan struct{})
	first := module(wasmtest.WriteProgram("first"))
	load := first.Load
	first.Load = func() ([]byte, error) { close(loading); <-goOn; return load() }
	var done sync.WaitGroup
	done.Go(func() {
		if r, err := s.Run(t.Context(), first, "", nil, wide()); err != nil || string(r.Output) != "first" {
			t.Errorf("the first: %+v, %v", r, err)
		}
	})
	<-loading
	if r := run(t, s, wasmtest.EchoProgram(), "second", nil); r.Code != sandbox.Busy {
		t.Errorf("the second: %+v", r)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(gone, module(wasmtest.EchoProgram()), "", nil, wide()); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("one that went away: %v", err)
	}
	close(goOn)
	done.Wait()
	if r := run(t, s, wasmtest.EchoProgram(), "third", func(*sandbox.Limits) {}); r.Code != sandbox.Fine {
		t.Errorf("the third: %+v", r)
	}
}

func TestACallerThatGoesEndsItsRun(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{})
	must(t, s.Check(t.Context(), wasmtest.LoopProgram()))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.Run(ctx, module(wasmtest.LoopProgram()), "", nil, wide()); !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
}

func TestARunThatIsClosedIsNotFine(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(t.Context(), sandbox.Options{AtOnce: 1, Wait: time.Hour})
	must(t, err)
	must(t, s.Check(t.Context(), wasmtest.LoopProgram()))
	must(t, s.Check(t.Context(), wasmtest.EchoProgram()))
	var done sync.WaitGroup
	done.Go(func() {
		r, err := s.Run(t.Context(), module(wasmtest.LoopProgram()), "", nil, wide())
		if err == nil && r.Code == sandbox.Fine {
			t.Errorf("an endless loop came to %+v", r)
		}
	})
	for turned := true; turned; { // until the loop has the one turn
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := s.Run(ctx, module(wasmtest.EchoProgram()), "another", nil, wide())
		cancel()
		turned = err == nil
	}
	must(t, s.Close(t.Context()))
	done.Wait()
}

// TestCodeThatWasDroppedIsCompiledAgain fills the room for compiled code.
func TestCodeThatWasDroppedIsCompiledAgain(t *testing.T) {
	t.Parallel()
	s := open(t, sandbox.Options{})
	loads := map[byte]int{}
	for range 2 {
		for i := range byte(6) { // of 15 MiB each: four have room
			code := slices.Concat(wasmtest.WriteProgram(string('a'+rune(i))), wasmtest.Section(0, make([]byte, 15<<20)))
			m := module(code)
			m.Load = func() ([]byte, error) { loads[i]++; return code, nil }
			for range 2 {
				r, err := s.Run(t.Context(), m, "", nil, wide())
				if err != nil || string(r.Output) != string('a'+rune(i)) {
					t.Fatalf("%d: %+v, %v", i, r, err)
				}
			}
		}
	}
	for i, n := range loads {
		if n != 2 {
			t.Errorf("the module %d was read %d times", i, n)
		}
	}
}

func FuzzCheck(f *testing.F) {
	s := open(f, sandbox.Options{})
	for _, code := range [][]byte{wasmtest.EchoProgram(), wasmtest.ExitProgram("x", 3), wasmtest.BombProgram(), nil} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		err := s.Check(t.Context(), code)
		if err == nil || fault.As(err).Kind != fault.Internal {
			return
		}
		t.Errorf("%v", err)
	})
}
