package peer

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := &warner{log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 1000 {
			w.warn(t.Context(), "refused")
		}
		if n := strings.Count(log.String(), "refused"); n != warningsPerSecond {
			t.Fatalf("%d lines", n)
		}
		<-time.After(time.Second)
		w.warn(t.Context(), "refused")
		if !strings.Contains(log.String(), "left_out_before=980") {
			t.Fatal(log.String()[log.Len()-200:])
		}
	})
}
