package license

import (
	"time"

	"guildhall/platform/jobs"
)

const (
	keysJob    = "license.keys"
	replaysJob = "license.replays"
	portalJob  = "license.invitations"
	filesJob   = "license.files"
	contentJob = "license.contents"
	uploadJob  = "license.uploads"
)

// registerJobs registers what license does by itself, but for the batches: package card
// registers those.
func (s *service) registerJobs(q *jobs.Queue) {
	q.Every(keysJob, jobs.Interval(time.Hour), s.transport.Keep)
	q.Every(replaysJob, jobs.Interval(5*time.Minute), s.transport.ForgetReplays)
	q.Every(portalJob, jobs.Interval(time.Hour), s.portal.Purge)
	q.Every(filesJob, jobs.Interval(time.Hour), s.files.Clean)
	q.Every(contentJob, jobs.Interval(24*time.Hour), s.files.Adopt)
	q.Every(uploadJob, jobs.Interval(24*time.Hour), s.files.Tidy)
}
