package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/ca/internal/passphrase"
	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

const (
	year            = 365 * 24 * time.Hour
	rootLifetime    = 20 * year
	issuingLifetime = 5 * year
	// headStart lets certificates begin before the moment at which they are
	// signed, and clients' clocks be behind on the first day.
	headStart = time.Hour
)

// establish makes the authority. The secrets are on the disk before the keys
// that they seal are in the database.
func establish(ctx context.Context, o Options) error {
	sealText, err := seal.EnsureFile(o.SealFile, func() string { return seal.NewKey(sealUse).Text() })
	if err != nil {
		return fmt.Errorf("make the seal key: %w", err)
	}
	key, err := seal.ParseKey(sealText, sealUse)
	if err != nil {
		return fault.New(ErrSealWrong.Kind, ErrSealWrong.Code, "%s: %w. Move the file away; the first start makes one.", o.SealFile, err)
	}
	phrase, err := seal.EnsureFile(o.PassphraseFile, passphrase.New)
	if err != nil {
		return fmt.Errorf("make the root's passphrase: %w", err)
	}
	all, err := makeKeys(o, key, phrase)
	if err != nil {
		return err
	}
	if err := save(ctx, o.DB, all, o.Now()); err != nil {
		return err
	}
	o.Log.WarnContext(ctx, "the root's key is encrypted with a secret in a file: move that file to a safe place off this machine; the authority needs it only to sign with the root",
		"file", o.PassphraseFile)
	return nil
}

func makeKeys(o Options, key seal.Key, phrase string) ([]row, error) {
	root, issuing, err := hierarchy(o)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(root.Key)
	if err != nil {
		return nil, fmt.Errorf("marshal the root key: %w", err)
	}
	sealed, err := passphrase.Seal(phrase, rootName, pkcs8)
	if errors.Is(err, passphrase.ErrShort) {
		return nil, fault.New(ErrRootWrong.Kind, ErrRootWrong.Code, "The passphrase in %s has fewer than %d characters. Write a longer one.", o.PassphraseFile, passphrase.MinLen)
	}
	if err != nil {
		return nil, err
	}
	all := []row{{rootName, root.Certificate.Raw, sealed, byPassphrase}}
	add := func(name string, certificate []byte, private crypto.Signer) error {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
		all = append(all, row{name, certificate, key.Seal(name, pkcs8), key.ID()})
		return err
	}
	_, status, _ := ed25519.GenerateKey(rand.Reader)
	_, audit, _ := ed25519.GenerateKey(rand.Reader)
	return all, errors.Join(add(issuingName, issuing.Certificate.Raw, issuing.Key),
		add(statusName, nil, status), add(auditName, nil, audit))
}

// hierarchy makes the root and the issuing certificate.
func hierarchy(o Options) (root, issuing Pair, err error) {
	now := o.Now().Add(-headStart).UTC().Truncate(time.Second)
	if root.Key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader); err != nil {
		return root, issuing, fmt.Errorf("make the root key: %w", err)
	}
	if issuing.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return root, issuing, fmt.Errorf("make the issuing key: %w", err)
	}
	// A part of the key's hash in the name tells two authorities apart where
	// people see only names.
	mark, err := keyMark(root.Key.Public())
	if err != nil {
		return root, issuing, err
	}
	t := authority(o, "Root CA "+mark, now, rootLifetime)
	t.MaxPathLen = 1
	t.SignatureAlgorithm = x509.ECDSAWithSHA384
	if root.Certificate, err = sign(t, Pair{t, root.Key}, root.Key.Public()); err != nil {
		return root, issuing, err
	}
	t = authority(o, "Issuing CA "+mark, now, issuingLifetime)
	t.MaxPathLenZero = true
	t.SignatureAlgorithm = x509.ECDSAWithSHA384
	t.CRLDistributionPoints = []string{o.Addresses.RootCRL()}
	t.IssuingCertificateURL = []string{o.Addresses.RootCertificate()}
	issuing.Certificate, err = sign(t, root, issuing.Key.Public())
	return root, issuing, err
}

func authority(o Options, name string, notBefore time.Time, lifetime time.Duration) *x509.Certificate {
	t := &x509.Certificate{
		SerialNumber:          profile.Serial(),
		Subject:               pkix.Name{Organization: []string{o.Organization}, CommonName: o.Organization + " " + name},
		NotBefore:             notBefore,
		NotAfter:              notBefore.Add(lifetime - time.Second),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	o.Policy.Constrain(t)
	return t
}

func sign(t *x509.Certificate, parent Pair, public crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent.Certificate, public, parent.Key)
	if err != nil {
		return nil, fmt.Errorf("sign the %s: %w", t.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func keyMark(public crypto.PublicKey) (string, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("marshal the root's public key: %w", err)
	}
	sum := sha256.Sum256(spki)
	return strings.ToUpper(hex.EncodeToString(sum[:3])), nil
}
