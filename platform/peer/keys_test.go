package peer_test

import (
	"crypto"
	"crypto/ed25519"
	"testing"
)

func mustKey(t testing.TB, public crypto.PublicKey) ed25519.PublicKey {
	t.Helper()
	key, ok := public.(ed25519.PublicKey)
	if !ok {
		t.Fatalf("%T is not an Ed25519 key", public)
	}
	return key
}
