package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/note"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// MigrationsTable is the goose table of the log's migrations.
const MigrationsTable = "audit_migrations"

// Migrations are the log's own tables, for a restore; Migrate applies them.
func Migrations() fs.FS { return db.Folder(migrations, "migrations") }

// ErrDamaged says that the log cannot be continued, because its head is gone or
// was written by somebody else. What cannot be recorded is not done.
var ErrDamaged = fault.New(fault.Unavailable, "audit_damaged",
	"The audit log was tampered with or damaged, so nothing that it must record can be done. Verify the log, then restore a backup.")

// ErrOtherKey is the ErrDamaged of a log whose head somebody with another key signed,
// which is most often the operator, who gave a process the key file of another
// installation.
var ErrOtherKey = fault.New(fault.Unavailable, "audit_other_key",
	"The audit log was signed under another key than this process has, so nothing that it must record can be done. "+
		"Most likely the key file is not the one with which this database was begun: put identity.key or license.key of the first process "+
		"in its place (identity.key_file, license.key_file), and start again. If it is the right one, the log was tampered with: verify it, then restore a backup.")

// refused says why a head is not taken.
func refused(err error) error {
	if _, other := errors.AsType[*note.UnverifiedNoteError](err); other {
		return ErrOtherKey.Because(errors.Join(ErrDamaged, err))
	}
	return ErrDamaged.Because(err)
}

var errNoHead = errors.New("the audit log has no head")

// Options is what a Log needs; all of it.
type Options struct {
	DB *db.DB
	// Name names the log in its signed heads, like a host and path:
	// "ca.example.org/audit". It has no space and no plus sign.
	Name string
	// Key signs the heads; the seals of the rows are made with a key derived
	// from it.
	Key ed25519.PrivateKey
	Now func() time.Time
	// Begun says whether there is something that the log must have recorded.
	// A log without rows and head then lost them, and is not begun anew. nil
	// says no.
	Begun func(ctx context.Context, tx *sql.Tx) (bool, error)
}

// Log is an audit log. It is safe for concurrent use.
type Log struct {
	db      *db.DB
	now     func() time.Time
	signer  signer
	key     string
	sealKey []byte
	begun   func(ctx context.Context, tx *sql.Tx) (bool, error)
}

// New makes a Log; Migrate must have run before anything else is called.
func New(o Options) (*Log, error) {
	if o.DB == nil || o.Now == nil || len(o.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("audit: DB, Now and an Ed25519 Key are required")
	}
	pub, _ := o.Key.Public().(ed25519.PublicKey)
	text, err := note.NewEd25519VerifierKey(o.Name, pub)
	if err != nil {
		return nil, fmt.Errorf("name the audit log %q: %w", o.Name, err)
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("name the audit log %q: %w", o.Name, err)
	}
	sealKey, err := hkdf.Key(sha256.New, o.Key.Seed(), nil, "guildhall audit row seal", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive seal key: %w", err)
	}
	return &Log{db: o.DB, now: o.Now, signer: signer{o.Key, verifier}, key: text, sealKey: sealKey, begun: o.Begun}, nil
}

// VerifierKey is the public key of the heads in the text form of
// golang.org/x/mod/sumdb/note: what an outsider needs for ParseHead and
// VerifyExport.
func (l *Log) VerifierKey() string { return l.key }

// Migrate makes the tables and, in an empty log, the first head.
func (l *Log) Migrate(ctx context.Context) error {
	if err := l.db.Migrate(ctx, Migrations(), MigrationsTable); err != nil {
		return fmt.Errorf("migrate audit log: %w", err)
	}
	head, err := l.signer.head(&edge{})
	if err != nil {
		return err
	}
	return l.db.WithTx(ctx, func(tx *sql.Tx) error {
		if l.begun != nil {
			if begun, err := l.begun(ctx, tx); err != nil || begun {
				return err
			}
		}
		// A head that went missing beside rows is not made anew: it would hide
		// what happened.
		_, err := tx.ExecContext(ctx, `INSERT INTO audit_head (id, size, edge, note)
			SELECT 1, 0, $1, $2 WHERE NOT EXISTS (SELECT 1 FROM audit_entries) ON CONFLICT DO NOTHING`, []byte{}, head.Note)
		return err
	})
}

// Head is the newest signed head. Kept elsewhere, it lets Verify find a log
// that was put back to an older state.
func (l *Log) Head(ctx context.Context) (Head, error) {
	var text string
	err := l.db.Read.QueryRowContext(ctx, `SELECT note FROM audit_head WHERE id = 1`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, ErrDamaged.Because(errNoHead)
	}
	if err != nil {
		return Head{}, fmt.Errorf("read audit head: %w", err)
	}
	head, err := openHead(text, l.signer)
	if err != nil {
		return Head{}, refused(err)
	}
	return head, nil
}
