package ca

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"guildhall/platform/db"
)

// A service that followed under the mark of the authority's own process would
// take its place: the process would hear of no revocation any more, and what
// the service acknowledges would count as the process's word.
func TestNoServiceFollowsUnderTheMarkOfTheAuthoritysProcess(t *testing.T) {
	t.Parallel()
	peers := new(service).peers(&db.DB{Engine: db.SQLite})
	for _, route := range peers.routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if method != http.MethodGet {
			continue
		}
		q := url.Values{"after": {"9"}, "instance": {peers.local.Instance}}
		w := httptest.NewRecorder()
		route.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path+"?"+q.Encode(), nil))
		if w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", route.Pattern, w.Code)
		}
		return
	}
	t.Fatal("there is no route to follow")
}
