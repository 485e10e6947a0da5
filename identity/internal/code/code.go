// Package code proves that an e-mail address is somebody's: a letter takes six
// digits to it, and whoever asked types them.
//
// Two things belong together: the challenge, which only the browser that asked
// has, and the code, which only the mailbox has. A code that comes with another
// challenge is wrong: so nobody can ask for somebody else's address and wait
// until its owner types the code for his own request.
//
// Asking takes the same steps whether there is an account or not: a row and a
// job. The job finds out, and sends the code, another letter, or none.
package code

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/jobs"
	"guildhall/platform/seal"
)

// What codes are for.
const (
	Register = "register"
	Reset    = "reset"
	Email    = "email"
)

// The bounds of a code.
const (
	// Lifetime is how long a code is good, from its letter on.
	Lifetime = 5 * time.Minute
	// Tries is how many codes are compared with it.
	Tries = 5
	// Pause is the time between two letters of one challenge.
	Pause = time.Minute
	// Window is how long a challenge can be given new codes.
	Window = time.Hour
	// HourlyLetters and DailyLetters are the most letters that go to an address
	// by codes: against filling a mailbox, and against guessing code after code.
	HourlyLetters = 5
	DailyLetters  = 20
)

// Why a code does not do. They are returned by Beside.
var (
	// ErrWrong is also the answer when there was never a code to guess.
	ErrWrong = fault.New(fault.Invalid, "code_wrong", "This is not the code of the newest letter. Look at its six digits again.")
	// ErrOver is for a code that is used, expired or tried too often, and for a
	// challenge that nobody has.
	ErrOver = fault.New(fault.Invalid, "code_over", "This code no longer works: it was used, is older than five minutes, or was tried too often. Ask for a new one.")
	// ErrSoon is returned for asking for another letter too early. It carries the
	// time to wait; its argument Seconds is that time rounded up.
	ErrSoon = fault.New(fault.TooMany, "code_soon", "A letter is on its way already. Wait a minute, look into the spam folder, then ask for another.")
	// ErrEnded is for asking for another letter when the challenge is over.
	ErrEnded = fault.New(fault.Gone, "challenge_over", "This request is over. Begin again.")
)

// Beside is a refusal that stands beside the field "code".
func Beside(refusal *fault.Error) error {
	f := *refusal
	f.Fields = []fault.Field{{Name: "code", Code: f.Code, Detail: f.Detail}}
	return &f
}

// Code is a challenge as those who use it see it.
type Code struct {
	// ID is the challenge.
	ID      string
	Purpose string
	// Account is the one that it is about; empty when there was none.
	Account string
	// Email is the address as typed, EmailKey what makes spellings one.
	Email, EmailKey string
	// Language is that of the letter.
	Language string
	// Data is what was given to Ask; it is sealed in the database.
	Data   []byte
	MadeAt time.Time
}

// Ask is a wish for a code.
type Ask struct {
	Purpose         string
	Account         string
	Email, EmailKey string
	Language        string
	Data            []byte
	By              audit.Caller
	// Unless is asked in the transaction that writes the challenge; its error
	// refuses it. nil: nothing stands against it.
	Unless func(tx *sql.Tx) error
}

// Options is what a Desk needs; all of it.
type Options struct {
	DB      *db.DB
	Store   *store.Store
	Journal *audit.Journal
	Jobs    *jobs.Queue
	Key     seal.Key
	Now     func() time.Time
	Log     *slog.Logger
	// Letter writes the letter with the code in the transaction tx. It returns
	// false when the code is to be good for nothing, because it sent another
	// letter or none; why says so in the audit log.
	Letter func(ctx context.Context, tx *sql.Tx, c Code, text string) (good bool, why string, err error)
}
