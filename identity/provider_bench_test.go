package identity

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
)

// cpu is what this process has spent, client and server alike.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProvider compares what programs call with its floor, in the same
// process and by the same client: an endpoint that does nothing but read the form
// and answer, and one that signs a token too.
func BenchmarkProvider(b *testing.B) {
	i := openIssuer(b)
	robots := map[string]*party{}
	for _, algorithm := range []string{oauth.ES256, oauth.EdDSA} {
		robots[algorithm] = i.application(b, client.Service, func(m *client.Metadata) { m.AccessTokenAlgorithm = algorithm })
		i.mux.HandleFunc("POST /floor/"+algorithm, func(w http.ResponseWriter, r *http.Request) {
			_, err := readForm(w, r)
			ok(b, err)
			token, err := i.keys.Sign(r.Context(), algorithm, "at+jwt", map[string]any{"iss": issuer, "sub": "app", "exp": 1, "iat": 1, "jti": "x"})
			ok(b, err)
			write(w, http.StatusOK, map[string]any{"access_token": token})
		})
	}
	i.mux.HandleFunc("POST /floor/bare", func(w http.ResponseWriter, r *http.Request) {
		_, err := readForm(w, r)
		ok(b, err)
		write(w, http.StatusOK, map[string]any{"active": true})
	})
	shop := i.application(b, client.Web, nil)
	got := shop.signsIn(b)
	refresh := got.text("refresh_token")
	ways := []struct {
		name string
		do   func() reply
	}{
		{"floor", func() reply { return shop.post(b, "/floor/bare", "token", "x") }},
		{"floor-ES256", func() reply { return robots[oauth.ES256].post(b, "/floor/ES256", "grant_type", "x") }},
		{"floor-EdDSA", func() reply { return robots[oauth.EdDSA].post(b, "/floor/EdDSA", "grant_type", "x") }},
		{"client-credentials-ES256", func() reply { return robots[oauth.ES256].token(b, "grant_type", oauth.GrantClientCredentials) }},
		{"client-credentials-EdDSA", func() reply { return robots[oauth.EdDSA].token(b, "grant_type", oauth.GrantClientCredentials) }},
		{"introspection", func() reply { return shop.post(b, introspectPath, "token", got.text("access_token")) }},
		{"refresh", func() reply {
			next := shop.refresh(b, refresh)
			refresh = next.text("refresh_token")
			return next
		}},
		{"code-flow", func() reply { return shop.signsIn(b) }},
	}
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			way.do().fine(b)
			began := cpu(b)
			b.ResetTimer()
			for range b.N {
				if r := way.do(); r.StatusCode != http.StatusOK {
					b.Fatal(r.Text)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}
