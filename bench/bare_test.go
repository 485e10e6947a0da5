package bench

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"guildhall/sdk/go/license"
)

// bareEnv makes the test binary a bareServer.
const bareEnv = "GUILDHALL_BENCH_BARE"

// bareServer is a process with the least that answers what programs send to license: it
// reads the JSON of a request and writes that of an answer, and neither looks anything up
// nor signs or seals.
type bareServer struct {
	pid          int
	plain, https string // URLs
	roots        *x509.CertPool
}

// bare starts a bareServer.
func bare(b *testing.B) *bareServer {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), bareEnv+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("the bare endpoint: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		b.Fatal(err)
	}
	var at bareAddresses
	if err := json.Unmarshal(line, &at); err != nil {
		b.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(at.Certificate)
	if err != nil {
		b.Fatal(err)
	}
	s := &bareServer{pid: cmd.Process.Pid, plain: "http://" + at.Plain, https: "https://" + at.TLS, roots: x509.NewCertPool()}
	s.roots.AddCert(certificate)
	return s
}

// clients are so many clients over TLS, each with a connection of its own.
func (s *bareServer) clients(b *testing.B, n int) []*http.Client {
	b.Helper()
	all := make([]*http.Client, n)
	for i := range all {
		t := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: s.roots}}
		b.Cleanup(t.CloseIdleConnections)
		all[i] = &http.Client{Transport: t, Timeout: patience}
	}
	return all
}

// bareAddresses is what a bareServer says when it listens.
type bareAddresses struct {
	Plain, TLS  string
	Certificate []byte // DER
}

// serveBare is the main function of a bareServer. It ends when its standard input does.
func serveBare() (code int) {
	if err := answerBare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func answerBare() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := http.HandlerFunc(bareAnswer)
	open := &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patience,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	ended := make(chan error, 2)
	go func() { ended <- open.Serve(plain) }()
	go func() { ended <- server.ServeTLS(secure, "", "") }()
	text, err := json.Marshal(bareAddresses{Plain: plain.Addr().String(), TLS: secure.Addr().String(), Certificate: der})
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	_, err = io.Copy(io.Discard, os.Stdin)
	err = errors.Join(err, open.Close(), server.Close())
	for range cap(ended) {
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
	}
	return err
}

func bareAnswer(w http.ResponseWriter, r *http.Request) {
	var in license.Request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	until := time.Now().Add(time.Hour)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(license.Answer{Verdict: license.VerdictOK, Code: "ok", Mode: "run", Time: time.Now().UnixMilli(), Environment: strings.Repeat("e", 32),
		ExpiresAt: &until, GraceUntil: &until, LeaseUntil: &until, Heartbeat: 3600, Modules: []string{"*"}})
}
