package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"guildhall/platform/app"
	"guildhall/platform/db"
)

// explainWait says on standard error why an answer of the process takes long, if
// it is for want of its database. The end of the wait calls stop.
func explainWait(ctx context.Context, t terminal, c *app.Client) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	until := time.Now().Add(db.Patience)
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
			return
		case <-time.After(app.LongWait):
		}
		if service := away(ctx, c); service != "" {
			t.warn(app.WaitText(service, until))
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// away is the service whose database does not answer, or empty.
func away(ctx context.Context, c *app.Client) string {
	var s app.Status
	if err := c.Do(ctx, http.MethodGet, "/status", nil, &s); err != nil {
		return "" // the answer that is waited for will tell
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		if strings.Contains(s.Services[name], db.ErrUnreachable.Detail) {
			return name
		}
	}
	return ""
}
