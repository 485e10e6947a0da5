package peer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/peer"
)

// joins tries to join and returns the identity's serial number, and the error.
func (w *world) joins(t *testing.T, p plan) (*process, error) {
	t.Helper()
	pr, _, a := w.prepare(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	return pr, pr.Join(ctx, a, p.services)
}

func TestRestartKeepsTheCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := plan{services: []string{"bank"}, dir: t.TempDir(), tokens: map[string]string{"bank": w.token(t, "bank")}}
	first, err := w.joins(t, p)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(p.dir, "bank.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's file: %v, %v", info.Mode(), err)
	}
	again, err := w.joins(t, p) // with a token that is used up
	if err != nil || again.As("bank").Serial() != first.As("bank").Serial() {
		t.Fatalf("another certificate: %v", err)
	}
}

func TestRestartRenewsWhenTwoThirdsAreOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := plan{services: []string{"bank"}, dir: t.TempDir(), tokens: map[string]string{"bank": w.token(t, "bank")}}
	first, err := w.joins(t, p)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(t, 20*time.Hour)
	again, err := w.joins(t, plan{services: p.services, dir: p.dir}) // without a token
	if err != nil || again.As("bank").Serial() == first.As("bank").Serial() {
		t.Fatalf("the same certificate: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "bank.pem"))
	if err != nil || strings.Count(string(text), "BEGIN PRIVATE KEY") != 1 {
		t.Fatalf("the file: %v", err)
	}
}

// A service that cannot get a certificate says why and what to do, and no token
// stands in what it says.
func TestJoinRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(t, "bank")
	dir := t.TempDir()
	if _, err := w.joins(t, plan{services: []string{"bank"}, dir: dir, tokens: map[string]string{"bank": token}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.authority.Revoke(w.authority.Newest("bank")); err != nil {
		t.Fatal(err)
	}
	expired := t.TempDir()
	if _, err := w.joins(t, plan{services: []string{"shop"}, dir: expired, tokens: map[string]string{"shop": w.token(t, "shop")}}); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "bank.pem"), []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	strange := newWorld(t).token(t, "bank")
	for name, c := range map[string]struct {
		p    plan
		want []string
	}{
		"no token":               {plan{services: []string{"bank"}}, []string{"no join token is configured", "guildhall ca token create bank", "peers.join_tokens.bank"}},
		"used token":             {plan{services: []string{"bank"}, tokens: map[string]string{"bank": token}}, []string{"not good for bank", "guildhall ca token create bank"}},
		"token of another":       {plan{services: []string{"bank"}, tokens: map[string]string{"bank": w.token(t, "chat")}}, []string{"not good for bank"}},
		"revoked":                {plan{services: []string{"bank"}, dir: dir}, []string{"revoked", "guildhall ca token create bank"}},
		"revoked, used token":    {plan{services: []string{"bank"}, dir: dir, tokens: map[string]string{"bank": token}}, []string{"revoked", "guildhall ca token create bank"}},
		"damaged file":           {plan{services: []string{"bank"}, dir: damaged}, []string{"damaged", "remove", "bank.pem"}},
		"another authority's":    {plan{services: []string{"bank"}, tokens: map[string]string{"bank": strange}}, []string{"not the one that made this join token"}},
		"nobody at that address": {plan{services: []string{"bank"}, tokens: map[string]string{"bank": w.token(t, "bank")}, urls: map[string]string{}}, []string{"connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			target := w
			if c.p.urls != nil {
				target = &world{authority: w.authority, clock: w.clock, ca: &process{addr: "127.0.0.1:1"}}
			}
			_, err := target.joins(t, c.p)
			if err == nil {
				t.Fatal("joined")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: lacks %q", err, part)
				}
			}
			for _, text := range c.p.tokens {
				if secret := strings.Split(text, ".")[2]; strings.Contains(err.Error(), secret) {
					t.Errorf("shows the token's secret: %v", err)
				}
			}
		})
	}
	w.pass(t, 25*time.Hour)
	if _, err := w.joins(t, plan{services: []string{"shop"}, dir: expired}); err == nil || !errors.Is(err, peer.ErrNoCertificate) {
		t.Fatalf("expired: %v", err)
	}
	if _, err := w.joins(t, plan{services: []string{"shop"}, dir: expired, tokens: map[string]string{"shop": w.token(t, "shop")}}); err != nil {
		t.Fatalf("expired, with a token: %v", err)
	}
}

func TestRevokedServiceComesBackByAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	first, err := w.joins(t, plan{services: []string{"bank"}, dir: dir, tokens: map[string]string{"bank": w.token(t, "bank")}})
	if err != nil {
		t.Fatal(err)
	}
	w.revoke(t, "bank", w.ca)
	again, err := w.joins(t, plan{services: []string{"bank"}, dir: dir, tokens: map[string]string{"bank": w.token(t, "bank")}})
	if err != nil || again.As("bank").Serial() == first.As("bank").Serial() {
		t.Fatalf("with a new token: %v", err)
	}
}

// In the authority's own process no token is needed, until a revocation: a
// restart must not undo it.
func TestRestartDoesNotUndoARevocationInProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := plan{services: []string{"bank"}, dir: t.TempDir(), local: true}
	if _, err := w.joins(t, p); err != nil {
		t.Fatal(err)
	}
	w.revoke(t, "bank")
	if _, err := w.joins(t, p); !errors.Is(err, peer.ErrNoCertificate) || !strings.Contains(err.Error(), "revoked") {
		t.Fatalf("after the revocation: %v", err)
	}
	p.tokens = map[string]string{"bank": w.token(t, "bank")}
	if _, err := w.joins(t, p); err != nil {
		t.Fatalf("with a token: %v", err)
	}
}

func TestReadableKeyIsClosedWithAWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := plan{services: []string{"bank"}, dir: t.TempDir(), local: true}
	if _, err := w.joins(t, p); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.dir, "bank.pem")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := w.joins(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	wantLog(t, again, "level=WARN", "could read the private key")
}

// A data directory that met another authority enrols anew in process.
func TestAnotherAuthorityInProcess(t *testing.T) {
	t.Parallel()
	p := plan{services: []string{"bank"}, dir: t.TempDir(), local: true}
	if _, err := newWorld(t).joins(t, p); err != nil {
		t.Fatal(err)
	}
	if _, err := newWorld(t).joins(t, p); err != nil {
		t.Fatal(err)
	}
}

func TestServerCertificateAndRoots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	roots, err := bank.Authority().Roots()
	if err != nil || len(roots) != 1 || !roots[0].Equal(w.authority.Root) || bank.Root() != nil || !w.ca.Root().Equal(w.authority.Root) {
		t.Fatalf("roots %v, %v", roots, err)
	}
	b, err := bank.Authority().ServerCertificate(t.Context(), request(t, "bank.example.com"))
	if err != nil || len(b.Chain) != 2 {
		t.Fatalf("%v", err)
	}
	if _, err := bank.Authority().Renew(t.Context(), request(t, peer.Name("shop"))); err == nil {
		t.Fatal("the bank renewed the shop's certificate")
	}
}

func TestNodeOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := peer.NewNode(peer.NodeOptions{URLs: map[string]string{"bank": "http://bank", "shop": "https://ok:1"}, Tokens: map[string]string{"bank": "guess"}})
	if f := fault.As(err); len(f.Fields) != 2 || f.Fields[0].Name != "peers.join_tokens.bank" || f.Fields[1].Name != "peers.urls.bank" {
		t.Fatalf("got %+v", f.Fields)
	}
	n, err := peer.NewNode(peer.NodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Remote(); err == nil || !strings.Contains(err.Error(), "peers.urls.ca") {
		t.Fatalf("a remote authority without an address: %v", err)
	}
}

// TestAskingWhileJoining asks for what "guildhall status" shows of a process that
// is still joining; the race detector judges.
func TestAskingWhileJoining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pr, _, a := w.prepare(t, plan{services: []string{"bank"}, local: true})
	joined := make(chan error, 1)
	go func() { joined <- pr.Join(t.Context(), a, []string{"bank"}) }()
	for {
		select {
		case err := <-joined:
			if err != nil || pr.Root() == nil || pr.Health() != nil {
				t.Errorf("joined: %v, root %v, health %v", err, pr.Root(), pr.Health())
			}
			return
		default:
			_, _ = pr.Root(), pr.Health() // whatever they are by now
		}
	}
}
