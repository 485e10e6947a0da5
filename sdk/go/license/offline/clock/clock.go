package clock

import (
	"cmp"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"
)

// What Options leaves out.
const (
	// Tolerance is how far the clock may be behind the mark.
	Tolerance = 24 * time.Hour
	// Warn are the running hours with a clock further behind until it is grace.
	Warn = 24 * time.Hour
	// Grace are those until it is refused. They are of a licence in all, so that
	// setting the clock right for a moment does not renew them.
	Grace = 72 * time.Hour
	// Every is how often programs check.
	Every = time.Minute
)

// Options is what Open needs: Files, Secret, Product, IssuedAt.
type Options struct {
	// Files are the two places of the state, in folders that are there. Choose places
	// that are not removed together.
	Files [2]string
	// Secret keys the state's check sum: bytes of the program, at least 16.
	Secret  []byte
	Product string
	// IssuedAt is the licence's, Built when the program was made: no earlier time is
	// believed. A licence that was issued later than the one before begins anew.
	IssuedAt, Built time.Time
	// RunFor is how many hours the program may run under this licence; 0 is no limit.
	RunFor time.Duration
	// Tolerance, Warn, Grace and Every are the constants if 0.
	Tolerance, Warn, Grace, Every time.Duration
	// Now is the machine's clock and Boot the time since it started, with an id of that
	// start, empty if it is not known: then the time since the program started. They
	// are the system's if nil.
	Now  func() time.Time
	Boot func() (id string, up time.Duration)
}

// Guard watches the clock. It is safe for concurrent use; processes may share Files.
type Guard struct {
	o     Options
	key   []byte
	read  func(path string) ([]byte, error)
	write func(path string, text []byte) error

	mu      sync.Mutex
	process string        // names this process where the start of the machine has no id
	known   bool          // a check was made
	last    state         // as of the last check
	up      time.Duration // at the last check
	unsaved time.Duration // running time that no file knows of
}

// Open makes a guard. It reads nothing yet.
func Open(o Options) (*Guard, error) {
	switch {
	case o.Files[0] == "" || o.Files[1] == "" || o.Files[0] == o.Files[1]:
		return nil, errors.New("watch the clock: name two different files for its state")
	case len(o.Secret) < 16:
		return nil, errors.New("watch the clock: the secret has fewer than 16 bytes")
	case o.IssuedAt.IsZero():
		return nil, errors.New("watch the clock: it is not said when the licence was issued")
	}
	key, err := hkdf.Key(sha256.New, o.Secret, nil, "guildhall clock state v1\n"+o.Product, 32)
	if err != nil {
		return nil, fmt.Errorf("watch the clock: %w", err)
	}
	o.Tolerance, o.Warn = cmp.Or(o.Tolerance, Tolerance), cmp.Or(o.Warn, Warn)
	o.Grace, o.Every = cmp.Or(o.Grace, Grace), cmp.Or(o.Every, Every)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Boot == nil {
		o.Boot = systemBoot(time.Now())
	}
	return &Guard{o: o, key: key, read: readFile, write: writeFile, process: processBoot + rand.Text()}, nil
}

// Check looks at the clock and at what else tells the time. Call it at the start and
// every minute (Options.Every).
func (g *Guard) Check(e Evidence) Reading {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.check(e, true)
}

// Close is the last check: the program stops in order.
func (g *Guard) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.check(Evidence{}, false)
}

func (g *Guard) check(e Evidence, running bool) Reading {
	now := g.o.Now()
	boot, up := g.o.Boot()
	if boot == "" {
		boot = g.process
	}
	s := g.load(boot, up)
	ran := g.ran(s, up)
	s.begin(g.o)
	s.Run += ran
	ahead := s.believe(e.Server) && now.After(e.Server.Add(g.o.Tolerance))
	if !ahead {
		s.raise(now)
	}
	for _, t := range []time.Time{g.o.IssuedAt, g.o.Built, e.Server, e.Sync, e.Database, middle(e.Nodes)} {
		s.raise(t)
	}
	behind := s.mark().Sub(now)
	if behind > g.o.Tolerance {
		s.Behind += max(ran, g.startCharge())
	}
	s.Boot, s.Up, s.Running = boot, up, running
	err := g.save(s)
	r := g.reading(s, now, g.count(err, ran), err)
	if ahead {
		r.Time = s.mark()
	}
	g.known, g.last, g.up = true, s, up
	return r
}

// ran is how long this process ran since the last check, its own or that of another
// process with the same files.
func (g *Guard) ran(s state, up time.Duration) time.Duration {
	if !g.known {
		return 0
	}
	return max(0, up-max(g.up, s.seen))
}

// startCharge is what a start costs while the clock is behind: a process that is
// killed before its second check would run for nothing.
func (g *Guard) startCharge() time.Duration {
	if g.known {
		return 0
	}
	return g.o.Every
}

// count is the running time that is not saved.
func (g *Guard) count(err error, ran time.Duration) time.Duration {
	switch {
	case err == nil:
		g.unsaved = 0
	case !g.known:
		g.unsaved = g.o.Tolerance + 1 // nothing is known and nothing would be
	default:
		g.unsaved += ran
	}
	return g.unsaved
}
