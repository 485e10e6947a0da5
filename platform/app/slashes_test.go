package app

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"pgregory.net/rapid"
)

// TestKeepSlashes holds that what a client sends in base64, escaped or not, is
// what the handler gets.
func TestKeepSlashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := base64.StdEncoding.EncodeToString(rapid.SliceOfN(rapid.SampledFrom([]byte{0xff, 0xfe, 0x03, 0xfb}), 1, 60).Draw(t, "bytes"))
		var got string
		mux := http.NewServeMux()
		mux.HandleFunc("GET /in/{text...}", func(_ http.ResponseWriter, r *http.Request) { got = r.PathValue("text") })
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = "/in/" + want
		w := httptest.NewRecorder()
		keepSlashes(mux).ServeHTTP(w, r)
		if w.Code != http.StatusOK || got != want {
			t.Fatalf("sent %s, got %s, status %d", want, got, w.Code)
		}
	})
}
