package revocation

import "errors"

var (
	// ErrRevoked says that a token or a session was ended before its time.
	ErrRevoked = errors.New("this access was revoked")
	// ErrStale says that nothing is known about revocations: identity was not heard
	// within the lease, or not at all yet.
	ErrStale = errors.New("whether this access was revoked cannot be told, because identity was not heard")
)

// The ways in which a line is refused.
var (
	// ErrForged is a line that identity did not sign, or that makes no sense.
	ErrForged = errors.New("this is no line of identity's revocations")
	// ErrGap is a line that does not follow the one before.
	ErrGap = errors.New("revocations are missing before this line")
	// ErrRolledBack is a line that takes revocations back.
	ErrRolledBack = errors.New("identity's revocations went back: its database was restored from a backup; end again what was ended since, then restart this service")
	// ErrClock is a line from the future.
	ErrClock = errors.New("the clocks of this host and identity's differ; set them by NTP")
)

// CodeWentBack is the code of identity's refusal of a follower that knows of more
// revocations than identity does.
const CodeWentBack = "revocations_went_back"
