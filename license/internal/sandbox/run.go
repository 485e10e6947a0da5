package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// Code says how a run ended. Codes are stable.
type Code string

// How runs end.
const (
	Fine   Code = ""
	Busy   Code = "function_busy"   // it had no turn, and did not begin
	Time   Code = "function_time"   // it took too long
	Memory Code = "function_memory" // it wanted more memory
	Output Code = "function_output" // it wrote too much
	Stack  Code = "function_stack"  // its calls were nested too deeply
	Trap   Code = "function_trap"   // it did what no program may: memory out of bounds, unreachable code
	Exit   Code = "function_exit"   // it ended with another exit code than 0
)

// Result is what came of a run.
type Result struct {
	Code Code
	// Output is what it wrote to standard output, when the code is Fine.
	Output []byte
	// Log is the end of what it wrote to standard error, and Cause what else is known of
	// why it failed: both are for who wrote the module.
	Log, Cause string
	// Exit is its exit code.
	Exit uint32
	Took time.Duration
}

// Module is one that was checked.
type Module struct {
	// Name is what it is told as its own.
	Name string
	Hash [sha256.Size]byte
	// Load reads its bytes; it is called when the compiled code is not kept.
	Load func() ([]byte, error)
}

// Run runs a module with an input for a caller, whose runs leave others their turns. An error is one of ours, one of Load's, or that the
// context ended.
func (s *Sandbox) Run(ctx context.Context, m Module, caller string, input []byte, l Limits) (Result, error) {
	end, err := s.turns.take(ctx, caller, s.o.Wait)
	if errors.Is(err, errQueue) {
		return Result{Code: Busy}, nil
	}
	if err != nil {
		return Result{}, err
	}
	defer end()
	code, err := s.code(ctx, m.Hash, m.Load)
	if errors.Is(err, ErrBusy) || errors.Is(err, ErrSlow) { // it was good when it was uploaded: the machine is busy
		return Result{Code: Busy}, nil
	}
	if err != nil {
		return Result{}, err
	}
	for _, memory := range code.ExportedMemories() {
		if int64(memory.Min())*pageSize > l.Memory {
			return Result{Code: Memory, Cause: fmt.Sprintf("it begins with %d MiB", int64(memory.Min())*pageSize>>20)}, nil
		}
	}
	return s.run(ctx, code, m.Name, input, l)
}

func (s *Sandbox) run(ctx context.Context, code wazero.CompiledModule, name string, input []byte, l Limits) (Result, error) {
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, l.Time)
	defer cancel()
	out, log, memory := &output{ctx: timed, most: l.Output, full: cancel}, &tail{ctx: timed}, &memory{most: l.Memory}
	config := wazero.NewModuleConfig().WithName("").WithArgs(name).WithStdin(bytes.NewReader(input)).WithStdout(out).WithStderr(log).
		WithRandSource(rand.Reader).
		WithWalltime(func() (int64, int32) {
			at := s.o.Now().Truncate(time.Millisecond)
			return at.Unix(), int32(at.Nanosecond()) //nolint:gosec // below a milliard
		}, sys.ClockResolution(time.Millisecond)).
		WithNanotime(func() int64 { return int64(time.Since(began).Truncate(time.Millisecond)) }, sys.ClockResolution(time.Millisecond)).
		WithNanosleep(func(ns int64) { sleep(timed, time.Duration(ns)) })
	instance, err := s.runtime.InstantiateModule(experimental.WithMemoryAllocator(timed, memory), code, config)
	if instance != nil {
		defer func() { _ = instance.Close(context.WithoutCancel(ctx)) }()
	}
	r := Result{Output: out.text.Bytes(), Log: log.String(), Took: time.Since(began)}
	var exit *sys.ExitError
	ended := errors.As(err, &exit)
	switch {
	case out.over:
		r.Code = Output
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case timed.Err() != nil:
		r.Code = Time
	case err == nil:
		return r, nil
	case memory.refused:
		r.Code = Memory
	case ended:
		r.Code, r.Exit = Exit, exit.ExitCode()
	case innermost(err).Error() == "stack overflow": // wazero exports no name for it
		r.Code = Stack
	default:
		r.Code = Trap
	}
	r.Output = nil
	if err != nil && !ended {
		r.Cause = plain(fmt.Sprintf("%.2000v", err)) // it names functions of the module
	}
	return r, nil
}

func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
