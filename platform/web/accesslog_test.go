package web_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLongPathsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := browse(http.MethodGet, "/start/"+strings.Repeat("%C5%81", 20_000), "")
	r.Host, r.Method = strings.Repeat("h", 40_000), strings.Repeat("M", 40_000)
	w.do(r)
	line := w.log.String()
	if len(line) > 5000 || !strings.Contains(line, `"/start/`) || !utf8.ValidString(line) || strings.Contains(line, "\uFFFD") {
		t.Errorf("a line of %d bytes: %.1000s", len(line), line)
	}
}
