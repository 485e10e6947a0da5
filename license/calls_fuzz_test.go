package license

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// FuzzCalls sends whatever to the addresses of calls: nothing of it ends the process, is
// ours to blame, or is counted as use.
func FuzzCalls(f *testing.F) {
	o := openOfficeOnSQLite(f)
	_, rules := o.stock(f)
	for _, mode := range modes() {
		p := o.program(f, mode, o.card(f, rules))
		l := p.write(f, license.CallTime)
		h := http.Header{}
		l.wire.SetHeader(h)
		f.Add(l.path, h.Get("Content-Type"), l.wire.Proof, l.wire.Body)
	}
	f.Add("/license/v1/configuration?product=press", "", "", []byte{})
	f.Add("/v1/activate", "application/json", "", []byte(`{"call":"activate","product":"press","time":1}`))
	to := o.counter()
	f.Fuzz(func(t *testing.T, path, media, proof string, body []byte) {
		if !strings.HasPrefix(path, license.PathCalls) && !strings.HasPrefix(path, license.PathSealed) {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://license.example"+path, strings.NewReader(string(body)))
		if err != nil {
			return
		}
		r.RemoteAddr = "198.51.100.7:4000"
		r.Header.Set("Content-Type", media)
		r.Header.Set(sealed.HeaderProof, proof)
		w := httptest.NewRecorder()
		to.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if n := o.uses(t); n != 0 {
			t.Fatalf("%d were accepted", n)
		}
	})
}
