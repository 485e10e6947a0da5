package audit

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right edge of a tree: one hash for each complete subtree, from
// the largest on the left to the smallest on the right. It is all one needs to
// know of the past to go on.
type edge struct {
	size   int64
	hashes []tlog.Hash
}

// add puts a leaf at the end and returns the hashes of the subtrees that it
// completes, lowest level first.
func (e *edge) add(leaf tlog.Hash) []tlog.Hash {
	h := leaf
	var completed []tlog.Hash
	for n := e.size; n&1 == 1; n >>= 1 {
		last := len(e.hashes) - 1
		h = tlog.NodeHash(e.hashes[last], h)
		e.hashes = e.hashes[:last]
		completed = append(completed, h)
	}
	e.hashes = append(e.hashes, h)
	e.size++
	return completed
}

// root is the hash of the whole tree.
func (e *edge) root() tlog.Hash {
	if e.size == 0 {
		empty, _ := tlog.TreeHash(0, nil) // reads nothing, so it cannot fail
		return empty
	}
	h := e.hashes[len(e.hashes)-1]
	for i := len(e.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.hashes[i], h)
	}
	return h
}

func (e *edge) encode() []byte { return joinHashes(e.hashes) }

func decodeEdge(size int64, data []byte) (*edge, error) {
	hashes, err := splitHashes(data)
	if err != nil {
		return nil, err
	}
	if size < 0 {
		return nil, fmt.Errorf("%d is no number of rows", size)
	}
	if want := bits.OnesCount64(uint64(size)); len(hashes) != want {
		return nil, fmt.Errorf("the edge of %d rows has %d hashes instead of %d", size, len(hashes), want)
	}
	return &edge{size, hashes}, nil
}

func joinHashes(list []tlog.Hash) []byte {
	out := make([]byte, 0, len(list)*tlog.HashSize)
	for _, h := range list {
		out = append(out, h[:]...)
	}
	return out
}

func splitHashes(data []byte) ([]tlog.Hash, error) {
	if len(data)%tlog.HashSize != 0 {
		return nil, fmt.Errorf("%d bytes are no list of hashes", len(data))
	}
	out := make([]tlog.Hash, len(data)/tlog.HashSize)
	for i := range out {
		copy(out[i][:], data[i*tlog.HashSize:])
	}
	return out, nil
}
