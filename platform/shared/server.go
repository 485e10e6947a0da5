package shared

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"
)

const (
	// DefaultTimeout is how long a question waits for its answer.
	DefaultTimeout = 100 * time.Millisecond
	// lookEvery is how often the server is looked for, and dialTimeout how long
	// connecting, TLS and signing in may take.
	lookEvery   = time.Second
	dialTimeout = time.Second
	// prefix begins every key, so that other programs may use the server too.
	prefix = "guildhall:"
	// buffer is in bytes, for each direction of a connection: our commands are short.
	buffer = 16 << 10
)

// ErrAway is the error of every question while the server does not work.
var ErrAway = errors.New("the server for shared state does not work")

// Options is what Open needs; all but Timeout and Metrics.
type Options struct {
	Address Address
	// Timeout bounds each question; 0 is DefaultTimeout.
	Timeout time.Duration
	// Scope tells installations apart that use one server: their domain.
	Scope string
	Log   *slog.Logger
	// Metrics takes guildhall_shared_up and guildhall_shared_unanswered_total; nil:
	// there are none.
	Metrics prometheus.Registerer
}

// Server is the way to the server. It is safe for concurrent use.
type Server struct {
	option     rueidis.ClientOption
	timeout    time.Duration
	scope      string
	log        *slog.Logger
	up         prometheus.Gauge
	unanswered prometheus.Counter

	looking sync.Mutex // one look at a time
	mu      sync.Mutex
	now     link
}

// link is the connection and how it is. Each look makes a new one, so that an
// answer that was lost before it says nothing about what is after it.
type link struct {
	client  rueidis.Client // nil until the server was reached once
	problem error          // nil: it works
	look    uint64
}

// Open looks for the server once. That it is away is no error: it may come.
func Open(ctx context.Context, o Options) *Server {
	s := &Server{option: o.Address.option, timeout: o.Timeout, scope: o.Scope, log: o.Log,
		up: prometheus.NewGauge(prometheus.GaugeOpts{Name: "guildhall_shared_up", Help: "1 when the server for shared state works, else 0."}),
		unanswered: prometheus.NewCounter(prometheus.CounterOpts{Name: "guildhall_shared_unanswered_total",
			Help: "Questions to the server for shared state that this process answered by itself."})}
	if s.timeout <= 0 {
		s.timeout = DefaultTimeout
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(s.up, s.unanswered)
	}
	s.option.DisableCache, s.option.DisableRetry = true, true
	s.option.Dialer.Timeout, s.option.ConnWriteTimeout = s.slow(), s.slow()
	s.option.ReadBufferEachConn, s.option.WriteBufferEachConn = buffer, buffer
	s.option.ClientName, s.option.PipelineMultiplex = "guildhall", -1 // one connection: questions at once share it
	_ = s.Look(ctx)                                                   // the log has it
	return s
}

// Run looks for the server every second until the context ends.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = s.Look(ctx) // the log has it
		}
	}
}

// Problem is why the server did not work when it was last needed, nil if it did.
func (s *Server) Problem() error { return s.link().problem }

// Close ends the connections. Nothing is asked after it.
func (s *Server) Close() {
	if client := s.link().client; client != nil {
		client.Close()
	}
}

// Key is the server's name for what a package keeps under a name: it tells nobody
// the name, which may be an address or an account.
func (s *Server) Key(kind, name string) string {
	sum := sha256.Sum256([]byte(s.scope + "\x00" + kind + "\x00" + name))
	return prefix + kind + ":" + base64.RawURLEncoding.EncodeToString(sum[:18])
}

// Script is what the server does in one step.
type Script struct{ lua *rueidis.Lua }

// NewScript makes a script out of Lua, which gets one key and returns an integer.
func NewScript(lua string) Script { return Script{rueidis.NewLuaScript(lua)} }

// Do has the server run the script. The error is, or wraps, ErrAway.
func (s *Server) Do(ctx context.Context, script Script, key string, args ...string) (int64, error) {
	at := s.link()
	if at.problem != nil {
		s.unanswered.Inc()
		return 0, ErrAway
	}
	n, err := ask(ctx, s.timeout, at.client, script, key, args...)
	if err != nil {
		s.unanswered.Inc()
		s.turn(ctx, at, link{client: at.client, problem: err})
		return 0, errors.Join(ErrAway, err)
	}
	return n, nil
}

// ask does not end with the context of who asks: somebody who hangs up says
// nothing about the server.
func ask(ctx context.Context, within time.Duration, client rueidis.Client, script Script, key string, args ...string) (int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	return script.lua.Exec(ctx, client, []string{key}, args).AsInt64()
}

// look asks for all that is needed: that the server runs scripts, and lets us write.
const look = `redis.call('SET', KEYS[1], '1', 'PX', 1000) return 1`

// Look finds out whether the server works, and returns what is wrong. It takes the
// time to connect anew, and then asks as everybody does.
func (s *Server) Look(ctx context.Context) error {
	s.looking.Lock()
	defer s.looking.Unlock()
	before := s.link()
	client, err := before.client, error(nil)
	if client == nil {
		client, err = connect(s.option)
	}
	if err == nil {
		err = s.try(ctx, client)
	}
	s.mu.Lock()
	now := s.now // what a question has found out meanwhile
	s.mu.Unlock()
	s.turn(ctx, now, link{client: client, problem: err})
	return err
}

// try asks with the time that connecting takes, and again: the first may only find
// that the old connection is gone. Then it asks with the time that everybody has.
func (s *Server) try(ctx context.Context, client rueidis.Client) error {
	script, key := NewScript(look), s.Key("look", "")
	if _, err := ask(ctx, s.slow(), client, script, key); err != nil {
		if _, err := ask(ctx, s.slow(), client, script, key); err != nil {
			return err
		}
	}
	_, err := ask(ctx, s.timeout, client, script, key)
	return err
}

// slow is how long connecting and asking may take together.
func (s *Server) slow() time.Duration { return max(dialTimeout, s.timeout) }

// connect returns no client when there is an error.
func connect(o rueidis.ClientOption) (rueidis.Client, error) {
	client, err := rueidis.NewClient(o)
	if err != nil && client != nil {
		client.Close()
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

func (s *Server) link() link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// turn replaces a link, unless another look was taken since, and tells what has
// changed.
func (s *Server) turn(ctx context.Context, from, to link) {
	s.mu.Lock()
	if s.now.look != from.look {
		s.mu.Unlock()
		return
	}
	was := s.now
	to.look = was.look + 1
	s.now = to
	s.mu.Unlock()
	switch first := was.look == 0; {
	case to.problem == nil:
		s.up.Set(1)
		if was.problem != nil {
			s.log.InfoContext(ctx, "the server for shared state works again")
		}
	case first || was.problem == nil:
		s.up.Set(0)
		s.log.WarnContext(ctx, "the server for shared state does not work; until it does, this process counts by itself", "err", to.problem)
	}
}
