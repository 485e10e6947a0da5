package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The sections of a module that scan looks into.
const (
	sectionType   = 1
	sectionImport = 2
	sectionTable  = 4
	sectionStart  = 8 // the one that is no list, of those from the types to the data
	sectionCode   = 10
	sectionData   = 11
)

// scan refuses what must not reach the compiler: it makes room for what a module says
// before it looks whether that can be. What scan lets through the compiler still checks.
func scan(module []byte, offered func(name string) bool) error {
	if len(module) > MaxModule {
		return refuse(ErrLarge, "The module has %d bytes and may have %d. Leave out what it does not need; for Go, -ldflags=\"-s -w\" helps.", len(module), MaxModule)
	}
	if len(module) < 8 || string(module[:4]) != "\x00asm" {
		return refuse(ErrModule, "This is no WebAssembly module: its first bytes are others. Send what GOOS=wasip1 GOARCH=wasm go build makes, or another compiler for WASI.")
	}
	if v := binary.LittleEndian.Uint32(module[4:]); v != 1 {
		return refuse(ErrModule, "The module has the version %#x, and 1 is what runs here. Build a module for WASI preview 1, and no component.", v)
	}
	r := &reader{rest: module[8:]}
	for len(r.rest) > 0 && r.err == nil {
		id := r.byte()
		body := &reader{rest: r.bytes(r.number())}
		if r.err != nil {
			break
		}
		if err := section(id, body, offered); err != nil {
			return err
		}
		r.err = body.err
	}
	if r.err != nil {
		return refuse(ErrModule, "The module breaks off within a section. Send it anew.")
	}
	return nil
}

func section(id byte, r *reader, offered func(string) bool) error {
	if ahead := *r; id >= sectionType && id <= sectionData && id != sectionStart {
		if n := ahead.number(); n > maxEntries {
			return refuse(ErrLarge, "A section of the module has %d entries; %d is the most. Make it smaller, or several of it.", n, maxEntries)
		}
	}
	switch id {
	case sectionType:
		return scanTypes(r)
	case sectionImport:
		return scanImports(r, offered)
	case sectionTable:
		return scanTables(r)
	case sectionCode:
		return scanCode(r)
	}
	return nil
}

func scanTypes(r *reader) error {
	for range r.count() {
		r.byte() // a function's
		params := r.number()
		r.bytes(params)
		results := r.number()
		r.bytes(results)
		if params > maxParams || results > maxResults {
			return refuse(ErrModule, "A function of the module takes %d values and returns %d; %d and %d are the most.", params, results, maxParams, maxResults)
		}
	}
	return nil
}

func scanImports(r *reader, offered func(string) bool) error {
	for range r.count() {
		name := string(r.bytes(r.number())) + "." + string(r.bytes(r.number()))
		kind := r.byte()
		if r.err == nil && (kind != 0 || !offered(name)) {
			return refuse(ErrImport, "The module imports %.200q, which there is not here: it may import the functions of wasi_snapshot_preview1 alone. Build it for WASI preview 1.", name)
		}
		r.number() // its type
	}
	return nil
}

func scanTables(r *reader) error {
	for range r.count() {
		r.byte() // what it holds
		limits := r.byte()
		least := r.number()
		if limits&1 != 0 {
			r.number()
		}
		if least > maxTable {
			return refuse(ErrModule, "A table of the module has %d elements; %d is the most.", least, maxTable)
		}
	}
	return nil
}

func scanCode(r *reader) error {
	for i := range r.count() {
		size := r.number()
		if size > maxBody {
			return refuse(ErrLarge, "The function %d of the module has %d bytes of code; %d is the most. Split it.", i, size, maxBody)
		}
		body, locals := &reader{rest: r.bytes(size)}, uint64(0)
		for range body.count() {
			locals += uint64(body.number())
			body.byte() // their type
		}
		if locals > maxLocals {
			return refuse(ErrLarge, "The function %d of the module has %d variables; %d is the most. Split it.", i, locals, maxLocals)
		}
		r.err = errors.Join(r.err, body.err)
	}
	return nil
}

// reader reads a module. After an error it reads zeros.
type reader struct {
	rest []byte
	err  error
}

var errEnds = errors.New("the bytes end")

func (r *reader) bytes(n uint32) []byte {
	if r.err != nil || uint64(n) > uint64(len(r.rest)) {
		r.err = errEnds
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// number is one in LEB128.
func (r *reader) number() uint32 {
	n, size := binary.Uvarint(r.rest)
	if r.err != nil || size <= 0 || n > 1<<32-1 {
		r.err = fmt.Errorf("%w within a number", errEnds)
		return 0
	}
	r.rest = r.rest[size:]
	return uint32(n)
}

// count is a number of things that have a byte each at least.
func (r *reader) count() uint32 {
	n := r.number()
	if uint64(n) > uint64(len(r.rest)) {
		r.err = errEnds
		return 0
	}
	return n
}
