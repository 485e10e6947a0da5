package web

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"guildhall/platform/fault"
)

// piece is how much of each body has a place whoever else sends what.
const piece = 64 << 10

var errBusy = fault.New(fault.Unavailable, "too_many_bodies",
	"So many large requests arrive at the moment that this one has no place. Send it again.").After(5 * time.Second)

// readWhole waits for the end of a request's body before anybody is asked who sends
// it: a body that comes slowly does not stand for somebody who was signed in, or had a
// role, when it began. A body that breaks off does so for its reader.
func (s *Site) readWhole(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || streams(r) {
			h.ServeHTTP(w, r)
			return
		}
		b := held{memory: &s.memory, most: s.o.BodyMemory}
		defer b.release()
		err := b.read(r.Body)
		if err == errBusy { //nolint:errorlint // read returns it as it is
			s.Shell("", nil).Error(w, r, err)
			return
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(&b.data, end{err}), r.Body}
		h.ServeHTTP(w, r)
	})
}

// held is a body in memory.
type held struct {
	// memory is what is taken of most by all bodies, taken what is by this one.
	memory      *atomic.Int64
	most, taken int64
	data        bytes.Buffer
}

// read reads the body to its end, or to what it breaks off with.
func (b *held) read(body io.Reader) error {
	for {
		if _, err := io.CopyN(&b.data, body, piece); err != nil {
			return err
		}
		if !b.take() {
			return errBusy
		}
	}
}

// take makes room for one more piece, if there is any.
func (b *held) take() bool {
	if b.memory.Add(piece) > b.most {
		b.memory.Add(-piece)
		return false
	}
	b.taken += piece
	return true
}

func (b *held) release() { b.memory.Add(-b.taken) }

// end is what stands behind the last byte.
type end struct{ err error }

func (e end) Read([]byte) (int, error) { return 0, e.err }
