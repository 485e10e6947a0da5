package signing

import (
	"crypto/sha256"
	"strings"
	"testing"
)

func numbered(n int) [sha256.Size]byte {
	return sha256.Sum256([]byte{byte(n), byte(n >> 8), byte(n >> 16)})
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	v, k := &verified{}, &pair{}
	for n := range 10 * maxVerified {
		v.add(numbered(n), checked{pair: k, payload: "p"})
		if c, known := v.find(numbered(0)); !known || c.pair != k || c.payload != "p" {
			t.Fatalf("what is asked for each time was forgotten after %d others", n)
		}
		if size := len(v.young) + len(v.old); size > 2*maxVerified {
			t.Fatalf("%d are remembered", size)
		}
	}
	if _, known := v.find(numbered(1)); known {
		t.Error("nobody asked for it since so many others, and it is remembered")
	}
	if _, known := v.find(numbered(10*maxVerified - 1)); !known {
		t.Error("the last was forgotten")
	}
	v.add(numbered(1), checked{payload: strings.Repeat("p", maxPayload)})
	v.add(numbered(2), checked{payload: strings.Repeat("p", maxPayload+1)})
	_, small := v.find(numbered(1))
	_, large := v.find(numbered(2))
	if !small || large {
		t.Errorf("claims of %d bytes are remembered: %v, one more: %v", maxPayload, small, large)
	}
}
