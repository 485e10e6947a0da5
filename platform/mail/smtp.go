package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"guildhall/platform/fault"
)

// ErrRefused says that a mail server refused the letter for good.
var ErrRefused = errors.New("the mail server refused the letter")

// Security is how the connection with the mail server is encrypted.
type Security string

// The ways to speak with a mail server.
const (
	// StartTLS begins in the clear and demands encryption before anything else
	// is said (RFC 3207).
	StartTLS Security = "starttls"
	// TLS is encrypted from the first byte (RFC 8314).
	TLS Security = "tls"
	// Unencrypted is for a server on this machine.
	Unencrypted Security = "none"
)

// stepTimeout bounds each half of a delivery: connecting with signing in, and
// the letter itself.
const stepTimeout = 30 * time.Second

// SMTPOptions say which server takes the letters.
type SMTPOptions struct {
	Host string
	Port int
	// Security is StartTLS, TLS or Unencrypted; the last one only with a loopback
	// host and without Username.
	Security Security
	// Username and Password sign in; both empty: the server takes letters as they
	// are.
	Username, Password string
	// Hello is the name by which this machine introduces itself; empty: its own.
	Hello string
	// Roots are whose certificates are trusted; nil: those of the system.
	Roots *x509.CertPool
	// Timeout bounds each half of a delivery; 0 means 30 s.
	Timeout time.Duration
}

// SMTP delivers letters to a mail server, each over a connection of its own.
type SMTP struct {
	o   SMTPOptions
	tls *tls.Config
}

// NewSMTP makes a Sender; it does not connect yet.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	if err := CheckSecurity(o.Host, o.Security, o.Username); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = stepTimeout
	}
	return &SMTP{o: o, tls: &tls.Config{ServerName: o.Host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12}}, nil
}

// CheckSecurity refuses what would send letters or a password over a network in
// the clear. The error is a fault with a field: "security" or "username".
func CheckSecurity(host string, s Security, username string) error {
	switch {
	case s == StartTLS || s == TLS:
		return nil
	case s != Unencrypted:
		return field("security", "%q is no way to encrypt. Write starttls (usual on port 587), tls (port 465) or none.", s)
	case !loopback(host):
		return field("security", "Letters would cross the network unencrypted: none is only for a mail server on this machine (127.0.0.1, ::1 or localhost). Write starttls or tls.")
	case username != "":
		return field("username", "A password is not sent unencrypted. Write starttls or tls in security, or leave out username and password.")
	}
	return nil
}

func field(name, format string, args ...any) error {
	return fault.Fields(fault.Field{Name: name, Code: "invalid", Detail: fmt.Sprintf(format, args...)})
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// authentications are how we sign in, the safest first. Those that need MD4 or
// MD5 are left out: the connection is encrypted.
func authentications() []gomail.SMTPAuthType {
	return []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin}
}

// Send delivers the letter. It returns nil once the server has taken it, whatever
// happens to the connection then, and an error that matches ErrRefused when the
// server will not take it from anybody: the address does not exist, or it does
// not like the content. What an operator can put right (no connection, a wrong
// password, a sender that is not allowed) is a passing error.
func (s *SMTP) Send(ctx context.Context, l Letter) error {
	m, err := compose(l)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	c, hangUp, err := s.client(ctx, l)
	if err != nil {
		return fmt.Errorf("prepare for the mail server: %w", err)
	}
	defer hangUp()
	if err := c.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the mail server %s: %w", s.Address(), err)
	}
	if err := c.Send(m); err != nil && !m.IsDelivered() {
		return refusal(err)
	}
	_ = c.Close() // it has the letter; how it says goodbye changes nothing
	return nil
}

// client makes the library's client for one letter. hangUp drops its connection;
// so does the end of ctx, which the library asks only while it connects.
func (s *SMTP) client(ctx context.Context, l Letter) (c *gomail.Client, hangUp func(), err error) {
	var connection net.Conn
	var stop func() bool
	dial := func(dialCtx context.Context, network, _ string) (net.Conn, error) {
		var err error
		if connection, err = new(net.Dialer).DialContext(dialCtx, network, s.Address()); err != nil {
			return nil, err
		}
		raw := connection
		stop = context.AfterFunc(ctx, func() { _ = raw.Close() })
		if s.o.Security != TLS {
			return raw, nil
		}
		secure := tls.Client(raw, s.tls)
		return secure, secure.HandshakeContext(dialCtx)
	}
	c, err = gomail.NewClient(s.o.Host, s.options(l, dial)...)
	return c, func() {
		if connection != nil {
			stop()
			_ = connection.Close()
		}
	}, err
}

func (s *SMTP) options(l Letter, dial gomail.DialContextFunc) []gomail.Option {
	options := []gomail.Option{gomail.WithPort(s.o.Port), gomail.WithTimeout(s.o.Timeout), gomail.WithTLSConfig(s.tls),
		gomail.WithDialContextFunc(dial), gomail.WithoutNoop(), gomail.WithTLSPolicy(gomail.TLSMandatory)}
	switch s.o.Security {
	case TLS:
		options = append(options, gomail.WithSSL(), gomail.WithTLSPolicy(gomail.NoTLS))
	case Unencrypted:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.o.Username != "" {
		options = append(options, gomail.WithUsername(s.o.Username), gomail.WithPassword(s.o.Password),
			gomail.WithOpportunisticSMTPAuth(authentications()...))
	}
	if s.o.Hello != "" {
		options = append(options, gomail.WithHELO(s.o.Hello))
	}
	if !needsUTF8(l.From) && !needsUTF8(l.To) { // else every server on the way would have to know SMTPUTF8
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	return options
}

// refusal tells errors that will come again from those that may pass.
func refusal(err error) error {
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return fmt.Errorf("send a letter: %w", err)
	}
	if e.ErrorCode() >= 500 && (e.Reason == gomail.ErrSMTPRcptTo || e.Reason == gomail.ErrSMTPData || e.Reason == gomail.ErrSMTPDataClose) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("send a letter: %w", err)
}

// Address is host:port, for people.
func (s *SMTP) Address() string { return net.JoinHostPort(s.o.Host, strconv.Itoa(s.o.Port)) }
