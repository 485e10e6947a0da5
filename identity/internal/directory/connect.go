package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	dialMost    = 10 * time.Second
	requestMost = 30 * time.Second
)

// link is a connection to one server.
type link struct {
	*ldap.Conn
	settings Settings
	server   string
	// tls is what was agreed on; zero without TLS.
	tls tls.ConnectionState
	// release ends the watch over the context.
	release func() bool
}

// Close ends the connection.
func (l *link) Close() {
	l.release()
	_ = l.Conn.Close()
}

// connect reaches the first server that answers and proves its name, and binds. The
// connection ends with ctx.
func (s *Service) connect(ctx context.Context, settings Settings, password string) (l *link, err error) {
	for _, server := range settings.Servers {
		if l, err = s.reach(ctx, settings, server); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.bind(settings.BindDN, password); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// reach connects to a server and does what its address says about TLS.
func (s *Service) reach(ctx context.Context, settings Settings, server string) (*link, error) {
	conn, u, err := s.dial(ctx, server)
	if err != nil {
		return nil, err
	}
	return s.secure(ctx, settings, u, conn)
}

func (s *Service) dial(ctx context.Context, server string) (net.Conn, *url.URL, error) {
	u, err := parseServer(server)
	if err != nil {
		return nil, nil, exactly(ErrReach, err)
	}
	dialer := net.Dialer{Timeout: dialMost}
	conn, err := dialer.DialContext(ctx, "tcp", endpoint(u))
	if err != nil {
		return nil, nil, exactly(ErrReach, err)
	}
	return conn, u, nil
}

// secure begins TLS on a connection, which it closes when it fails.
func (s *Service) secure(ctx context.Context, settings Settings, u *url.URL, conn net.Conn) (*link, error) {
	if settings.Plain && u.Scheme == "ldap" && (s.o.Production || !loopback(u.Hostname())) {
		_ = conn.Close() // settings of another time or configuration
		return nil, exactly(ErrNoTLS, errors.New("a connection without TLS is refused"))
	}
	var untrusted error
	config, err := s.tls(settings, u.Hostname(), &untrusted)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	l := &link{settings: settings, server: u.String()}
	if u.Scheme == "ldaps" {
		secured := tls.Client(conn, config)
		bounded, cancel := context.WithTimeout(ctx, dialMost)
		defer cancel()
		if err := secured.HandshakeContext(bounded); err != nil {
			_ = conn.Close()
			return nil, tlsError(err, untrusted)
		}
		l.tls, conn = secured.ConnectionState(), secured
	}
	l.Conn = ldap.NewConn(conn, u.Scheme == "ldaps")
	l.SetTimeout(requestMost)
	l.Start()
	l.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if u.Scheme == "ldap" && !settings.Plain {
		if err := l.StartTLS(config); err != nil {
			l.Close()
			return nil, tlsError(err, untrusted)
		}
		l.tls, _ = l.TLSConnectionState()
	}
	return l, nil
}

// tls checks the server's certificate itself, so that untrusted says what is wrong
// with it: what LDAP's StartTLS returns is text.
func (s *Service) tls(settings Settings, host string, untrusted *error) (*tls.Config, error) {
	roots, err := s.roots(settings)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does what it skips
		VerifyConnection: func(c tls.ConnectionState) error {
			rest := x509.NewCertPool()
			for _, cert := range c.PeerCertificates[1:] {
				rest.AddCert(cert)
			}
			_, *untrusted = c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: rest, DNSName: host, CurrentTime: s.o.Now()})
			return *untrusted
		}}, nil
}

func (s *Service) roots(settings Settings) (*x509.CertPool, error) {
	if settings.Trust == TrustKnown {
		return s.o.Roots(), nil
	}
	given, err := parseCA(settings.CA)
	pool := x509.NewCertPool()
	for _, cert := range given {
		pool.AddCert(cert)
	}
	return pool, err
}

// tlsError says why TLS failed: because of the certificate, or before it was seen.
func tlsError(err, untrusted error) error {
	if untrusted != nil {
		err = untrusted
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return exactly(ErrUntrusted, err)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return exactly(ErrWrongName, err)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return exactly(ErrStale, err)
		}
		return exactly(ErrUntrusted, err)
	}
	return exactly(ErrNoTLS, err)
}
