// Package alarm keeps what somebody should look at, and writes letters about it.
package alarm

import (
	"context"
	"database/sql"
	"time"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/id"
	"guildhall/platform/mail"
)

// Letter is the name of the letter's templates.
const Letter = "license.alarm"

const (
	day = 24 * time.Hour
	// maxLetters and maxAlarms bound what is written within a day, whoever attacks from
	// however many addresses.
	maxLetters, maxAlarms = 20, 1000
)

// Desk raises alarms and has them acknowledged. It is safe for concurrent use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	// Mail sends a letter when tx is committed (mail.Outbox's Send), to each of To.
	Mail func(ctx context.Context, tx *sql.Tx, m mail.Message) error
	To   []string
	// URL is that of the page with the alarms.
	URL string
	Now func() time.Time
}

// Raise notes an alarm with its kind, card or address, and count. What was raised within a
// day counts on, and there is one letter a day about the same.
func (d *Desk) Raise(ctx context.Context, tx *sql.Tx, a store.Alarm) error {
	now := d.now()
	since := now.Add(-day)
	a.At, a.LastAt = now, now
	again, err := d.Store.AgainAlarm(ctx, tx, a, since)
	if err != nil || again {
		return err
	}
	all, same, err := d.Store.AlarmsSince(ctx, tx, a, since)
	if err != nil || all >= maxAlarms {
		return err
	}
	a.ID = id.New("alm")
	if err := d.Store.InsertAlarm(ctx, tx, a); err != nil || same > 0 || all >= maxLetters {
		return err
	}
	for _, to := range d.To {
		m := mail.Message{To: to, Template: Letter, Data: map[string]any{"Kind": a.Kind, "Card": a.Prefix, "IP": a.IP, "Count": a.Count, "Link": d.URL}}
		if err := d.Mail(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// Acknowledge notes who has looked at an alarm. Repeating it is harmless: the first stays.
func (d *Desk) Acknowledge(ctx context.Context, id string, by audit.Caller) (store.Alarm, error) {
	err := d.Journal.Write(ctx, func(tx *sql.Tx) error {
		fresh, err := d.Store.AcknowledgeAlarm(ctx, tx, id, by.Actor, d.now())
		if err != nil || !fresh {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.AlarmAcknowledged, id, nil)
	})
	if err != nil {
		return store.Alarm{}, err
	}
	all, _, err := d.Store.Alarms(ctx, store.AlarmQuery{ID: id, Limit: 1})
	if err == nil && len(all) == 0 {
		err = store.ErrAlarm.Naming(id)
	}
	if err != nil {
		return store.Alarm{}, err
	}
	return all[0], nil
}

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }
