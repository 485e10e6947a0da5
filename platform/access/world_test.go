package access_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/platform/access"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
	"guildhall/sdk/go/identity/revocation"
)

const (
	issuer   = "https://identity.guild.example.test"
	audience = "https://shop.guild.example.test"
	lease    = 30 * time.Second
)

// signer is a key of identity.
type signer struct {
	id, algorithm string
	private       crypto.Signer
}

func newSigner(t testing.TB, id, algorithm string) signer {
	t.Helper()
	s := signer{id: id, algorithm: algorithm}
	var err error
	switch algorithm {
	case "ES256":
		s.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, s.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		s.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	must(t, err)
	return s
}

// sign makes a token of any header and payload.
func (s signer) sign(t testing.TB, header map[string]any, claims any) string {
	t.Helper()
	head, err := json.Marshal(header)
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	input := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(s.signature(t, input))
}

func (s signer) signature(t testing.TB, input string) (signature []byte) {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	var err error
	switch key := s.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	case *ecdsa.PrivateKey:
		r, v, err := ecdsa.Sign(rand.Reader, key, digest[:])
		must(t, err)
		return append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
	default:
		signature, err = s.private.Sign(rand.Reader, digest[:], crypto.SHA256)
		must(t, err)
		return signature
	}
}

func (s signer) token(t testing.TB, typ string, claims any) string {
	t.Helper()
	return s.sign(t, map[string]any{"alg": s.algorithm, "kid": s.id, "typ": typ}, claims) // in the order in which identity writes it
}

func keySet(t testing.TB, all ...signer) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, s := range all {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.private.Public(), KeyID: s.id, Algorithm: s.algorithm, Use: "sig"})
	}
	text, err := json.Marshal(set)
	must(t, err)
	return text
}

// identity is the service behind the internal listener, as a script: each stream
// gets the lines that stand in lines, and then those that are said.
type identity struct {
	clock *guildtest.Clock
	key   signer

	mu    sync.Mutex
	keys  []byte
	away  bool
	went  bool
	lines []string
	out   map[chan string]bool
	after []string
	asked int // for the keys
}

func newIdentity(t testing.TB) *identity {
	t.Helper()
	i := &identity{clock: guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)), key: newSigner(t, "key_1", "EdDSA"), out: map[chan string]bool{}}
	i.keys = keySet(t, i.key)
	return i
}

// line is one as identity signs it at present.
func (i *identity) line(t testing.TB, base, seq uint64, change func(*revocation.Line), entries ...revocation.Entry) string {
	t.Helper()
	now := i.clock.Now()
	i.mu.Lock()
	l := revocation.Line{Version: revocation.Version, Issuer: issuer, Keys: revocation.KeysHash(i.keys), Base: base, Sequence: seq, Entries: entries,
		Issued: now.UnixMicro(), StaleAfter: now.Add(lease).UnixMicro()}
	i.mu.Unlock()
	if change != nil {
		change(&l)
	}
	return i.key.token(t, revocation.TypeRevocations, l)
}

// entry revokes at present.
func (i *identity) entry(seq uint64, kind revocation.Kind, subject string) revocation.Entry {
	now := i.clock.Now()
	return revocation.Entry{Seq: seq, Kind: kind, Subject: subject, MadeAt: now.UnixMicro(), ExpiresAt: now.Add(time.Hour).UnixMicro()}
}

// begin is what streams begin with from now on; say sends to those that are open.
func (i *identity) begin(lines ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lines = lines
}

func (i *identity) say(line string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for out := range i.out {
		out <- line
	}
}

// leave ends all streams and refuses new ones; come is the opposite.
func (i *identity) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away = true
	for out := range i.out {
		close(out)
	}
	i.out = map[chan string]bool{}
}

func (i *identity) come() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away = false
}

// RoundTrip implements http.RoundTripper: the internal listener.
func (i *identity) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if base, ok := strings.CutPrefix(r.URL.String(), peer.URL("identity")); !ok || r.Method != http.MethodGet {
		return nil, fmt.Errorf("called %s", base)
	}
	answer := func(status int, body io.ReadCloser) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: body, Request: r}, nil
	}
	switch {
	case i.away:
		return nil, fmt.Errorf("identity is away")
	case r.URL.Path == access.PathKeys:
		i.asked++
		return answer(http.StatusOK, io.NopCloser(strings.NewReader(string(i.keys))))
	case i.went:
		p, _ := json.Marshal(fault.Problem{Code: revocation.CodeWentBack, Detail: "lost"})
		return answer(http.StatusConflict, io.NopCloser(strings.NewReader(string(p))))
	}
	i.after = append(i.after, r.URL.Query().Get("after"))
	lines := append([]string(nil), i.lines...)
	out := make(chan string, 64)
	i.out[out] = true
	body, w := io.Pipe()
	go func() {
		defer func() { _ = w.Close() }()
		for _, line := range lines {
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return
			}
		}
		for {
			select {
			case line, ok := <-out:
				if !ok {
					return
				}
				if _, err := io.WriteString(w, line+"\n"); err != nil {
					return
				}
			case <-r.Context().Done():
				_ = w.CloseWithError(r.Context().Err())
				return
			}
		}
	}()
	return answer(http.StatusOK, body)
}

// follower is a service that follows identity.
type follower struct {
	access.Set
	verifier access.Verifier
	log      *buffer
}

type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (i *identity) follow(t testing.TB) *follower {
	t.Helper()
	f := &follower{Set: access.NewSet(0, i.clock.Now), log: &buffer{}}
	f.verifier = access.Verifier{Set: f.Set, Now: i.clock.Now}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		run := access.Follower{Set: f.Set, Client: &http.Client{Transport: i}, Log: slog.New(slog.NewTextHandler(f.log, nil))}
		if err := run.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return f
}

// eventually waits until it is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
