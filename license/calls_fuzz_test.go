package license

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// FuzzCalls sends whatever to the addresses of calls: nothing of it ends the process, is
// ours to blame, or is counted as use. Each of its processes has keys of its own, so that
// what is sealed opens in none but the first: what is inside is for FuzzMessages.
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

// FuzzMessages sends whatever as a message that opens, by a program with a card, whose key
// stands for CARD: it is always answered, and the answer verifies.
func FuzzMessages(f *testing.F) {
	o := openOfficeOnSQLite(f)
	_, rules := o.stock(f)
	var programs []*program
	for _, mode := range modes() {
		p := o.program(f, mode, o.card(f, rules))
		p.device = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // the same in each process
		p.want(f, "activated ok", license.CallActivate)
		programs = append(programs, p)
	}
	for i, call := range []string{license.CallActivate, license.CallValidate, license.CallHeartbeat, license.CallOpen, license.CallFunction, license.CallFiles, license.CallTime} {
		m := programs[0].message(call)
		m.Card, m.Function, m.Module, m.Version, m.Input = "CARD", "price", "core", "1.0", []byte("in")
		body, err := json.Marshal(m)
		ok(f, err)
		f.Add(byte(i), call, body)
	}
	f.Add(byte(0), "activate", []byte(`{"call":"activate","product":"press","time":1}`))
	f.Add(byte(1), "time", []byte(`{"call":"time","product":"press"`))
	f.Fuzz(func(t *testing.T, mode byte, call string, body []byte) {
		p := programs[int(mode)%len(programs)]
		if !answered(call) || p.mode == sealed.HTTPS && !names(body, "press") {
			return // these are not for a program
		}
		l := letter{path: p.path(call)}
		params := sealed.Params{Method: http.MethodPost, Path: l.path, Product: "press"}
		body = bytes.ReplaceAll(body, []byte("CARD"), []byte(p.card))
		proof, err := sealed.SignProof(p.device, params, body)
		if err != nil {
			return // too long
		}
		l.wire, l.exchange, err = p.client.SealRequest(params, proof, body)
		ok(t, err)
		a := p.read(t, l, post(t, p.counter, l, p.ip))
		if refused := a.Verdict == license.VerdictRefused; a.Code == "" || refused == (a.Mode != "" || call == license.CallTime && a.Code == "ok") {
			t.Fatalf("%s is answered with %+v", body, a)
		}
	})
}

// names says whether a message names the product.
func names(body []byte, product string) bool {
	var m struct{ Product string }
	return json.Unmarshal(body, &m) == nil && m.Product == product
}
