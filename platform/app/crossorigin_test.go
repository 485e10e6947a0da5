package app

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func TestOtherSitesSendWhereAServiceExpectsThem(t *testing.T) {
	t.Parallel()
	p := runAs(t, t.TempDir(), func(d *Definition) {
		open := d.New
		d.New = func(ctx context.Context, env Env) (*Service, error) {
			s, err := open(ctx, env)
			if err != nil {
				return nil, err
			}
			s.CrossOrigin = []string{"POST /token"}
			s.Pages = func(mux *http.ServeMux) {
				mux.HandleFunc("POST /{any}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			}
			return s, nil
		}
	})
	browser := p.browser(t)
	for path, want := range map[string]int{"/token": http.StatusNoContent, "/other": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.notes()+path, strings.NewReader("a=b"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://shop.example")
		res, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, res.StatusCode, want)
		}
	}
}
