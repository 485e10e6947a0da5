package jobs

import "errors"

// finalError marks an error that another attempt would not change.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// Final makes the attempt that returns it the job's last one: trying again would
// fail alike, because what the job says is wrong. The job is dead at once, where
// an administrator sees it and may retry it. Final of nil is nil.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return finalError{err}
}

func isFinal(err error) bool {
	_, ok := errors.AsType[finalError](err)
	return ok
}
