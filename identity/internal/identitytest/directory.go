package identitytest

import (
	"crypto/x509"
	"log/slog"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/directory"
	"guildhall/platform/jobs"
)

// Directory is the world's import from a directory, and accounts whose passwords it
// may keep.
func (w *World) Directory(change func(o *directory.Options)) (*directory.Service, *account.Service) {
	var made *directory.Service
	a := w.options()
	a.Jobs = jobs.New(jobs.Options{DB: w.DB, Now: w.Clock.Now}) // the world's has its accounts' job already
	a.Elsewhere = directory.Elsewhere(&made)
	accounts := account.New(a)
	o := directory.Options{DB: w.DB, Store: w.Store, Journal: w.Journal, Accounts: accounts, Hasher: w.Hasher, Jobs: a.Jobs, Key: w.Key,
		Mail: w.mail, EndSessions: w.endSessions, Roots: x509.NewCertPool,
		Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	made = directory.New(o)
	return made, accounts
}
