// Package keys holds the authority's own keys: root, issuing, status, audit.
//
// They are made at first start and lie sealed in the database: under the key in
// seal.key, without which the service cannot start; the root's under a
// passphrase, which is needed only to sign with the root and belongs offline.
package keys

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"guildhall/ca/internal/passphrase"
	"guildhall/ca/internal/profile"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

// The names under which the keys are stored and sealed.
const (
	rootName    = "root"
	issuingName = "issuing"
	statusName  = "status"
	auditName   = "audit"
	// byPassphrase stands where the id of the sealing key stands otherwise.
	byPassphrase = "passphrase"
	// sealUse stands in the seal key's file.
	sealUse = "ca"
)

// Errors of the keyring. All but ErrRootOffline stop the service at its start.
var (
	ErrSealMissing = fault.New(fault.Invalid, "ca_seal_missing", "The seal key is missing.")
	ErrSealWrong   = fault.New(fault.Invalid, "ca_seal_wrong", "The seal key is not the right one.")
	ErrDamaged     = fault.New(fault.Unavailable, "ca_keys_damaged", "The authority's keys in the database are damaged.")
	// ErrRootOffline is the normal state of a well-kept authority: the root's
	// passphrase is somewhere else, and everything but signing with the root
	// goes on.
	ErrRootOffline = fault.New(fault.Unavailable, "ca_root_offline", "The root key is offline.")
	ErrRootWrong   = fault.New(fault.Invalid, "ca_root_passphrase_wrong", "The root's passphrase is not the right one.")
)

// Options say where the secrets are and what the first start makes.
type Options struct {
	DB  *db.DB
	Now func() time.Time
	Log *slog.Logger
	// SealFile holds the key-encryption key, PassphraseFile the root's
	// passphrase. Both are made at the first start, for their owner only.
	SealFile, PassphraseFile string
	// Organization names the authority in its certificates.
	Organization string
	// Policy becomes name constraints, Addresses the places of root.crl and
	// root.cer in the issuing certificate.
	Policy    profile.Policy
	Addresses profile.Addresses
}

// Pair is a certificate of the authority and its private key.
type Pair struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// Keyring is the opened keys. It is safe for concurrent use.
type Keyring struct {
	root       *x509.Certificate
	rootSealed []byte
	passFile   string
	issuing    Pair
	status     ed25519.PrivateKey
	audit      ed25519.PrivateKey
	seal       seal.Key
}

// Open opens the keys, and makes them when the database has none. Of several
// nodes that do so at once one wins; the others use its keys.
func Open(ctx context.Context, o Options) (*Keyring, error) {
	stored, err := load(ctx, o.DB)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		if err := establish(ctx, o); err != nil {
			return nil, err
		}
		if stored, err = load(ctx, o.DB); err != nil {
			return nil, err
		}
		return open(o, stored)
	}
	k, err := open(o, stored)
	if err != nil || !k.RootOnline() {
		return k, err
	}
	// A wrong passphrase is found out now, and not half a year later when the
	// root has to sign.
	if _, err := k.Root(); err != nil {
		return nil, err
	}
	return k, nil
}

func open(o Options, stored map[string]row) (*Keyring, error) {
	key, err := readSeal(o.SealFile, stored[issuingName].sealedBy)
	if err != nil {
		return nil, err
	}
	r := reader{seal: key, stored: stored}
	k := &Keyring{seal: key, passFile: o.PassphraseFile, rootSealed: stored[rootName].sealed,
		root:    r.certificate(rootName),
		issuing: Pair{Certificate: r.certificate(issuingName), Key: r.key(issuingName)},
		status:  r.ed25519(statusName),
		audit:   r.ed25519(auditName),
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := k.issuing.Certificate.CheckSignatureFrom(k.root); err != nil {
		return nil, damaged(issuingName, err)
	}
	for _, c := range []*x509.Certificate{k.issuing.Certificate, k.root} {
		if err := agree(o.Policy, c); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func readSeal(path, wanted string) (seal.Key, error) {
	text, err := seal.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return seal.Key{}, fault.New(ErrSealMissing.Kind, ErrSealMissing.Code,
			"The database holds the keys of an authority, sealed with the key %s, but %s is not there. Copy seal.key from the node that made the authority, or restore it from your safe copy. Without it the issuing key cannot be opened.", wanted, path)
	}
	if err != nil {
		return seal.Key{}, fault.New(ErrSealMissing.Kind, ErrSealMissing.Code, "Check the owner and mode of the seal key's file: %w", err)
	}
	key, err := seal.ParseKey(text, sealUse)
	if err != nil {
		return seal.Key{}, fault.New(ErrSealWrong.Kind, ErrSealWrong.Code,
			"%s: %w. Put back the file with the key %s.", path, err, wanted)
	}
	if key.ID() != wanted {
		return seal.Key{}, fault.New(ErrSealWrong.Kind, ErrSealWrong.Code,
			"%s holds the seal key %s, but the database was sealed with %s. Copy seal.key from the node that made the authority, or check that this is the right database.", path, key.ID(), wanted)
	}
	return key, nil
}

func damaged(name string, err error) error {
	return fault.New(ErrDamaged.Kind, ErrDamaged.Code,
		"The %s key in the authority's database is damaged. Stop the service and restore a backup with guildhall restore.", name).Because(err)
}

// reader opens stored keys and remembers the first error.
type reader struct {
	seal   seal.Key
	stored map[string]row
	err    error
}

func (r *reader) fail(name string, err error) {
	if r.err == nil && err != nil {
		r.err = damaged(name, err)
	}
}

func (r *reader) certificate(name string) *x509.Certificate {
	cert, err := x509.ParseCertificate(r.stored[name].certificate)
	r.fail(name, err)
	return cert
}

func (r *reader) key(name string) crypto.Signer {
	pkcs8, err := r.seal.Open(name, r.stored[name].sealed)
	if err != nil {
		r.fail(name, err)
		return nil
	}
	key, err := parseKey(pkcs8)
	r.fail(name, err)
	return key
}

func (r *reader) ed25519(name string) ed25519.PrivateKey {
	key, ok := r.key(name).(ed25519.PrivateKey)
	if !ok {
		r.fail(name, fmt.Errorf("not an Ed25519 key"))
	}
	return key
}

func parseKey(pkcs8 []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T does not sign", key)
	}
	return signer, nil
}

// Issuing is the pair that signs certificates day to day.
func (k *Keyring) Issuing() Pair { return k.issuing }

// RootCertificate is what clients trust.
func (k *Keyring) RootCertificate() *x509.Certificate { return k.root }

// Status signs the heads of the peers' revocation feed.
func (k *Keyring) Status() ed25519.PrivateKey { return k.status }

// Audit signs the audit log's tree heads.
func (k *Keyring) Audit() ed25519.PrivateKey { return k.audit }

// Seal seals other secrets of the service, such as kept private keys.
func (k *Keyring) Seal() seal.Key { return k.seal }

// Root opens the root key with the passphrase, which takes a tenth of a second;
// the key does not stay in memory after the caller drops it. The error is
// ErrRootOffline when the passphrase's file is not there, ErrRootWrong when it
// holds another one.
func (k *Keyring) Root() (Pair, error) {
	phrase, err := seal.ReadFile(k.passFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Pair{}, fault.New(ErrRootOffline.Kind, ErrRootOffline.Code,
			"The root key is offline: %s is not there. Put the passphrase's file back for as long as the root shall sign.", k.passFile)
	}
	if err != nil {
		return Pair{}, fault.New(ErrRootOffline.Kind, ErrRootOffline.Code, "Check the owner and mode of the file of the root's passphrase: %w", err)
	}
	pkcs8, err := passphrase.Open(phrase, rootName, k.rootSealed)
	if err != nil {
		return Pair{}, fault.New(ErrRootWrong.Kind, ErrRootWrong.Code,
			"%s does not open the root key. Put back the file that the first start made, or move this one away: without one the root is offline, and all but signing with it goes on.", k.passFile).Because(err)
	}
	key, err := parseKey(pkcs8)
	if err != nil {
		return Pair{}, damaged(rootName, err)
	}
	return Pair{Certificate: k.root, Key: key}, nil
}
