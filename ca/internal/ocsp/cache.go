package ocsp

import (
	"sync"
	"time"
)

// maxCached bounds the signed responses kept, about 1 KiB each. Only known
// certificates get in, so a stranger cannot fill it with invented serials.
const maxCached = 4096

// cacheKey holds the status beside the certificate: after a revocation the key
// is another, and the old response is never found again.
type cacheKey struct {
	id        string
	revoked   bool
	revokedAt int64
	reason    int
}

func keyOf(s single) cacheKey {
	return cacheKey{string(s.id.Raw), s.status.Revoked, s.status.RevokedAt.UnixMicro(), s.status.Reason}
}

type cache struct {
	mu   sync.Mutex
	kept map[cacheKey]Answer
}

// get returns a response that is still in the first half of its validity, so
// that what a server staples lasts for a while.
func (c *cache) get(k cacheKey, now time.Time) (Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.kept[k]
	half := a.ThisUpdate.Add(a.NextUpdate.Sub(a.ThisUpdate) / 2)
	if !ok || now.Before(a.ThisUpdate) || now.After(half) {
		return Answer{}, false
	}
	return a, true
}

func (c *cache) put(k cacheKey, a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= maxCached {
		c.kept = map[cacheKey]Answer{}
	}
	c.kept[k] = a
}
