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
	if p, known := r.at(row.ID, row.Revision); known {
		return p, nil
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

// at is what a policy says in a revision, if it was read.
func (r *rules) at(id string, revision int64) (policy.Policy, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	had, ok := r.all[id]
	return had.rules, ok && had.revision == revision
}
