package jobs_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

func TestAPeriodicJobIsWoken(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		q := jobs.New(jobs.Options{DB: d})
		if err := q.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		ran := make(chan struct{}, 10)
		q.Every("test.rare", jobs.Interval(24*time.Hour), func(context.Context) error {
			ran <- struct{}{}
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		for range 3 { // also before its row is planned, and again after it ran
			if err := d.WithTx(t.Context(), func(tx *sql.Tx) error { return q.Wake(t.Context(), tx, "test.rare") }); err != nil {
				t.Fatal(err)
			}
			<-ran
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		list, err := q.List(t.Context(), jobs.Filter{Kind: "test.rare"})
		if err != nil || len(list) != 1 || list[0].State != jobs.Waiting || time.Until(list[0].Due) < 23*time.Hour {
			t.Errorf("it is not due a day later, once: %+v, %v", list, err)
		}
	})
}
