package jobs

import (
	"math/rand/v2"
	"strings"
	"time"
)

// maxErrorText bounds what a row keeps of an error, in bytes.
const maxErrorText = 2000

// ending decides what becomes of a job whose attempt ended with err at now.
func (h *handler) ending(j Job, err error, now time.Time, drained bool) ending {
	switch {
	case err != nil && drained:
		return ending{state: Waiting, due: now, attempt: j.Attempt - 1, err: errorText(err)}
	case h.schedule != nil && (err == nil || j.Attempt >= h.MaxAttempts || isFinal(err)):
		return ending{state: Waiting, due: h.schedule.Next(now), err: errorText(err)}
	case err == nil:
		return ending{state: Done, due: now, attempt: j.Attempt}
	case j.Attempt >= h.MaxAttempts || isFinal(err):
		return ending{state: Dead, due: now, attempt: j.Attempt, err: errorText(err)}
	}
	return ending{state: Waiting, due: now.Add(h.backoff(j.Attempt)), attempt: j.Attempt, err: errorText(err)}
}

// backoff is the wait after the attempt: doubled each time, bounded, give or
// take a fifth, so that jobs that failed together do not come back together.
func (h *handler) backoff(attempt int) time.Duration {
	d := h.Backoff
	for range attempt - 1 {
		if d *= 2; d >= h.MaxBackoff {
			break
		}
	}
	d = min(d, h.MaxBackoff)
	return d*4/5 + rand.N(d*2/5+1) //nolint:gosec // jitter needs no secrecy
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "")
}
