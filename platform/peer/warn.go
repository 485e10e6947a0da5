package peer

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// warningsPerSecond bounds what refused connections write into the log: a
// caller that tries again and again must not fill the disk.
const warningsPerSecond = 20

// warner writes warnings of refusals, no more than so many a second; the first
// one of a later second says how many were left out.
type warner struct {
	log *slog.Logger

	mu      sync.Mutex
	second  int64
	written int
	omitted int
}

func (w *warner) warn(ctx context.Context, text string, args ...any) {
	write, omitted := w.count(time.Now().Unix())
	if !write {
		return
	}
	if omitted > 0 {
		args = append(args, "left_out_before", omitted)
	}
	w.log.WarnContext(ctx, text, args...) //nolint:sloglint // the callers' texts are constants
}

func (w *warner) count(second int64) (write bool, omitted int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if second != w.second {
		omitted = w.omitted
		w.second, w.written, w.omitted = second, 0, 0
	}
	if w.written >= warningsPerSecond {
		w.omitted++
		return false, 0
	}
	w.written++
	return true, omitted
}
