package sandbox

import "time"

// Limits bound one run.
type Limits struct {
	// Time is how long it may take, on the clock and not on the processor.
	Time time.Duration
	// Memory is the bytes of linear memory; the run's stack, up to 100 MiB, is not among
	// them.
	Memory int64
	// Output is the bytes that it may write to standard output.
	Output int
}

// Bounds of a module. Those of a function are far below what would take long to compile,
// and above what compilers make of real programs.
const (
	// MaxModule is the size of a module, in bytes.
	MaxModule = 16 << 20

	maxBody    = 128 << 10 // bytes of one function: what compiling it takes grows faster than it
	maxLocals  = 50_000    // of one function
	maxResults = 16        // of one function type
	maxParams  = 1000
	maxEntries = 200_000 // of one section: each takes the compiler hundreds of bytes, and one to write
	maxTable   = 1 << 20 // elements: 8 bytes each

	pageSize = 64 << 10
	// maxPages is what a 32 bit memory can have at most; runs have Limits.Memory.
	maxPages = 1 << 16
)

// logSize is how much of standard error is kept, in bytes: the end, where the reason is.
const logSize = 8 << 10
