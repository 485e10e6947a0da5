package license

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

// straight sends requests to a handler, whatever host they name.
type straight struct {
	to http.Handler
	ip string
}

func (s straight) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.RemoteAddr = s.ip
	s.to.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestTheGoClientAndTheService is a program of a customer with sdk/go/license, in each
// mode, and a copy of its card elsewhere.
func TestTheGoClientAndTheService(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		_, rules := o.stock(t)
		ok(t, second(o.client.CreateRelease(t.Context(), "press", wire.ReleaseCreate{Version: "1.0"})))
		secret, err := o.client.HandshakeKey(t.Context(), "press", "1.0", "")
		ok(t, err)
		for _, mode := range modes() {
			p := o.program(t, mode, o.card(t, rules))
			install := func(parts map[string]string, ip string) *license.Client {
				c, err := license.Open(license.Options{Kit: *p.kit, Dir: t.TempDir(), Version: "1.0", Components: parts, Mode: mode,
					HTTP: &http.Client{Transport: straight{p.counter, ip}}, Now: o.clock.Now})
				ok(t, err)
				return c
			}
			c := install(p.parts, p.ip)
			s, err := c.Activate(t.Context(), p.card)
			if err != nil || s.Verdict != license.VerdictActivated || s.Cached {
				t.Fatalf("%s: activated: %+v, %v", mode, s, err)
			}
			key, _, err := c.OpenKey(t.Context(), "")
			if err != nil || !bytes.Equal(key, secret.Key) {
				t.Errorf("%s: the handshake key: %v", mode, err)
			}
			if at, err := c.Time(t.Context()); err != nil || !at.Equal(o.clock.Now()) {
				t.Errorf("%s: the time: %s, %v", mode, at, err)
			}
			copied := install(o.program(t, sealed.HTTPS, p.card).parts, "203.0.113.9:4000")
			refused := (*license.RefusedError)(nil)
			if _, err := copied.Activate(t.Context(), p.card); !errors.As(err, &refused) || refused.Code != "environment_mismatch" {
				t.Errorf("%s: another machine: %v", mode, err)
			}
			found, err := o.client.Cards(t.Context(), wire.CardRequest{Key: p.card})
			ok(t, err)
			ok(t, second(o.client.RevokeCard(t.Context(), found.Cards[0].ID, "sold twice")))
			if _, err := c.Validate(t.Context()); !errors.As(err, &refused) || refused.Code != "card_revoked" {
				t.Errorf("%s: revoked: %v", mode, err)
			}
		}
	})
}
