package license

import (
	"errors"
	"fmt"
	"time"
)

// What a program can run into. The text around an error says more; nothing else comes
// out of a Client but the context's own errors.
var (
	// ErrRefused says that the server refused. The error is a *RefusedError.
	ErrRefused = errors.New("the licence server refused")
	// ErrUnreachable says that no server answered, and that no earlier answer is good.
	ErrUnreachable = errors.New("the licence server cannot be reached")
	// ErrAnswer says that what answered does not show that it is the licence server, and
	// that no earlier answer is good.
	ErrAnswer = errors.New("the answer is not one of the licence server")
	// ErrState says that the file with this installation's keys cannot be used.
	ErrState = errors.New("the licence state of this installation cannot be used")
	// ErrFile says that a download cannot be written where it is to go.
	ErrFile = errors.New("the file cannot be written")
	// ErrKit says that the kit or an option cannot be used: the vendor's mistake.
	ErrKit = errors.New("the licence kit or an option cannot be used")
)

// RefusedError is a refusal that the server signed.
type RefusedError struct {
	// Code says why, and is stable: card_expired, environment_mismatch ...
	Code string
	// Detail is an English sentence for a log.
	Detail string
	// RetryAfter is how long to wait, if the server was too busy for this request.
	RetryAfter time.Duration
}

func (e *RefusedError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s (%s)", ErrRefused, e.Code)
	}
	return fmt.Sprintf("%s (%s): %s", ErrRefused, e.Code, e.Detail)
}

// Is makes errors.Is find ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// TryLaterError says that the server, which signed it, asks to wait: too many requests came.
// It is no verdict about the card, and errors.Is finds ErrUnreachable.
type TryLaterError struct {
	// Detail is an English sentence for a log.
	Detail string
	// RetryAfter is how long to wait.
	RetryAfter time.Duration
}

func (e *TryLaterError) Error() string {
	return fmt.Sprintf("%s now: it asks to wait for %s: %s", ErrUnreachable, e.RetryAfter, e.Detail)
}

// Is makes errors.Is find ErrUnreachable.
func (e *TryLaterError) Is(target error) bool { return target == ErrUnreachable }

// longestWait bounds what a server can ask for.
const longestWait = 24 * time.Hour

func refusal(a Answer) error {
	wait := seconds(a.RetryAfter)
	if a.Code == tooMany {
		return &TryLaterError{a.Detail, wait}
	}
	return &RefusedError{a.Code, a.Detail, wait}
}

// seconds is a number of them as an answer has it, at most longestWait.
func seconds(n int) time.Duration {
	return time.Duration(min(max(n, 0), int(longestWait/time.Second))) * time.Second
}
