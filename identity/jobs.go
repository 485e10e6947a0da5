package identity

import (
	"time"

	"guildhall/platform/jobs"
)

const (
	codesJob    = "identity.codes"
	attemptsJob = "identity.attempts"
	sessionsJob = "identity.sessions"
	keysJob     = "identity.keys"
	grantsJob   = "identity.grants"
	// cleanEvery is how often what is over is deleted.
	cleanEvery = time.Hour
	// purgeEvery is shorter: ids of proofs come by the thousand and last a minute.
	purgeEvery = 5 * time.Minute
)

// registerJobs registers what identity does by itself. Package account registers
// the job that writes its letters when it is made.
func (s *service) registerJobs(q *jobs.Queue) {
	q.Every(codesJob, jobs.Interval(cleanEvery), s.accounts.Clean)
	q.Every(attemptsJob, jobs.Interval(cleanEvery), s.gate.Clean)
	q.Every(sessionsJob, jobs.Interval(cleanEvery), s.sessions.Purge)
	q.Every(keysJob, jobs.Interval(cleanEvery), s.keys.Keep)
	q.Every(grantsJob, jobs.Interval(purgeEvery), s.grants.Purge)
}
