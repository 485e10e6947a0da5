package grant

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"guildhall/identity/internal/store"
	"guildhall/platform/db"
)

const (
	// sharedLen and ownLen are the bytes of the halves of a refresh token.
	sharedLen = 24
	ownLen    = 24
	textLen   = (sharedLen + ownLen) * 4 / 3
	// maxReplaced bounds how many replaced tokens the grace window knows: who
	// replaces more in it does not do so by accident.
	maxReplaced = 16
	replacedLen = sha256.Size + 8
)

// token is a refresh token.
type token struct{ shared, own []byte }

func newToken(shared []byte) token {
	own := make([]byte, ownLen)
	_, _ = rand.Read(own) // never fails: it ends the process instead
	return token{shared, own}
}

// parse reads what text wrote, and nothing else: each token has one text.
func parse(text string) (token, bool) {
	if len(text) != textLen {
		return token{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != sharedLen+ownLen { // the decoder skips line ends
		return token{}, false
	}
	return token{raw[:sharedLen], raw[sharedLen:]}, true
}

func (t token) bytes() []byte { return append(bytes.Clone(t.shared), t.own...) }

func (t token) text() string { return base64.RawURLEncoding.EncodeToString(t.bytes()) }

// family is the hash that the family is found by, hash that of the token.
func (t token) family() []byte { sum := sha256.Sum256(t.shared); return sum[:] }
func (t token) hash() []byte   { sum := sha256.Sum256(t.bytes()); return sum[:] }

// seal hides the own half of a token in the database. It opens only for who has
// the process's key and a token of the family.
func (d *Desk) seal(t token) ([]byte, error) {
	aead, err := d.aead(t.shared)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, t.own, nil), nil //nolint:gosec // this cipher makes its own nonce
}

// open is the token that was sealed, by another one of the family.
func (d *Desk) open(t token, sealed []byte) (token, error) {
	aead, err := d.aead(t.shared)
	if err != nil {
		return token{}, err
	}
	own, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return token{}, fmt.Errorf("the refresh token of a grace window does not open: was the key of identity replaced? %w", err)
	}
	return token{t.shared, own}, nil
}

func (d *Desk) aead(shared []byte) (cipher.AEAD, error) {
	m := hmac.New(sha256.New, d.key)
	m.Write(shared)
	block, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// first is the first refresh token of a grant, none if life.Idle is 0.
func (d *Desk) first(g Grant, life RefreshLife, now time.Time) (string, *store.Family, error) {
	expires := expiry(g, life, now)
	if !expires.After(now) {
		return "", nil, nil
	}
	shared := make([]byte, sharedLen)
	_, _ = rand.Read(shared)
	t := newToken(shared)
	sealed, err := d.seal(t)
	if err != nil {
		return "", nil, err
	}
	return t.text(), &store.Family{Hash: t.family(), Token: t.hash(), Grant: &store.Grant{ID: g.ID}, Sealed: sealed, Replaced: []byte{}, ExpiresAt: expires}, nil
}

// expiry is when a refresh token that is made now is over; now or before: none is
// to be made.
func expiry(g Grant, life RefreshLife, now time.Time) time.Time {
	if life.Idle <= 0 {
		return now
	}
	expires := now.Add(life.Idle)
	for _, most := range []time.Time{g.MadeAt.Add(life.Absolute), g.EndsAt} {
		if most.Before(expires) {
			expires = most
		}
	}
	return expires
}

// recent says whether the token with the hash was replaced after since.
func recent(replaced, hash []byte, since time.Time) bool {
	for ; len(replaced) >= replacedLen; replaced = replaced[replacedLen:] {
		if bytes.Equal(replaced[:sha256.Size], hash) {
			return replacedAt(replaced).After(since)
		}
	}
	return false
}

// withReplaced is replaced without those before since and with the hash, the last
// at the end.
func withReplaced(replaced, hash []byte, now, since time.Time) []byte {
	for len(replaced) >= replacedLen && (len(replaced) >= maxReplaced*replacedLen || !replacedAt(replaced).After(since)) {
		replaced = replaced[replacedLen:]
	}
	out := append(bytes.Clone(replaced), hash...)
	return binary.BigEndian.AppendUint64(out, uint64(db.Micros(now))) //nolint:gosec // times are after 1970
}

// replacedAt is the time of the first in the list.
func replacedAt(list []byte) time.Time {
	return db.FromMicros(int64(binary.BigEndian.Uint64(list[sha256.Size:replacedLen]))) //nolint:gosec // as it was written
}
