package code

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/platform/jobs"
)

// prefix begins the ids of challenges, digits is the length of a code.
const (
	prefix = "cod"
	digits = 6
)

// kind is the job that sends a letter. Its payload is the challenge alone.
const kind = "identity.code"

var errFormat = fault.New(fault.Invalid, "code_format", "Type the six digits of the letter.")

// Desk makes, sends and redeems codes. It is safe for concurrent use.
type Desk struct {
	o   Options
	key []byte
}

// New makes a desk and registers its job, so call it before the queue runs.
func New(o Options) *Desk {
	d := &Desk{o: o, key: o.Key.Derive("codes")}
	o.Jobs.Handle(kind, jobs.HandlerOptions{}, func(ctx context.Context, j jobs.Job) error {
		var challenge string
		if err := json.Unmarshal(j.Payload, &challenge); err != nil {
			return fmt.Errorf("read the job: %w", err)
		}
		return d.Deliver(ctx, challenge)
	})
	return d
}

// Ask makes a challenge and has its letter sent soon.
func (d *Desk) Ask(ctx context.Context, a Ask) (challenge string, err error) {
	now := d.o.Now()
	row := &store.Code{ID: id.New(prefix), Purpose: a.Purpose, Account: a.Account, Email: a.Email, EmailKey: a.EmailKey,
		Language: a.Language, MadeAt: now, ExpiresAt: now.Add(Lifetime)}
	if a.Data != nil {
		row.Data = d.o.Key.Seal(sealName(row.ID), a.Data)
	}
	err = d.o.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.o.Journal.Append(ctx, tx, a.By, journal.CodeRequested, row.ID, map[string]any{"purpose": a.Purpose}); err != nil {
			return err
		}
		if a.Unless != nil {
			if err := a.Unless(tx); err != nil {
				return err
			}
		}
		if err := d.o.Store.InsertCode(ctx, tx, row); err != nil {
			return err
		}
		return d.enqueue(ctx, tx, row.ID)
	})
	return row.ID, err
}

// Again has a new code sent for a challenge; the one before it is good until
// then.
func (d *Desk) Again(ctx context.Context, challenge string, by audit.Caller) error {
	now := d.o.Now()
	var refusal error
	err := d.o.DB.Group(ctx, func(tx *sql.Tx) error {
		refusal = nil
		if err := d.o.Journal.Begin(ctx, tx); err != nil {
			return err
		}
		wanted, err := d.o.Store.WantLetter(ctx, tx, challenge, now, now.Add(-Window), now.Add(-Pause))
		if err != nil {
			return err
		}
		row, err := d.o.Store.Code(ctx, tx, challenge)
		if err != nil {
			return err
		}
		if !wanted {
			refusal = notAgain(row, now)
			return nil
		}
		if err := d.o.Journal.Append(ctx, tx, by, journal.CodeRequested, challenge, map[string]any{"purpose": row.Purpose, "again": true}); err != nil {
			return err
		}
		return d.enqueue(ctx, tx, challenge)
	})
	if err != nil {
		return err
	}
	return refusal
}

func notAgain(row *store.Code, now time.Time) error {
	if row == nil || !row.UsedAt.IsZero() || now.Sub(row.MadeAt) >= Window {
		return ErrEnded
	}
	wait := row.SentAt.Add(Pause).Sub(now)
	return ErrSoon.With(map[string]any{"Seconds": int(math.Ceil(wait.Seconds()))}).After(wait)
}

func (d *Desk) enqueue(ctx context.Context, tx *sql.Tx, challenge string) error {
	return d.o.Jobs.Enqueue(ctx, tx, kind, challenge, jobs.EnqueueOptions{Key: challenge})
}

// Deliver sends the letter that a challenge waits for, if it does. It is what
// the desk's job does.
func (d *Desk) Deliver(ctx context.Context, challenge string) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		row, err := d.o.Store.Code(ctx, tx, challenge)
		if err != nil || row == nil || !row.UsedAt.IsZero() || row.Letters >= row.Wanted {
			return err
		}
		why, err := d.obstacle(ctx, tx, row)
		if err != nil {
			return err
		}
		if why == "" {
			return d.send(ctx, tx, row)
		}
		if err := d.o.Store.UnwantLetter(ctx, tx, row.ID); err != nil {
			return err
		}
		return d.record(ctx, tx, journal.CodeWithheld, row, why)
	})
}

// obstacle is why no letter is written now, or empty.
func (d *Desk) obstacle(ctx context.Context, tx *sql.Tx, row *store.Code) (why string, err error) {
	// After a long standstill nobody waits for it any more.
	if d.o.Now().Sub(row.SentAt) > Window {
		return "too_late", nil
	}
	full, err := d.full(ctx, tx, row.EmailKey)
	if err == nil && full {
		why = "too_many_letters"
	}
	return why, err
}

// full says whether an address got all the letters that it can get for now.
func (d *Desk) full(ctx context.Context, tx *sql.Tx, emailKey string) (bool, error) {
	now := d.o.Now()
	hour, err := d.o.Store.CodeLetters(ctx, tx, emailKey, now.Add(-time.Hour))
	if err != nil {
		return false, err
	}
	day, err := d.o.Store.CodeLetters(ctx, tx, emailKey, now.Add(-24*time.Hour))
	return hour >= HourlyLetters || day >= DailyLetters, err
}

func (d *Desk) send(ctx context.Context, tx *sql.Tx, row *store.Code) error {
	c, err := d.open(row)
	if err != nil {
		return err
	}
	text := draw()
	good, why, err := d.o.Letter(ctx, tx, c, text)
	if err != nil {
		return err
	}
	action := journal.CodeWithheld
	var hash []byte
	if good {
		action, hash = journal.CodeSent, d.hash(row.ID, text)
	}
	if err := d.o.Store.RenewCode(ctx, tx, row.ID, hash, d.o.Now().Add(Lifetime)); err != nil {
		return err
	}
	return d.record(ctx, tx, action, row, why)
}

func (d *Desk) record(ctx context.Context, tx *sql.Tx, action string, row *store.Code, why string) error {
	detail := map[string]any{"purpose": row.Purpose}
	if why != "" {
		detail["why"] = why
	}
	if row.Account != "" {
		detail["account"] = row.Account
	}
	return d.o.Journal.Append(ctx, tx, audit.Caller{Actor: audit.System}, action, row.ID, detail)
}

// Redeem uses a challenge up if text is its code, together with what within
// does in the same transaction; when within fails, nothing has happened, and
// the code is as good as before. Each call with six digits is a try, and no
// more than Tries are compared however many come at once. The error is ErrWrong,
// ErrOver or within's.
func (d *Desk) Redeem(ctx context.Context, challenge, text, purpose string, by audit.Caller, within func(tx *sql.Tx, c Code) error) error {
	text, ok := clean(text)
	if !ok {
		return Beside(errFormat)
	}
	var refusal error
	err := d.o.Journal.Write(ctx, func(tx *sql.Tx) (err error) {
		var c Code
		if c, refusal, err = d.try(ctx, tx, challenge, text, purpose, by); err != nil || refusal != nil {
			return err
		}
		return within(tx, c)
	})
	if err != nil {
		return err
	}
	return refusal
}

// try counts a try and compares. A refusal is committed, with its count; an
// error is not.
func (d *Desk) try(ctx context.Context, tx *sql.Tx, challenge, text, purpose string, by audit.Caller) (c Code, refusal, err error) {
	now := d.o.Now()
	counted, err := d.o.Store.TryCode(ctx, tx, challenge, purpose, Tries, now)
	if err != nil || !counted {
		return Code{}, Beside(ErrOver), err
	}
	row, err := d.o.Store.Code(ctx, tx, challenge)
	if err != nil {
		return Code{}, nil, err
	}
	// A challenge without a code is compared too: with what nothing hashes to.
	want := row.Hash
	if want == nil {
		want = make([]byte, sha256.Size)
	}
	if !hmac.Equal(want, d.hash(challenge, text)) {
		detail := map[string]any{"purpose": purpose, "tries": row.Tries}
		return Code{}, Beside(ErrWrong), d.o.Journal.Append(ctx, tx, by, journal.CodeRefused, challenge, detail)
	}
	if c, err = d.open(row); err != nil {
		return Code{}, nil, err
	}
	used, err := d.o.Store.UseCode(ctx, tx, challenge, now)
	if err == nil && !used {
		return Code{}, Beside(ErrOver), nil
	}
	return c, nil, err
}

// Void ends the challenges of an account in the caller's transaction: those that
// go to an address, or come from somebody, that it has no longer.
func (d *Desk) Void(ctx context.Context, tx *sql.Tx, account string) error {
	return d.o.Store.VoidCodes(ctx, tx, account, d.o.Now())
}

// Clean deletes old challenges; a periodic job calls it.
func (d *Desk) Clean(ctx context.Context) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		// They count for DailyLetters, also after their last letter.
		_, err := d.o.Store.DeleteCodes(ctx, tx, d.o.Now().Add(-24*time.Hour-Window))
		return err
	})
}

func (d *Desk) open(row *store.Code) (Code, error) {
	c := Code{ID: row.ID, Purpose: row.Purpose, Account: row.Account, Email: row.Email, EmailKey: row.EmailKey, Language: row.Language, MadeAt: row.MadeAt}
	if row.Data == nil {
		return c, nil
	}
	var err error
	c.Data, err = d.o.Key.Open(sealName(row.ID), row.Data)
	return c, err
}

func sealName(challenge string) string { return "code/" + challenge }

// hash binds a code to its challenge. A plain hash of six digits would tell them.
func (d *Desk) hash(challenge, text string) []byte {
	m := hmac.New(sha256.New, d.key)
	m.Write([]byte(challenge + "\x00" + text))
	return m.Sum(nil)
}

func draw() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand.Reader never fails
	}
	return fmt.Sprintf("%0*d", digits, n)
}

// clean takes a code as people type it: with spaces or a hyphen, in the wide
// digits of a Chinese keyboard.
func clean(text string) (string, bool) {
	if len(text) > 64 {
		return "", false
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	if len(text) != digits {
		return "", false
	}
	for _, r := range text {
		if r < '0' || r > '9' {
			return "", false
		}
	}
	return text, true
}
