package clock

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxState bounds a state's file, in bytes.
const maxState = 4 << 10

// state is what the files keep, the same in both.
type state struct {
	// Turn counts how often the mark began anew; a later turn is never mixed with an
	// earlier one.
	Turn int64 `json:"turn"`
	// Mark is the high-water mark and Issued when the licence was issued, both in
	// microseconds since 1970.
	Mark   int64 `json:"mark"`
	Issued int64 `json:"issued"`
	// Server is the newest server's time that was believed, in microseconds too.
	Server int64 `json:"server"`
	// Boot and Up are when the state was written, by the machine's start.
	Boot string        `json:"boot"`
	Up   time.Duration `json:"up"`
	// Run is how long the program ran, Behind how long with a clock that was set back.
	Run    time.Duration `json:"run"`
	Behind time.Duration `json:"behind"`
	// Running says that the program has not stopped in order.
	Running bool `json:"running"`

	// seen is Up as it was written, 0 under another start of the machine.
	seen time.Duration
}

func (s *state) mark() time.Time { return time.UnixMicro(s.Mark).UTC() }

func (s *state) raise(t time.Time) {
	if !t.IsZero() {
		s.Mark = max(s.Mark, t.UnixMicro())
	}
}

// begin starts anew with a licence that was issued later than all before.
func (s *state) begin(o Options) {
	if issued := o.IssuedAt.UnixMicro(); s.Turn == 0 || issued > s.Issued {
		*s = state{Turn: s.Turn + 1, Mark: issued, Issued: issued, Server: s.Server}
	}
}

// pass lets the mark go on with the time that the machine ran. After a crash and a new
// start of the machine nobody knows how long that was, but for the time until the next
// check. Where the machine's starts have no ids, a crash cannot be told from one.
func (s *state) pass(boot string, up, every time.Duration) {
	switch {
	case s.Boot == boot:
		s.seen = s.Up
		s.Mark += max(0, up-s.Up).Microseconds()
	case s.Running && !strings.HasPrefix(boot, processBoot) && !strings.HasPrefix(s.Boot, processBoot):
		s.Mark += every.Microseconds()
	}
}

// believe takes over a server's time, if it is newer than those before: the same one
// again says nothing about now.
func (s *state) believe(server time.Time) bool {
	if server.IsZero() || server.UnixMicro() <= s.Server {
		return false
	}
	*s = state{Turn: s.Turn + 1, Mark: server.UnixMicro(), Issued: s.Issued, Server: server.UnixMicro(), Run: s.Run}
	return true
}

// merge is what two copies know together.
func merge(a, b state) state {
	switch {
	case a.Turn > b.Turn:
		return a
	case a.Turn < b.Turn:
		return b
	}
	a.Mark, a.Run, a.Behind = max(a.Mark, b.Mark), max(a.Run, b.Run), max(a.Behind, b.Behind)
	a.seen = max(a.seen, b.seen)
	return a
}

// load is what the files and this process know together, by now. A file that is missing
// or was tampered with is passed over; the next save mends it.
func (g *Guard) load(boot string, up time.Duration) state {
	s := g.last
	s.pass(boot, up, g.o.Every)
	for _, path := range g.o.Files {
		text, err := g.read(path)
		if err != nil {
			continue
		}
		if kept, err := parse(text, g.key); err == nil {
			kept.pass(boot, up, g.o.Every)
			s = merge(s, kept)
		}
	}
	return s
}

// save is an error if neither file can be written.
func (g *Guard) save(s state) error {
	text := s.text(g.key)
	err := g.write(g.o.Files[0], text)
	if other := g.write(g.o.Files[1], text); other == nil || err == nil {
		return nil
	}
	return err
}

// text is a line of JSON and one of its HMAC-SHA256.
func (s *state) text(key []byte) []byte {
	line, _ := json.Marshal(s) // numbers and text
	return fmt.Appendf(nil, "%s\n%s\n", line, sum(line, key))
}

func sum(line, key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(line)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

var errState = errors.New("the state of the clock was changed by somebody else")

func parse(text, key []byte) (state, error) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if !hmac.Equal(rest, []byte(sum(line, key)+"\n")) {
		return state{}, errState
	}
	var s state
	if err := json.Unmarshal(line, &s); err != nil {
		return state{}, fmt.Errorf("read the state of the clock: %w", err)
	}
	return s, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxState))
}

// writeFile replaces the file as a whole.
func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
