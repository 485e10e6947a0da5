package revocation

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// issuer answers as identity does, one answer after the other, each made when it is asked for.
type issuer struct {
	*httptest.Server
	key     ed25519.PrivateKey
	keys    string
	answers chan func(after string) (status int, body string)
	asked   chan string // each "after" whose answer was made
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{answers: make(chan func(string) (int, string)), asked: make(chan string, 64)}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.key = private
	i.keys = `{"keys":[{"kty":"OKP","kid":"k","alg":"EdDSA","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}]}`
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/jwks" {
			_, _ = io.WriteString(w, i.keys)
			return
		}
		id, secret, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != Path || id != "app_1" || secret != "s+3%2F" { // encoded as in a form
			http.Error(w, "not asked so", http.StatusTeapot)
			return
		}
		after := r.PostFormValue("after")
		select {
		case answer := <-i.answers:
			status, body := answer(after)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			i.asked <- after
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// line is signed at present.
func (i *issuer) line(t *testing.T, base, seq uint64, more bool, entries ...Entry) string {
	t.Helper()
	now := time.Now()
	payload, err := json.Marshal(Line{Version: Version, Issuer: i.URL, Keys: KeysHash([]byte(i.keys)), Base: base, Sequence: seq, Entries: entries, More: more,
		Issued: now.UnixMicro(), StaleAfter: now.Add(DefaultLease).UnixMicro()})
	if err != nil {
		t.Fatal(err)
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"k","typ":"`+TypeRevocations+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.key, []byte(input)))
}

// says is an answer of lines.
func says(lines ...string) func(string) (int, string) {
	text, _ := json.Marshal(Answer{lines}) // never fails
	return func(string) (int, string) { return http.StatusOK, string(text) }
}

// gives answers one question, and waits until the next is there or the verifier has its trouble.
func (i *issuer) gives(t *testing.T, answer func(string) (int, string)) (after string) {
	t.Helper()
	select {
	case i.answers <- answer:
	case <-time.After(time.Minute):
		t.Fatal("nobody asks")
	}
	return <-i.asked
}

func revoked(seq uint64, id string) Entry {
	now := time.Now()
	return Entry{Seq: seq, Kind: KindToken, Subject: id, MadeAt: now.UnixMicro(), ExpiresAt: now.Add(time.Hour).UnixMicro()}
}

func TestFollowing(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	trouble := make(chan error, 64)
	v := NewVerifier(Options{Issuer: i.URL, Audience: "a", ClientID: "app_1", Secret: "s 3/", HTTP: i.Client(), Trouble: func(err error) { trouble <- err }})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	defer func() { cancel(); running.Wait() }()
	// after asserts from where the next question asks on: then the last answer was taken in.
	next := func(want string, answer func(string) (int, string)) {
		t.Helper()
		if got := i.gives(t, answer); got != want {
			t.Fatalf("asked from %s on, want %s", got, want)
		}
	}
	fails := func(text string) {
		t.Helper()
		if err := <-trouble; !strings.Contains(err.Error(), text) {
			t.Fatalf("trouble %q, want %q", err, text)
		}
	}
	has := func(id string, want error) {
		t.Helper()
		if err := v.set.Check(Token{ID: id}); !errors.Is(err, want) {
			t.Fatalf("%s: %v, want %v", id, err, want)
		}
	}

	next("0", says(i.line(t, 0, 5, true, revoked(5, "a"))))
	next("5", func(after string) (int, string) {
		has("a", ErrStale) // a part counts for nothing
		return says(i.line(t, 5, 7, true, revoked(7, "b")), i.line(t, 7, 9, false, revoked(9, "c")))(after)
	})
	next("9", func(after string) (int, string) {
		has("a", ErrRevoked)
		has("c", ErrRevoked)
		has("d", nil)
		return http.StatusServiceUnavailable, `{"error":"temporarily_unavailable","error_description":"Later."}`
	})
	fails("503 Service Unavailable: temporarily_unavailable Later.")
	next("9", func(string) (int, string) { return http.StatusBadGateway, "<html>" })
	fails("502 Bad Gateway")
	next("9", func(string) (int, string) { return http.StatusOK, `{"lines":[]}` })
	fails("cannot be read")
	next("9", says(i.line(t, 11, 12, false, revoked(12, "d"))))
	fails(ErrGap.Error())
	next("0", says(i.line(t, 0, 8, false))) // begins anew, and takes nothing back
	fails(ErrRolledBack.Error())
	next("0", func(string) (int, string) {
		return http.StatusBadRequest, `{"error":"` + CodeWentBack + `"}`
	})
	fails(ErrRolledBack.Error())
	next("0", says(i.line(t, 0, 12, false, revoked(12, "d"))))
	next("12", func(after string) (int, string) {
		has("d", ErrRevoked)
		return says(strings.Replace(i.line(t, 12, 13, false), ".", ".e", 1))(after)
	})
	fails(ErrForged.Error())
	has("c", ErrRevoked)
	has("e", nil)
}

func TestNothingHeard(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.Close()
	trouble := make(chan error, 64)
	v := NewVerifier(Options{Issuer: i.URL, Audience: "a", ClientID: "app_1", Secret: "s", HTTP: i.Client(), Trouble: func(err error) {
		select {
		case trouble <- err:
		default:
		}
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	defer func() { cancel(); running.Wait() }()
	if err := <-trouble; !strings.Contains(err.Error(), "follow identity's revocations") {
		t.Error(err)
	}
	if _, err := v.Verify("a.b.c"); !errors.Is(err, ErrStale) {
		t.Error(err)
	}
}
