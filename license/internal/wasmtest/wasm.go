// Package wasmtest has programs in WebAssembly that do one thing, most of them what no
// program should.
package wasmtest

import (
	"encoding/binary"
	"slices"
)

// The instructions, put together by hand: a test needs programs that no compiler
// makes.
const (
	opUnreachable = 0x00
	opBlockLoop   = 0x03
	opEnd         = 0x0b
	opBranch      = 0x0c
	opBranchIf    = 0x0d
	opCall        = 0x10
	opDrop        = 0x1a
	opLoad        = 0x28
	opStore       = 0x36
	opStore64     = 0x37
	opGrow        = 0x40
	opConst       = 0x41
	opConst64     = 0x42
	opNotEqual    = 0x47

	noResult = 0x40
)

// The functions that each program imports, and itself.
const (
	fdWrite byte = iota
	fdRead
	procExit
	pollOneoff
	start
)

const dataAt = 1024

// EchoProgram writes what it reads.
func EchoProgram() []byte {
	return Program(1, "", loop(seq(store(0, dataAt), store(4, 60_000), call(fdRead, 0, 0, 1, 8), []byte{opDrop},
		number(4), load(8), []byte{opStore, 2, 0}, call(fdWrite, 1, 0, 1, 12), []byte{opDrop}, load(8), []byte{opBranchIf, 0})))
}

// LoopProgram never ends.
func LoopProgram() []byte { return Program(1, "", loop([]byte{opBranch, 0})) }

// SleepProgram sleeps for an hour.
func SleepProgram() []byte {
	return Program(1, "", seq(store(16, 1), number(24), []byte{opConst64}, signed(3600*1e9), []byte{opStore64, 3, 0}, call(pollOneoff, 0, 64, 1, 128), []byte{opDrop}))
}

// BombProgram takes memory until it gets none.
func BombProgram() []byte {
	return Program(1, "", seq(loop(seq(number(64), []byte{opGrow, 0}, number(-1), []byte{opNotEqual, opBranchIf, 0})), []byte{opUnreachable}))
}

// FloodProgram writes for ever.
func FloodProgram() []byte {
	return Program(1, "", seq(store(0, dataAt), store(4, 60_000), loop(seq(call(fdWrite, 1, 0, 1, 12), []byte{opDrop, opBranch, 0}))))
}

// RecursionProgram calls itself for ever.
func RecursionProgram() []byte { return Program(1, "", seq(call(start), store(0, 1))) }

// TrapProgram does what no program may.
func TrapProgram() []byte { return Program(1, "", []byte{opUnreachable}) }

// ExitProgram writes a text to standard error and ends with an exit code.
func ExitProgram(text string, code int64) []byte {
	return Program(1, text, seq(store(0, dataAt), store(4, int64(len(text))), call(fdWrite, 2, 0, 1, 12), []byte{opDrop}, number(code), []byte{opCall, procExit}))
}

// WriteProgram writes a text to standard output: the same each time.
func WriteProgram(text string) []byte {
	return Program(1, text, seq(store(0, dataAt), store(4, int64(len(text))), call(fdWrite, 1, 0, 1, 12), []byte{opDrop}))
}

// Program is a command with a memory of some pages, a text in it, and code.
func Program(pages uint64, text string, code []byte) []byte {
	four := []byte{0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f}
	return seq([]byte("\x00asm\x01\x00\x00\x00"),
		Section(1, seq([]byte{3, 0x60, 0, 0}, four, []byte{0x60, 1, 0x7f, 0})),
		Section(2, seq([]byte{4}, Import("fd_write", 1), Import("fd_read", 1), Import("proc_exit", 2), Import("poll_oneoff", 1))),
		Section(3, []byte{1, 0}),
		Section(5, seq([]byte{1, 0}, unsigned(pages))),
		Section(7, seq([]byte{2}, named("memory"), []byte{2, 0}, named("_start"), []byte{0, start})),
		Section(10, seq([]byte{1}, sized(seq([]byte{0}, code, []byte{opEnd})))),
		Section(11, seq([]byte{1, 0}, number(dataAt), []byte{opEnd}, named(text))))
}

// Section is a section of a module.
func Section(id byte, body []byte) []byte { return seq([]byte{id}, sized(body)) }

// Import is that of a function of WASI preview 1.
func Import(name string, kind byte) []byte {
	return seq(named("wasi_snapshot_preview1"), named(name), []byte{0, kind})
}

func seq(parts ...[]byte) []byte { return slices.Concat(parts...) }

func loop(body []byte) []byte { return seq([]byte{opBlockLoop, noResult}, body, []byte{opEnd}) }

func load(at int64) []byte { return seq(number(at), []byte{opLoad, 2, 0}) }

func store(at, value int64) []byte { return seq(number(at), number(value), []byte{opStore, 2, 0}) }

func call(function byte, args ...int64) (code []byte) {
	for _, a := range args {
		code = append(code, number(a)...)
	}
	return append(code, opCall, function)
}

func number(n int64) []byte { return seq([]byte{opConst}, signed(n)) }

func named(text string) []byte { return sized([]byte(text)) }

func sized(b []byte) []byte { return seq(unsigned(uint64(len(b))), b) }

func unsigned(n uint64) []byte { return binary.AppendUvarint(nil, n) }

// signed is a number in signed LEB128.
func signed(n int64) (b []byte) {
	for {
		low := byte(n & 0x7f)
		n >>= 7
		if n == 0 && low&0x40 == 0 || n == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}
