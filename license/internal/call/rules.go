package call

import (
	"sync"

	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
)

// rules keeps policies that were read, by id and revision: there are few of them, and
// reading one takes longer than deciding by it.
type rules struct {
	mu  sync.RWMutex
	all map[string]read
}

type read struct {
	revision int64
	rules    policy.Policy
}

func newRules() *rules { return &rules{all: map[string]read{}} }

// of is what a policy says; whoever gets it changes nothing in it.
func (r *rules) of(row store.Policy) (policy.Policy, error) {
	r.mu.RLock()
	had, ok := r.all[row.ID]
	r.mu.RUnlock()
	if ok && had.revision == row.Revision {
		return had.rules, nil
	}
	p, err := policy.Parse([]byte(row.Body))
	if err != nil {
		return p, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[row.ID] = read{row.Revision, p}
	return p, nil
}
