package certificate_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"slices"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

var migrations = os.DirFS("../../migrations")

// onBoth runs a test on an authority on each engine.
func onBoth(t *testing.T, o catest.Options, test func(t *testing.T, w *catest.World)) {
	t.Helper()
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) { test(t, catest.New(t, d, o)) })
}

// onSQLite is for what does not depend on the engine.
func onSQLite(t testing.TB, o catest.Options) *catest.World {
	t.Helper()
	return catest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations), o)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parse(t testing.TB, i *certificate.Issued) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(i.Record.DER)
	must(t, err)
	return c
}

// fieldOf is the code that a fault has for a field, or empty.
func fieldOf(err error, name string) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return ""
	}
	i := slices.IndexFunc(f.Fields, func(x fault.Field) bool { return x.Name == name })
	if i < 0 {
		return ""
	}
	return f.Fields[i].Code
}

func pemBytes(t testing.TB, text string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	return block.Bytes
}
