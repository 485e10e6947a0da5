package certificate

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"

	"guildhall/platform/fault"
)

// newSlots leaves half of the processors to everything else, which would wait for
// seconds behind RSA keys that are made on all of them.
func newSlots() *semaphore.Weighted {
	return semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2)))
}

// heavy does work that takes a processor for long, when it is its turn. It gives
// up when ctx ends before.
func (s *Service) heavy(ctx context.Context, work func() error) error {
	if err := s.slots.Acquire(ctx, 1); err != nil {
		return fault.New(fault.Unavailable, "ca_busy",
			"The authority is making as many RSA keys and PKCS #12 files as it can at once. Try again, or ask for an ECDSA key, which is made at once.").Because(err)
	}
	defer s.slots.Release(1)
	return work()
}
