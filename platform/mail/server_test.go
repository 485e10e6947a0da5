package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// server is a mail server on loopback. The fields before the first connection
// say how it behaves.
type server struct {
	// secure is StartTLS, TLS or Unencrypted.
	secure Security
	// password, when not empty, must be given.
	password string
	// fail answers a step: "mail", "rcpt" or "data"; nil takes everything.
	fail func(step string) error
	// utf8 offers SMTPUTF8.
	utf8 bool

	roots *x509.CertPool
	port  int

	mutex    sync.Mutex
	letters  []received
	sessions int
}

// received is a letter as the server got it.
type received struct {
	from, to string
	body     []byte
	utf8     bool
	tls      bool
	user     string
}

// start runs the server until the test ends.
func (s *server) start(t *testing.T) *server {
	t.Helper()
	certificate := s.certificate(t, "localhost")
	b := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mutex.Lock()
		s.sessions++
		s.mutex.Unlock()
		return &visit{server: s, conn: c}, nil
	}))
	b.Domain, b.EnableSMTPUTF8, b.ErrorLog = "mail.example.com", s.utf8, silence{}
	b.ReadTimeout, b.WriteTimeout = time.Minute, time.Minute
	if s.secure != Unencrypted {
		b.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = portOf(t, l)
	if s.secure == TLS {
		l = tls.NewListener(l, b.TLSConfig)
	}
	done := make(chan error, 1)
	go func() { done <- b.Serve(l) }()
	t.Cleanup(func() { _ = b.Close(); <-done })
	return s
}

func portOf(t *testing.T, l net.Listener) int {
	t.Helper()
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// certificate is a self-signed one that s.roots holds.
func (s *server) certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sender makes a Sender for the server.
func (s *server) sender(t *testing.T, change ...func(*SMTPOptions)) *SMTP {
	t.Helper()
	o := SMTPOptions{Host: "localhost", Port: s.port, Security: s.secure, Roots: s.roots, Hello: "guild.example.com", Timeout: 20 * time.Second}
	if s.password != "" {
		o.Username, o.Password = "guild", s.password
	}
	for _, f := range change {
		f(&o)
	}
	sender, err := NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// got are the letters so far.
func (s *server) got() []received {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]received(nil), s.letters...)
}

// silence is where the server complains of clients that hang up.
type silence struct{}

func (silence) Printf(string, ...any) {}

func (silence) Println(...any) {}

// visit is one connection.
type visit struct {
	server *server
	conn   *smtp.Conn
	letter received
	user   string
}

func (v *visit) answer(step string) error {
	if v.server.fail == nil {
		return nil
	}
	return v.server.fail(step)
}

func (v *visit) AuthMechanisms() []string {
	if v.server.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "guild" || password != v.server.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Authentication credentials invalid"}
		}
		v.user = username
		return nil
	}), nil
}

func (v *visit) Mail(from string, o *smtp.MailOptions) error {
	if v.server.password != "" && v.user == "" {
		return smtp.ErrAuthRequired
	}
	_, secure := v.conn.TLSConnectionState()
	v.letter = received{from: from, utf8: o.UTF8, tls: secure, user: v.user}
	return v.answer("mail")
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.letter.to = to
	return v.answer("rcpt")
}

func (v *visit) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := v.answer("data"); err != nil {
		return err
	}
	v.letter.body = bytes.Clone(body)
	v.server.mutex.Lock()
	defer v.server.mutex.Unlock()
	v.server.letters = append(v.server.letters, v.letter)
	return nil
}

func (v *visit) Reset() {}

func (v *visit) Logout() error { return nil }

// says is a server's answer at one step.
func says(step string, code int, text string) func(string) error {
	return func(at string) error {
		if at != step {
			return nil
		}
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
	}
}

var errBroken = errors.New("broken")
