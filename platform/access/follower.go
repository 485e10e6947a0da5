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
	"guildhall/sdk/go/identity/revocation"
)

// The paths on identity's internal listener.
const (
	PathRevocations = "/peer/v1/revocations"
	PathKeys        = "/peer/v1/keys"
)

// IdentityService is the service that is followed.
const IdentityService = "identity"

const (
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
	Set Set
	// Client calls identity: peer.Identity's Client(IdentityService).
	Client *http.Client
	Log    *slog.Logger
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
	act := errors.Is(err, revocation.ErrRolledBack) || errors.Is(err, revocation.ErrForged) || errors.Is(err, revocation.ErrClock)
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
	lines.Buffer(make([]byte, 0, 4096), revocation.MaxLine)
	reader := revocation.Reader{Set: f.Set.Set, Keys: f.fetchKeys}
	for lines.Scan() {
		l, err := reader.Take(ctx, lines.Text())
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

// fetchKeys gets identity's keys.
func (f *Follower) fetchKeys(ctx context.Context) ([]byte, error) {
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
	return text, nil
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
	if p.Code == revocation.CodeWentBack {
		return nil, revocation.ErrRolledBack
	}
	return nil, fmt.Errorf("identity answered %s: %s", resp.Status, p.Detail)
}
