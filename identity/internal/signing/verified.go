package signing

import (
	"crypto/sha256"
	"sync"
)

const (
	// maxVerified bounds one of the two generations of tokens that are remembered.
	maxVerified = 4096
	// maxPayload bounds the claims of one of them, in bytes; larger ones are checked
	// each time.
	maxPayload = 2 << 10
)

// verified remembers the tokens whose signature was good, by the SHA-256 of their
// whole text: the same text is as good under the same key again, and a signature
// costs more to check than all else that is done with a token. It knows nothing of
// the key's life and of what the token says.
type verified struct {
	mu sync.Mutex
	// young is filled up, then becomes old, which is forgotten but for what was asked
	// for meanwhile.
	young, old map[[sha256.Size]byte]checked
}

// checked is a token, with the key that its signature was checked with.
type checked struct {
	pair                           *pair
	keyID, typ, algorithm, payload string
}

func (c checked) token() Token {
	return Token{Type: c.typ, Algorithm: c.algorithm, Payload: []byte(c.payload)}
}

func (v *verified) find(sum [sha256.Size]byte) (checked, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c, known := v.young[sum]
	if known {
		return c, true
	}
	if c, known = v.old[sum]; known {
		v.put(sum, c)
	}
	return c, known
}

func (v *verified) add(sum [sha256.Size]byte, c checked) {
	if len(c.payload) > maxPayload {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(sum, c)
}

// put is add for who holds v.mu.
func (v *verified) put(sum [sha256.Size]byte, c checked) {
	if v.young == nil || len(v.young) >= maxVerified {
		v.young, v.old = map[[sha256.Size]byte]checked{}, v.young
	}
	v.young[sum] = c
}
