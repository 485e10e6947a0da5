package keys_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/profile"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/seal"
)

var migrations = os.DirFS("../../migrations")

func options(d *db.DB, dir string) keys.Options {
	return keys.Options{DB: d, Now: time.Now, Log: slog.New(slog.DiscardHandler), Organization: "Example Guild",
		SealFile: filepath.Join(dir, "seal.key"), PassphraseFile: filepath.Join(dir, "root.passphrase"),
		Addresses: profile.Addresses{Base: "http://ca.example.test"}}
}

func open(t *testing.T, o keys.Options) *keys.Keyring {
	t.Helper()
	k, err := keys.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpenMakesTheAuthorityOnce(t *testing.T) {
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) {
		o := options(d, t.TempDir())
		first, second := open(t, o), open(t, o)
		if !first.RootCertificate().Equal(second.RootCertificate()) || !first.Issuing().Certificate.Equal(second.Issuing().Certificate) {
			t.Fatal("the second start made another authority")
		}
		if !first.Status().Equal(second.Status()) || !first.Audit().Equal(second.Audit()) || first.Status().Equal(first.Audit()) {
			t.Fatal("status and audit keys are not two lasting keys")
		}
		root, err := second.Root()
		if err != nil {
			t.Fatal(err)
		}
		if !root.Key.Public().(*ecdsa.PublicKey).Equal(root.Certificate.PublicKey) {
			t.Fatal("the root's key is not the one in its certificate")
		}
		for _, file := range []string{o.SealFile, o.PassphraseFile} {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", file, info, err)
			}
		}
	})
}

func TestHierarchy(t *testing.T) {
	t.Parallel()
	d := sqlite(t)
	policy, err := profile.NewPolicy(profile.PolicyText{Permitted: []string{"example.com"}, Always: []string{"guildhall.localhost"}, PermittedIPs: []string{"10.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	o := options(d, t.TempDir())
	o.Policy = policy
	k := open(t, o)
	root, issuing := k.RootCertificate(), k.Issuing().Certificate
	if !root.IsCA || root.MaxPathLen != 1 || root.SignatureAlgorithm != x509.ECDSAWithSHA384 || root.CheckSignatureFrom(root) != nil {
		t.Errorf("root: CA %v, path length %d, %v", root.IsCA, root.MaxPathLen, root.SignatureAlgorithm)
	}
	if !issuing.IsCA || !issuing.MaxPathLenZero || issuing.CheckSignatureFrom(root) != nil {
		t.Errorf("issuing: CA %v, path length %d", issuing.IsCA, issuing.MaxPathLen)
	}
	if issuing.CRLDistributionPoints[0] != "http://ca.example.test/crl/root.crl" || issuing.IssuingCertificateURL[0] != "http://ca.example.test/ca/root.cer" || len(issuing.OCSPServer) != 0 {
		t.Errorf("issuing: %v %v %v", issuing.CRLDistributionPoints, issuing.IssuingCertificateURL, issuing.OCSPServer)
	}
	for _, c := range []*x509.Certificate{root, issuing} {
		if got := strings.Join(c.PermittedDNSDomains, " "); got != "example.com guildhall.internal guildhall.localhost" || !c.PermittedDNSDomainsCritical {
			t.Errorf("%s: permitted %q", c.Subject, got)
		}
	}
}

func TestSealKeyMissingOrWrong(t *testing.T) {
	t.Parallel()
	o := options(sqlite(t), t.TempDir())
	open(t, o)
	right, err := os.ReadFile(o.SealFile)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, sentinel error) {
		t.Helper()
		_, err := keys.Open(t.Context(), o)
		if !errors.Is(err, sentinel) || !strings.Contains(err.Error(), o.SealFile) || strings.Contains(err.Error(), string(right)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, os.Remove(o.SealFile))
	refused("missing", keys.ErrSealMissing)
	if _, err := os.Stat(o.SealFile); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a second start made another seal key")
	}
	must(t, os.WriteFile(o.SealFile, []byte(seal.NewKey("ca").Text()), 0o600))
	refused("another key", keys.ErrSealWrong)
	must(t, os.WriteFile(o.SealFile, []byte(seal.NewKey("identity").Text()), 0o600))
	refused("another service's key", keys.ErrSealWrong)
	must(t, os.WriteFile(o.SealFile, []byte("nonsense"), 0o600))
	refused("nonsense", keys.ErrSealWrong)
	must(t, os.WriteFile(o.SealFile, right, 0o600))
	must(t, os.Chmod(o.SealFile, 0o644))
	refused("readable by others", seal.ErrReadable)
	must(t, os.Chmod(o.SealFile, 0o600))
	open(t, o)
}

func TestRootOffline(t *testing.T) {
	t.Parallel()
	o := options(sqlite(t), t.TempDir())
	k := open(t, o)
	must(t, os.Rename(o.PassphraseFile, o.PassphraseFile+".away"))
	if _, err := k.Root(); !errors.Is(err, keys.ErrRootOffline) {
		t.Fatalf("without passphrase: %v", err)
	}
	if open(t, o).Issuing().Key == nil {
		t.Fatal("no issuing key while the root is offline")
	}
	must(t, os.WriteFile(o.PassphraseFile, []byte("another passphrase"), 0o600))
	if _, err := k.Root(); !errors.Is(err, keys.ErrRootWrong) {
		t.Fatalf("with another passphrase: %v", err)
	}
	if _, err := keys.Open(t.Context(), o); !errors.Is(err, keys.ErrRootWrong) || !strings.Contains(err.Error(), o.PassphraseFile) {
		t.Fatalf("a start with another passphrase: %v", err)
	}
	must(t, os.Rename(o.PassphraseFile+".away", o.PassphraseFile))
	if _, err := k.Root(); err != nil {
		t.Fatalf("with the passphrase back: %v", err)
	}
}

func TestDamagedKeyIsNamed(t *testing.T) {
	t.Parallel()
	d := sqlite(t)
	o := options(d, t.TempDir())
	open(t, o)
	must(t, d.WithTx(t.Context(), exec(`UPDATE keys SET sealed = (SELECT sealed FROM keys WHERE name = 'audit') WHERE name = 'status'`)))
	if _, err := keys.Open(t.Context(), o); !errors.Is(err, keys.ErrDamaged) || !strings.Contains(err.Error(), "status") {
		t.Fatalf("swapped keys: %v", err)
	}
}

// Two nodes with their own folders meet at first start on one database: the
// loser must not use keys of its own.
func TestNodesRaceAtFirstStart(t *testing.T) {
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		rings := make([]*keys.Keyring, 6)
		var wg sync.WaitGroup
		for i := range rings {
			wg.Go(func() {
				var err error
				if rings[i], err = keys.Open(context.WithoutCancel(t.Context()), options(d, dir)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, k := range rings[1:] {
			if !t.Failed() && !k.RootCertificate().Equal(rings[0].RootCertificate()) {
				t.Fatal("two nodes have two authorities")
			}
		}
		_, err := keys.Open(t.Context(), options(d, t.TempDir()))
		if !errors.Is(err, keys.ErrSealMissing) {
			t.Fatalf("a node without the seal key: %v", err)
		}
	})
}
