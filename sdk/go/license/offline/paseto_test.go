package offline_test

import (
	"testing"

	"aidanwoods.dev/go-paseto"

	"guildhall/sdk/go/license/offline"
)

const assertion = "guildhall offline licence v1\nmeter"

// What this package issues is a PASETO v4.public to another implementation.
func TestAnotherPASETOReadsOurs(t *testing.T) {
	t.Parallel()
	key, err := paseto.NewV4AsymmetricPublicKeyFromBytes(public("new"))
	if err != nil {
		t.Fatal(err)
	}
	parser := paseto.NewParserWithoutExpiryCheck()
	read, err := parser.ParseV4Public(key, issue(t, claims(), "new"), []byte(assertion))
	if err != nil {
		t.Fatal(err)
	}
	id, err := read.GetString("license_id")
	if err != nil || id != "lic_1" || string(read.Footer()) != `{"kid":"`+offline.KeyID(public("new"))+`"}` {
		t.Errorf("it reads %q, %v, footer %s", id, err, read.Footer())
	}
	if _, err := parser.ParseV4Public(key, issue(t, claims(), "new"), []byte("meter")); err == nil {
		t.Error("the assertion is not signed")
	}
}

// What another implementation signs is a licence to this package.
func TestWeReadAnotherPASETO(t *testing.T) {
	t.Parallel()
	key, err := paseto.NewV4AsymmetricSecretKeyFromBytes(issuer("new"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := paseto.NewTokenFromClaimsJSON([]byte(`{"v":1,"license_id":"lic_2","product":"meter","issued_at":"2031-03-04T05:06:07Z","expires_at":"2032-03-04T05:06:07Z","licensee":{"company":"A"},"modules":["export"],"deployment":{"instance_type":0},"restrictions":{}}`),
		[]byte(`{"kid":"`+offline.KeyID(public("new"))+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	l, err := offline.Verify(made.V4Sign(key, []byte(assertion)), options())
	if err != nil || l.LicenseID != "lic_2" || !l.ExpiresAt.Equal(expires) {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := offline.Verify(made.V4Sign(key, nil), options()); offline.CodeOf(err) != offline.SignatureWrong {
		t.Errorf("without the assertion: %v", err)
	}
}
