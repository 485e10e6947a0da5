package revocation

import (
	"maps"
	"time"
)

const (
	// shards is a compromise: a revocation copies the table and one shard.
	shards = 512
	// pruneEvery is how often what has expired is dropped; keep is how much later
	// than at its end, for clocks that differ.
	pruneEvery = time.Minute
	keep       = time.Minute

	second = int64(time.Second / time.Microsecond)
)

// entries is an immutable set of revocations. The zero value is empty.
type entries struct {
	table *[shards]map[subject]bounds
}

type subject struct {
	kind Kind
	id   string
}

// bounds are the last of several revocations of one subject.
type bounds struct{ madeAt, expiresAt int64 }

// shard spreads subjects by their last characters, which are random.
func (s subject) shard() int {
	h := uint32(2166136261) // FNV-1a
	for i := max(len(s.id)-4, 0); i < len(s.id); i++ {
		h = (h ^ uint32(s.id[i])) * 16777619
	}
	return int(h % shards)
}

func (e entries) get(kind Kind, id string) (bounds, bool) {
	if e.table == nil || id == "" {
		return bounds{}, false
	}
	s := subject{kind, id}
	b, ok := e.table[s.shard()][s]
	return b, ok
}

// has says whether the subject was revoked, whenever.
func (e entries) has(kind Kind, id string) bool {
	_, ok := e.get(kind, id)
	return ok
}

// ended says whether what began at since (microseconds) was revoked.
func (e entries) ended(kind Kind, id string, since int64) bool {
	b, ok := e.get(kind, id)
	return ok && since <= b.madeAt
}

func (e entries) size() (n int) {
	if e.table == nil {
		return 0
	}
	for _, m := range e.table {
		n += len(m)
	}
	return n
}

// with is e and a list; e stays as it is.
func (e entries) with(list []Entry, now time.Time) entries {
	if len(list) == 0 {
		return e
	}
	var table [shards]map[subject]bounds
	if e.table != nil {
		table = *e.table
	}
	var copied [shards]bool
	for _, entry := range list {
		if over(entry.ExpiresAt, now) {
			continue
		}
		s := subject{entry.Kind, entry.Subject}
		i := s.shard()
		if !copied[i] {
			m := make(map[subject]bounds, len(table[i])+1)
			maps.Copy(m, table[i])
			table[i], copied[i] = m, true
		}
		had := table[i][s]
		table[i][s] = bounds{max(had.madeAt, entry.MadeAt), max(had.expiresAt, entry.ExpiresAt)}
	}
	return entries{&table}
}

// pruned is e without what has expired.
func (e entries) pruned(now time.Time) entries {
	if e.table == nil {
		return e
	}
	table := *e.table
	for i, m := range table {
		for _, b := range m {
			if over(b.expiresAt, now) {
				table[i] = maps.Clone(m)
				maps.DeleteFunc(table[i], func(_ subject, b bounds) bool { return over(b.expiresAt, now) })
				break
			}
		}
	}
	return entries{&table}
}

func over(expiresAt int64, now time.Time) bool { return expiresAt < now.Add(-keep).UnixMicro() }
