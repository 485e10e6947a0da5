package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// Options is what New needs; what is zero has a default.
type Options struct {
	// AtOnce is how many runs there are at once; 0: as many as processors, at least 2.
	AtOnce int
	// Wait is how long a run waits for its turn; 0: 5 seconds.
	Wait time.Duration
	// Compile is how long the compilation of a module may take; 0: a minute.
	Compile time.Duration
	// Now is the clock that modules see; nil: time.Now.
	Now func() time.Time
}

// keptBytes bounds the modules whose compiled code is kept, by their own size: the code is
// a few times as large.
const keptBytes = 64 << 20

// Sandbox runs modules. It is safe for concurrent use.
type Sandbox struct {
	o       Options
	runtime wazero.Runtime
	offers  map[string]api.FunctionDefinition

	turns *turns
	// compiler is taken by who compiles: one after the other, so that no number of new
	// modules takes the machine from those that run.
	compiler chan struct{}

	mu       sync.Mutex
	compiled []kept // the last used last
}

type kept struct {
	hash [sha256.Size]byte
	size int
	code wazero.CompiledModule
}

// New makes a sandbox.
func New(ctx context.Context, o Options) (*Sandbox, error) {
	if o.AtOnce < 1 {
		o.AtOnce = max(2, runtime.GOMAXPROCS(0))
	}
	if o.Wait == 0 {
		o.Wait = 5 * time.Second
	}
	if o.Compile == 0 {
		o.Compile = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	// Without reference types no module makes a table larger: nothing would bound that.
	config := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2 &^ api.CoreFeatureReferenceTypes).
		WithCloseOnContextDone(true).WithMemoryLimitPages(maxPages).WithDebugInfoEnabled(false)
	s := &Sandbox{o: o, runtime: wazero.NewRuntimeWithConfig(ctx, config), offers: map[string]api.FunctionDefinition{},
		turns: newTurns(o.AtOnce), compiler: make(chan struct{}, 1)}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, s.runtime); err != nil {
		return nil, fmt.Errorf("open the sandbox: %w", err)
	}
	for name, f := range s.runtime.Module(wasi_snapshot_preview1.ModuleName).ExportedFunctionDefinitions() {
		s.offers[wasi_snapshot_preview1.ModuleName+"."+name] = f
	}
	return s, nil
}

// Close ends what runs, and frees all code. With an exit code of 0, half an output would
// pass for the whole.
func (s *Sandbox) Close(ctx context.Context) error {
	return s.runtime.CloseWithExitCode(ctx, sys.ExitCodeContextCanceled)
}

// Check says what is wrong with a module, by one of the errors of this package.
func (s *Sandbox) Check(ctx context.Context, module []byte) error {
	_, err := s.code(ctx, sha256.Sum256(module), func() ([]byte, error) { return module, nil })
	return err
}

// code is the compiled module with the hash; load reads it when it is not kept.
func (s *Sandbox) code(ctx context.Context, hash [sha256.Size]byte, load func() ([]byte, error)) (wazero.CompiledModule, error) {
	if code := s.find(hash); code != nil {
		return code, nil
	}
	wait, cancel := context.WithTimeout(ctx, s.o.Compile)
	defer cancel()
	select {
	case s.compiler <- struct{}{}:
	case <-wait.Done():
		return nil, lateOr(ctx, ErrBusy)
	}
	if code := s.find(hash); code != nil { // somebody else has compiled it meanwhile
		<-s.compiler
		return code, nil
	}
	module, err := load()
	if err == nil {
		err = scan(module, func(name string) bool { return s.offers[name] != nil })
	}
	if err != nil {
		<-s.compiler
		return nil, err
	}
	done := make(chan struct{})
	var code wazero.CompiledModule
	go func() { // the compiler cannot be stopped: who waits goes, and the next waits for it
		defer func() { close(done); <-s.compiler }()
		if code, err = s.compile(module); err == nil {
			s.keep(kept{hash, len(module), code})
		}
	}()
	select {
	case <-done:
		return code, err
	case <-wait.Done():
		return nil, lateOr(ctx, ErrSlow)
	}
}

// lateOr is that the caller went away, or else err.
func lateOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *Sandbox) compile(module []byte) (code wazero.CompiledModule, err error) {
	defer func() {
		if p := recover(); p != nil { // a fault of the compiler ends no process
			code, err = nil, refuse(ErrModule, "The module cannot be compiled: %v.", p)
		}
	}()
	code, err = s.runtime.CompileModule(context.Background(), module)
	if err != nil {
		return nil, refuse(ErrModule, "The module cannot be compiled: %.500v.", err)
	}
	if err := s.fits(code); err != nil {
		_ = code.Close(context.Background())
		return nil, err
	}
	return code, nil
}

// fits says whether a module is a command whose imports are as they are offered.
func (s *Sandbox) fits(code wazero.CompiledModule) error {
	for _, f := range code.ImportedFunctions() {
		module, name, _ := f.Import()
		offer := s.offers[module+"."+name]
		if offer == nil || !slices.Equal(f.ParamTypes(), offer.ParamTypes()) || !slices.Equal(f.ResultTypes(), offer.ResultTypes()) {
			return refuse(ErrImport, "The module imports %.200q with another signature than there is. Build it for WASI preview 1.", module+"."+name)
		}
	}
	start := code.ExportedFunctions()["_start"]
	if start == nil || len(start.ParamTypes())+len(start.ResultTypes()) > 0 || code.ExportedMemories()["memory"] == nil {
		return refuse(ErrModule, "The module is no command: it has to export a function _start without parameters and a memory. Build a program, and no library.")
	}
	return nil
}

func (s *Sandbox) find(hash [sha256.Size]byte) wazero.CompiledModule {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.compiled, func(k kept) bool { return k.hash == hash })
	if i < 0 {
		return nil
	}
	found := s.compiled[i]
	s.compiled = append(slices.Delete(s.compiled, i, i+1), found)
	return found.code
}

// keep drops what was not used for longest. What runs goes on with its code.
func (s *Sandbox) keep(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compiled = append(s.compiled, k)
	size := 0
	for _, k := range s.compiled {
		size += k.size
	}
	for size > keptBytes && len(s.compiled) > 1 {
		size -= s.compiled[0].size
		_ = s.compiled[0].code.Close(context.Background())
		s.compiled = slices.Delete(s.compiled, 0, 1)
	}
}
