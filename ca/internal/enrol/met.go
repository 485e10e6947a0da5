package enrol

import (
	"sync"

	"guildhall/ca/internal/store"
)

// maxMet bounds the certificates remembered: the authority meets as many as there
// are peers, and their successors of a day.
const maxMet = 4096

// met remembers of the certificates of peers what never changes, so that a
// renewal need not read again what was read for the handshake before it. Whether
// one is revoked is not among it: that is looked up in the transaction.
type met struct {
	mu       sync.Mutex
	bySerial map[string]*store.Record
}

func (m *met) recall(serial string) (r *store.Record, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok = m.bySerial[serial]
	return r, ok
}

func (m *met) remember(r *store.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bySerial == nil || len(m.bySerial) >= maxMet {
		m.bySerial = map[string]*store.Record{}
	}
	m.bySerial[r.Serial] = &store.Record{ID: r.ID, Serial: r.Serial, Profile: r.Profile, CommonName: r.CommonName, NotAfter: r.NotAfter}
}

func (m *met) forget(serial string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.bySerial, serial)
}
