package audit

// The actions of the process: what administrators do beside the services. Whom
// they let in, and that they stopped it or had it read its settings again, stands in
// the log of every service that the process runs, for all of them are meant; a
// backup, a restore and a job in the log of theirs.
const (
	AccessCreated      = "break_glass.created"
	AccessRefused      = "break_glass.refused"
	AccessEntered      = "break_glass.entered"
	AccessLeft         = "break_glass.left"
	AccessEnded        = "break_glass.ended"
	BackupMade         = "backup.made"
	BackupFailed       = "backup.failed"
	BackupRestored     = "backup.restored"
	RestoreInterrupted = "backup.restore_interrupted"
	JobRetried         = "job.retried"
	ProcessReloaded    = "process.reloaded"
	ProcessStopped     = "process.stopped"
)

// ProcessActions are all of them, which a service lists beside its own.
func ProcessActions() []string {
	return []string{AccessCreated, AccessRefused, AccessEntered, AccessLeft, AccessEnded,
		BackupMade, BackupFailed, BackupRestored, RestoreInterrupted, JobRetried, ProcessReloaded, ProcessStopped}
}
