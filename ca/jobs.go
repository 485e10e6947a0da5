package ca

import (
	"context"
	"time"

	"guildhall/platform/jobs"
)

const (
	expiryJob = "ca.expiry"
	// expiryEvery is how often certificates near their end are looked for.
	expiryEvery = time.Hour
)

// registerJobs registers what the authority does by itself. The revocation
// lists register theirs when they are made.
func (s *service) registerJobs(q *jobs.Queue) {
	times := make([]time.Duration, 0, len(s.config.ExpiryWarnings))
	for _, d := range s.config.ExpiryWarnings {
		times = append(times, d.Std())
	}
	q.Every(expiryJob, jobs.Interval(expiryEvery), func(ctx context.Context) error { return s.certificates.Warn(ctx, times) })
}
