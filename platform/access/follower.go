package access

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/peer"
	"guildhall/sdk/go/identity"
)

// IdentityService is the service that is followed.
const IdentityService = "identity"

const (
	// MaxLine bounds a line, in bytes.
	MaxLine = 64 << 10
	// maxKeys bounds the key set and a problem document.
	maxKeys = 256 << 10
	// silence is how long identity may say nothing before the connection is taken
	// for dead: it speaks every second.
	silence = 5 * time.Second
	// retryLeast and retryMost bound the pauses between tries.
	retryLeast = 100 * time.Millisecond
	retryMost  = 2 * time.Second
	// keysTimeout bounds the request for the keys.
	keysTimeout = 5 * time.Second
)

// Follower keeps a Set up to date.
type Follower struct {
	Set *Set
	// Client calls identity: peer.Identity's Client(IdentityService).
	Client *http.Client
	Log    *slog.Logger

	// hash is that of the keys in Set.
	hash string
}

// Run follows identity's revocations until ctx ends, and tries again whatever
// happens; it returns nil. Call it once.
func (f *Follower) Run(ctx context.Context) error {
	wait, stale := retryLeast, true
	for ctx.Err() == nil {
		err := f.follow(ctx, func() {
			if stale {
				f.Log.InfoContext(ctx, "identity's revocations are known", "revocations", f.Set.Size(), "sequence", f.Set.Sequence())
			}
			wait, stale = retryLeast, false
		})
		f.tell(ctx, err, &stale)
		pause(ctx, wait/2+rand.N(wait/2)) //nolint:gosec // jitter needs no secrecy
		wait = min(2*wait, retryMost)
	}
	return nil
}

// tell logs why the connection ended: loudly once it is of consequence, and always
// when somebody has to act.
func (f *Follower) tell(ctx context.Context, err error, stale *bool) {
	act := errors.Is(err, ErrRolledBack) || errors.Is(err, ErrForged) || errors.Is(err, ErrClock)
	switch why := f.Set.Fresh(); {
	case ctx.Err() != nil:
	case why != nil && !*stale:
		*stale = true
		f.Log.WarnContext(ctx, "nothing is known about revoked access any more; what is privileged is refused until identity is heard again", "err", err, "reason", errors.Unwrap(why))
	case act:
		f.Log.ErrorContext(ctx, "what identity says of revocations is refused", "err", err)
	default:
		f.Log.DebugContext(ctx, "follow identity's revocations", "err", err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// follow takes in one connection's lines until it ends. heard is called for each
// line that counts.
func (f *Follower) follow(ctx context.Context, heard func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(fmt.Errorf("identity was silent for %s", silence)) })
	defer watch.Stop()
	resp, err := f.get(ctx, PathRevocations+"?after="+strconv.FormatUint(f.Set.Sequence(), 10))
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	s := stream{set: f.Set}
	for lines.Scan() {
		l, err := f.line(ctx, &s, lines.Text())
		if err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		watch.Reset(silence)
		if !l.More {
			heard()
		}
	}
	return errors.Join(context.Cause(ctx), lines.Err(), errors.New("identity ended the stream"))
}

// line takes in one line. When its key is not known, or it says that the keys have
// changed, they are fetched.
func (f *Follower) line(ctx context.Context, s *stream, text string) (Line, error) {
	keys := f.Set.keys.Load()
	if keys == nil {
		return f.lineOfNewKeys(ctx, s, text)
	}
	l, err := s.line(text, keys)
	if errors.Is(err, identity.ErrKey) {
		return f.lineOfNewKeys(ctx, s, text)
	}
	if err == nil && l.Keys != f.hash {
		_, err = f.fetchKeys(ctx)
	}
	return l, err
}

func (f *Follower) lineOfNewKeys(ctx context.Context, s *stream, text string) (Line, error) {
	keys, err := f.fetchKeys(ctx)
	if err != nil {
		return Line{}, err
	}
	return s.line(text, keys)
}

// fetchKeys gets identity's keys: they are believed because identity's certificate
// stands behind the connection.
func (f *Follower) fetchKeys(ctx context.Context) (*identity.KeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	resp, err := f.get(ctx, PathKeys)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKeys))
	if err != nil {
		return nil, fmt.Errorf("read identity's keys: %w", err)
	}
	keys, err := identity.ParseKeySet(text)
	if err != nil {
		return nil, err
	}
	f.Set.keys.Store(keys)
	f.hash = KeysHash(text)
	return keys, nil
}

func (f *Follower) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, peer.URL(IdentityService)+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.Client.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var p fault.Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxKeys)).Decode(&p); err != nil {
		return nil, fmt.Errorf("identity answered %s", resp.Status)
	}
	if p.Code == CodeWentBack {
		return nil, ErrRolledBack
	}
	return nil, fmt.Errorf("identity answered %s: %s", resp.Status, p.Detail)
}
