package peer

import (
	"crypto/tls"
	"sync/atomic"
)

// sessionsKept is the number of servers whose tickets a certificate keeps.
const sessionsKept = 64

// sessions is a ticket cache that can be emptied: a ticket remembers the
// server's certificate, and a server that got another one after a revocation
// would be refused for the old one.
type sessions struct {
	lru atomic.Pointer[tls.ClientSessionCache]
}

func newSessions() *sessions {
	s := &sessions{}
	s.clear()
	return s
}

func (s *sessions) clear() {
	lru := tls.NewLRUClientSessionCache(sessionsKept)
	s.lru.Store(&lru)
}

// Get implements tls.ClientSessionCache.
func (s *sessions) Get(key string) (*tls.ClientSessionState, bool) { return (*s.lru.Load()).Get(key) }

// Put implements tls.ClientSessionCache.
func (s *sessions) Put(key string, cs *tls.ClientSessionState) { (*s.lru.Load()).Put(key, cs) }
