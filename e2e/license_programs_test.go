package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/sealed"
)

// program is a customer's, by one of the SDKs.
type program interface {
	// do makes a call while the machine's clock is wrong by so much.
	do(t *testing.T, call string, offset time.Duration) said
}

// said is what the SDK says of a call.
type said struct {
	Error   string // refused, Unreachable or Untrusted; empty: none
	Code    string // of a refusal
	Text    string
	Verdict string
	Offline bool
	Key     string // hexadecimal
}

// installation is what a program is given.
type installation struct {
	Kit     json.RawMessage        `json:"kit"`
	Card    string                 `json:"card"`
	Mode    sealed.Mode            `json:"mode"`
	Parts   fingerprint.Components `json:"parts"`
	State   string                 `json:"state"`   // a file that is not there yet
	Roots   string                 `json:"roots"`   // PEM
	Ports   map[string]int         `json:"ports"`   // where the server's ports lead
	Timeout float64                `json:"timeout"` // seconds
}

// newInstallation is one on a machine of its own.
func newInstallation(t *testing.T, p *meddler, kit []byte, card string, mode sealed.Mode) installation {
	t.Helper()
	dir := t.TempDir()
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, p.roots, 0o600); err != nil {
		t.Fatal(err)
	}
	parts := fingerprint.Components{}
	for _, kind := range []string{fingerprint.MachineID, fingerprint.Disk} {
		digest, _ := fingerprint.Digest("press", kind, card+kind)
		parts.Add(kind, digest)
	}
	return installation{Kit: kit, Card: card, Mode: mode, Parts: parts, State: filepath.Join(dir, "license.json"), Roots: roots, Ports: p.ports(t), Timeout: patience.Seconds()}
}

// inGo is a program by sdk/go/license.
type inGo struct {
	client *license.Client
	card   string
	offset atomic.Int64 // nanoseconds
}

func newInGo(t *testing.T, i installation) program {
	t.Helper()
	kit, err := license.ParseKit(i.Kit)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(i.Roots)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(i.Ports[port])))
	}
	p := &inGo{card: i.Card}
	p.client, err = license.Open(license.Options{Kit: kit, Dir: filepath.Dir(i.State), Version: "1.0", Components: i.Parts, Mode: i.Mode,
		HTTP: &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}},
		Now:  func() time.Time { return time.Now().Add(time.Duration(p.offset.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *inGo) do(t *testing.T, call string, offset time.Duration) said {
	t.Helper()
	p.offset.Store(int64(offset))
	var s license.Standing
	var key []byte
	var err error
	switch call {
	case license.CallActivate:
		s, err = p.client.Activate(t.Context(), p.card)
	case license.CallValidate:
		s, err = p.client.Validate(t.Context())
	case license.CallHeartbeat:
		s, err = p.client.Heartbeat(t.Context())
	case license.CallOpen:
		key, s, err = p.client.OpenKey(t.Context(), "")
	}
	refused := (*license.RefusedError)(nil)
	switch {
	case err == nil:
		return said{Verdict: s.Verdict, Offline: s.Cached, Key: hex.EncodeToString(key)}
	case errors.As(err, &refused):
		return said{Error: "refused", Code: refused.Code, Text: err.Error()}
	case errors.Is(err, license.ErrAnswer):
		return said{Error: "Untrusted", Text: err.Error()}
	case errors.Is(err, license.ErrUnreachable):
		return said{Error: "Unreachable", Text: err.Error()}
	}
	return said{Error: "undocumented", Text: err.Error()}
}

// inPython is a program by sdk/python, in a process of its own.
type inPython struct {
	in  io.Writer
	out *bufio.Scanner
	log *logBuffer
}

func newInPython(t *testing.T, i installation) program {
	t.Helper()
	given, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	p := &inPython{log: &logBuffer{}}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-B", "clients/license_client.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH=../sdk/python", "GUILDHALL_GIVEN="+string(given), "no_proxy=*")
	cmd.Stderr = p.log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	p.in, p.out = in, bufio.NewScanner(out)
	return p
}

func (p *inPython) do(t *testing.T, call string, offset time.Duration) (got said) {
	t.Helper()
	if err := json.NewEncoder(p.in).Encode(map[string]any{"call": call, "offset": offset.Seconds()}); err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	if !p.out.Scan() {
		t.Fatalf("the program ended\n%s", p.log)
	}
	if err := json.Unmarshal(p.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}
