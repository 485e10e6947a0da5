package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"guildhall/identity/internal/session"
)

// logoutTimeout bounds the answer of an application that is told of a logout.
const logoutTimeout = 5 * time.Second

// sessionsEnded is what follows from the end of sessions, in its transaction: the
// applications are told, and what was granted in them ends.
func (s *service) sessionsEnded(ctx context.Context, tx *sql.Tx, e session.Ended) error {
	if err := s.logout.SessionsEnded(ctx, tx, e); err != nil {
		return err
	}
	return s.grants.SessionsEnded(ctx, tx, e)
}

// postLogout sends logout tokens to applications (OpenID Connect Back-Channel
// Logout, 2.5). It is for the registered address alone, so that no redirect is
// followed.
func postLogout(roots func() *x509.CertPool, timeout time.Duration) func(ctx context.Context, uri, token string) error {
	return func(ctx context.Context, uri, token string) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		form := url.Values{"logout_token": {token}}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// Connections are not kept: messages are few, and the roots may be others by
		// the next.
		res, err := (&http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: roots(), MinVersion: tls.VersionTLS12}}).RoundTrip(r)
		if err != nil {
			return err
		}
		_ = res.Body.Close() // what it says besides is of no use
		if res.StatusCode < 200 || res.StatusCode > 299 {
			return fmt.Errorf("%s answered with status %d", uri, res.StatusCode)
		}
		return nil
	}
}
