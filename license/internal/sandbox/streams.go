package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/tetratelabs/wazero/experimental"
)

// output is what a module writes. The byte that is too many ends its run. One call of a
// module can write so often that it would go on for long: nothing is taken once the time of
// the run is over.
type output struct {
	ctx  context.Context //nolint:containedctx // that of the run
	text bytes.Buffer
	most int
	over bool
	full func()
}

var errFull = errors.New("the output is full")

func (o *output) Write(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	if o.over || o.text.Len()+len(p) > o.most {
		o.over = true
		o.full()
		return 0, errFull
	}
	return o.text.Write(p)
}

// tail keeps the end of what is written, as long as the run has time.
type tail struct {
	ctx  context.Context //nolint:containedctx // that of the run
	text []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n := len(p)
	if len(p) > logSize {
		p, t.cut = p[len(p)-logSize:], true
	}
	if over := len(t.text) + len(p) - logSize; over > 0 {
		t.text, t.cut = append(t.text[:0], t.text[over:]...), true
	}
	t.text = append(t.text, p...)
	return n, nil
}

func (t *tail) String() string {
	if t.cut {
		return "…" + plain(string(t.text))
	}
	return plain(string(t.text))
}

// plain is text that any database takes.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// memory is the memory of one run. It grows by doubling, so that a module that asks for
// page after page copies little, and never beyond its bound.
type memory struct {
	most    int64
	refused bool
	bytes   []byte
}

func (m *memory) Allocate(uint64, uint64) experimental.LinearMemory { return m }

func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(m.most) { //nolint:gosec // most is a limit above 0
		m.refused = true
		return nil
	}
	if size > uint64(cap(m.bytes)) {
		room := min(max(size, 2*uint64(cap(m.bytes))), uint64(m.most)) //nolint:gosec // as above
		more := make([]byte, size, room)
		copy(more, m.bytes)
		m.bytes = more
	}
	m.bytes = m.bytes[:size]
	return m.bytes
}

func (m *memory) Free() { m.bytes = nil }
