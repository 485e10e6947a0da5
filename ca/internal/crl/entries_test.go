package crl

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestListIsThatOfTheStandardLibrary, whose encoder is slower, byte for byte but
// for the signature, which must hold.
func TestListIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	var signers []Signer
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Zażółć 公会"}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1, 2, 3}}
		der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		if cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		signers = append(signers, Signer{Certificate: cert, Key: key})
	}
	rapid.Check(t, func(t *rapid.T) {
		signer := rapid.SampledFrom(signers).Draw(t, "signer")
		when := func(label string) time.Time { return time.Unix(rapid.Int64Range(0, 5e9).Draw(t, label), 0).UTC() }
		l := List{Number: rapid.Int64Range(0, 1<<62).Draw(t, "number"), ThisUpdate: when("this"), NextUpdate: when("next")}
		if l.NextUpdate.Before(l.ThisUpdate) {
			l.ThisUpdate, l.NextUpdate = l.NextUpdate, l.ThisUpdate
		}
		var known entries
		want := &x509.RevocationList{Number: big.NewInt(l.Number), ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate}
		for i := range rapid.IntRange(0, 300).Draw(t, "entries") {
			serial := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "serial")
			e := x509.RevocationListEntry{SerialNumber: new(big.Int).SetBytes(serial), RevocationTime: when("revoked"),
				ReasonCode: rapid.IntRange(0, 10).Draw(t, "reason")}
			want.RevokedCertificateEntries = append(want.RevokedCertificateEntries, e)
			if err := known.add(entry{seq: int64(i)}, fmt.Sprintf("%x", serial), int64(e.ReasonCode), e.RevocationTime); err != nil {
				t.Fatal(err)
			}
		}
		der, err := sign(l, known.der, signer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.CheckSignatureFrom(signer.Certificate); err != nil {
			t.Fatal(err)
		}
		if der, err = x509.CreateRevocationList(rand.Reader, want, signer.Certificate, signer.Key); err != nil {
			t.Fatal(err)
		}
		if want, err = x509.ParseRevocationList(der); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.RawTBSRevocationList, want.RawTBSRevocationList) {
			t.Fatalf("got\n%x\nwant\n%x", got.RawTBSRevocationList, want.RawTBSRevocationList)
		}
	})
}

// TestListsHandedOutDoNotChange while later ones are made from what is known.
func TestListsHandedOutDoNotChange(t *testing.T) {
	t.Parallel()
	var known entries
	add := func(seq, end int64) {
		t.Helper()
		if err := known.add(entry{seq: seq, end: end}, fmt.Sprintf("%032x", seq), 1, time.Unix(seq, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for seq := range int64(50) {
		add(seq+1, 100+seq%3)
	}
	handed := known.der
	before := bytes.Clone(handed)
	add(51, 100)
	known.drop(state{thisUpdate: time.UnixMicro(102), upto: 50}) // those that end at 102 stay, and 51, which is newer
	for seq := range int64(50) {
		add(100+seq, 200)
	}
	if !bytes.Equal(handed, before) {
		t.Error("a list that was handed out changed")
	}
	size := 0
	for i, x := range known.list {
		if size += x.size; i < 17 && x.seq != 51 && x.end != 102 {
			t.Errorf("%+v was kept", x)
		}
	}
	if len(known.list) != 16+1+50 || size != len(known.der) {
		t.Errorf("%d entries of %d bytes in %d bytes", len(known.list), size, len(known.der))
	}
}
