package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"guildhall/platform/db"
)

// LongWait is after what time somebody who waits is told why.
const LongWait = 2 * time.Second

// openDatabase opens the database of a service. It says so when the server does
// not answer: a restart of the server is waited for.
func (a *App) openDatabase(ctx context.Context, service string, log *slog.Logger) (*db.DB, error) {
	until := time.Now().Add(db.Patience)
	told := make(chan struct{})
	t := time.AfterFunc(LongWait, func() {
		defer close(told)
		if a.opts.Waiting != nil {
			a.opts.Waiting(WaitText(service, until))
			return
		}
		log.WarnContext(ctx, "the database does not answer; trying again", "until", until)
	})
	defer func() {
		if !t.Stop() {
			<-told // it writes where the caller writes
		}
	}()
	return db.Open(ctx, a.cfg.databaseURL(service), db.Options{Name: service, Log: log})
}

// WaitText says that the database of a service is away, and until when it is
// waited for.
func WaitText(service string, until time.Time) string {
	return fmt.Sprintf("The database of %s does not answer. Trying again until %s.", service, until.Format(time.TimeOnly))
}
