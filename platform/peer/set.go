package peer

import "maps"

// shards is a compromise: a revocation copies the shard table and one shard,
// that is about 8 KiB and a thousandth of the set.
const shards = 1024

// set is an immutable set of revoked serial numbers. Serial numbers are random,
// so their last bits spread over the shards.
type set struct {
	table *[shards]map[serialKey]Revocation
	size  int
}

func emptySet() set { return set{table: new([shards]map[serialKey]Revocation)} }

func (k *serialKey) shard() int { return (int(k[maxSerial-2])<<8 | int(k[maxSerial-1])) % shards }

func (s set) get(k serialKey) (Revocation, bool) {
	r, ok := s.table[k.shard()][k]
	return r, ok
}

// with returns a set that also holds list; s stays as it is.
func (s set) with(list []Revocation) (set, error) {
	if len(list) == 0 {
		return s, nil
	}
	table := *s.table
	copied := make(map[int]bool)
	size := s.size
	for _, r := range list {
		k, err := parseSerial(r.Serial)
		if err != nil {
			return set{}, err
		}
		i := k.shard()
		if !copied[i] {
			table[i] = cloneShard(table[i])
			copied[i] = true
		}
		if _, had := table[i][k]; !had {
			size++
			table[i][k] = r
		}
	}
	return set{table: &table, size: size}, nil
}

func cloneShard(m map[serialKey]Revocation) map[serialKey]Revocation {
	c := make(map[serialKey]Revocation, len(m)+1)
	maps.Copy(c, m)
	return c
}
