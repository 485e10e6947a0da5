package factor

import (
	"encoding/base32"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	virtual "github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/pquerna/otp/totp"
	"pgregory.net/rapid"

	"guildhall/identity/internal/store"
	"guildhall/platform/seal"
)

// A code is accepted if its step is the present one or a neighbour and newer
// than the last one used, and not otherwise.
func TestFreshIsNewAndNear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := &Desk{key: seal.NewKey("identity")}
		secret := rapid.SliceOfN(rapid.Byte(), secretLen, secretLen).Draw(r, "secret")
		now := time.Unix(rapid.Int64Range(1e6, 1e11).Draw(r, "now"), 0)
		last := step(now) + rapid.Int64Range(-4, 4).Draw(r, "last")
		shown := step(now) + rapid.Int64Range(-3, 3).Draw(r, "shown")
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
		code := codeOf(r, text, shown)
		for s := step(now) - window; s <= step(now)+window; s++ {
			if s != shown && codeOf(r, text, s) == code {
				return // by chance another step has the code too
			}
		}
		at, err := d.fresh(store.TOTP{Account: "a", Secret: d.key.Seal(totpName("a"), secret), LastStep: last}, code, now)
		var want error
		switch {
		case max(shown-step(now), step(now)-shown) > window:
			want = ErrCode
		case shown <= last:
			want = ErrCodeUsed
		}
		if !errors.Is(err, want) || err == nil && at != shown {
			r.Fatalf("step %d now %d last %d: %d, %v and not %v", shown, step(now), last, at, err, want)
		}
	})
}

func codeOf(r *rapid.T, secret string, s int64) string {
	code, err := totp.GenerateCode(secret, time.Unix(s*30, 0))
	if err != nil {
		r.Fatal(err)
	}
	return code
}

// However a recovery code is written down, it is the same.
func TestRecoveryCodesAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := recoveryEncoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), recoveryLen, recoveryLen).Draw(r, "code"))
		var typed strings.Builder
		for _, c := range grouped(text, "-") {
			alike := map[rune][]string{'0': {"0", "o", "O"}, '1': {"1", "i", "I", "l", "L"}, '-': {"-", " ", "", " - "}}[c]
			if alike == nil {
				alike = []string{string(c), strings.ToUpper(string(c))}
			}
			typed.WriteString(rapid.SampledFrom(alike).Draw(r, "character"))
		}
		if got, ok := cleanRecovery(typed.String()); !ok || got != text {
			r.Fatalf("%q is %q, %t", typed.String(), got, ok)
		}
	})
}

func FuzzCodes(f *testing.F) {
	for _, seed := range []string{"", "123456", "123 456", " 12-34-56 ", "１２３４５６", "abcd-efgh-jkmn-pqrs", "OIL0-0000-0000-0000", "\xff\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if code, ok := cleanCode(typed); ok && (len(code) != digits || strings.Trim(code, "0123456789") != "") {
			t.Errorf("%q became the code %q", typed, code)
		}
		code, ok := cleanRecovery(typed)
		if !ok {
			return
		}
		raw, err := recoveryEncoding.DecodeString(code)
		if err != nil || len(raw) != recoveryLen || recoveryEncoding.EncodeToString(raw) != code {
			t.Errorf("%q became the recovery code %q: %v", typed, code, err)
		}
	})
}

// fuzzed is a desk without a database, and what it asked.
func fuzzed(f *testing.F) (d *Desk, cookie string, s state) {
	f.Helper()
	d, err := New(Options{Key: seal.NewKey("identity"), Domain: "example.com", Origin: "https://identity.example.com", Product: "x",
		Now: func() time.Time { return time.Unix(1e9, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	if cookie, err = d.sealState(forAdding, "usr_a", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); err != nil {
		f.Fatal(err)
	}
	if s, err = d.openState(cookie, forAdding, "usr_a"); err != nil {
		f.Fatal(err)
	}
	return d, cookie, s
}

func FuzzState(f *testing.F) {
	d, cookie, genuine := fuzzed(f)
	f.Add(cookie)
	f.Add(cookie + "A")
	f.Add("")
	f.Add("eyJrIjoiYWRkIn0")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := d.openState(text, forAdding, "usr_a"); !errors.Is(err, ErrPasskey) && s != genuine {
			t.Errorf("%q is the state %+v: %v", text, s, err)
		}
	})
}

// Nobody signs by chance: whatever a browser answers is refused, and as ErrPasskey.
func FuzzAnswers(f *testing.F) {
	d, cookie, s := fuzzed(f)
	rp := virtual.RelyingParty{ID: "example.com", Name: "x", Origin: "https://identity.example.com"}
	auth, cred := virtual.NewAuthenticator(), virtual.NewCredential(virtual.KeyTypeEC2)
	f.Add([]byte(virtual.CreateAttestationResponse(rp, auth, cred, virtual.AttestationOptions{Challenge: []byte("another question")})))
	f.Add([]byte(virtual.CreateAssertionResponse(rp, auth, cred, virtual.AssertionOptions{Challenge: []byte("another question")})))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA","authenticatorData":"AA","signature":"AA"}}`))
	row := rowOf(f, cred)
	f.Fuzz(func(t *testing.T, answer []byte) {
		if c, err := d.created("usr_a", cookie, answer); !errors.Is(err, ErrPasskey) {
			t.Errorf("%q makes %+v: %v", answer, c, err)
		}
		parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
		if err != nil {
			return
		}
		parsed.RawID = row.CredentialID
		if c, err := d.verify(s, row, parsed); !errors.Is(err, ErrPasskey) {
			t.Errorf("%q signs in with %+v: %v", answer, c, err)
		}
	})
}

func rowOf(f *testing.F, cred virtual.Credential) store.Passkey {
	f.Helper()
	text, err := json.Marshal(webauthn.Credential{ID: cred.ID, PublicKey: cred.Key.AttestationData()})
	if err != nil {
		f.Fatal(err)
	}
	return store.Passkey{ID: "pky_a", Account: "usr_a", CredentialID: cred.ID, Credential: string(text)}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Domain: "example.com:8443", Origin: "https://example.com"}, {Domain: "https://example.com/x", Origin: "https://example.com"}, {Domain: "192.0.2.1", Origin: "https://192.0.2.1"}} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), o.Domain) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
