package peer

import (
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"
)

func certificateNumber(n int64, until time.Time) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(n), Raw: big.NewInt(n).Bytes(), NotAfter: until}
}

func TestKnownIsBoundedAndForgets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	asked, is := 0, true
	k := newKnown(func() time.Time { return now }, func(context.Context, []byte) (bool, error) { asked++; return is, nil })
	for i := range int64(3 * maxKnown) {
		if err := k.check(t.Context(), certificateNumber(i+1, now.Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		if len(k.answers) > maxKnown {
			t.Fatalf("%d answers are kept", len(k.answers))
		}
	}
	is, asked = false, 0
	stranger := certificateNumber(1<<40, now.Add(time.Hour))
	for range 5 {
		if err := k.check(t.Context(), stranger); !errors.Is(err, ErrUnknown) {
			t.Fatalf("got %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times about a stranger", asked)
	}
	is, now = true, now.Add(refusalAge)
	if err := k.check(t.Context(), stranger); err != nil || asked != 2 {
		t.Errorf("a minute later: %v, asked %d times", err, asked)
	}
	// What is out of date goes first.
	now = now.Add(2 * time.Hour)
	if err := k.check(t.Context(), certificateNumber(7<<40, now.Add(time.Hour))); err != nil || len(k.answers) != 1 {
		t.Errorf("%v, %d answers are kept", err, len(k.answers))
	}
}

func TestNoAnswerIsNotRemembered(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	err := away
	k := newKnown(time.Now, func(context.Context, []byte) (bool, error) { return true, err })
	cert := certificateNumber(1, time.Now().Add(time.Hour))
	if got := k.check(t.Context(), cert); !errors.Is(got, ErrUnconfirmed) || !errors.Is(got, away) {
		t.Errorf("got %v", got)
	}
	if err = nil; k.check(t.Context(), cert) != nil {
		t.Error("refused although the authority is back")
	}
}

func BenchmarkKnown(b *testing.B) {
	k := newKnown(time.Now, func(context.Context, []byte) (bool, error) { return true, nil })
	cert := &x509.Certificate{SerialNumber: big.NewInt(1 << 60), Raw: make([]byte, 700), NotAfter: time.Now().Add(time.Hour)}
	b.ReportAllocs()
	for b.Loop() {
		if err := k.check(b.Context(), cert); err != nil {
			b.Fatal(err)
		}
	}
}
