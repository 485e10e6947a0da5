package password

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"

	"guildhall/platform/fault"
)

func TestHashVerifiesOnlyItsPassword(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	phc, err := h.Hash(t.Context(), "zażółć gęślą")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash %q, %v", phc, err)
	}
	again, _ := h.Hash(t.Context(), "zażółć gęślą")
	if again == phc {
		t.Error("two hashes of one password are equal")
	}
	for text, want := range map[string]bool{
		"zażółć gęślą":                                     true,
		"zaz\u0307o\u0301łc\u0301 ge\u0328s\u0301la\u0328": true, // as macOS types it
		"zażółć gęśla":                                     false,
		"Zażółć gęślą":                                     false,
		"":                                                 false,
		strings.Repeat("a", 100_000):                       false,
	} {
		ok, rehash, err := h.Verify(t.Context(), phc, text)
		if err != nil || ok != want || rehash {
			t.Errorf("Verify(%.20q) is %v, rehash %v, %v", text, ok, rehash, err)
		}
	}
}

func TestVerifyAsksForARehashOfOtherCosts(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	old := params{memory: 1024, time: 1, threads: 1}
	salt := make([]byte, 16)
	phc := encode(old, salt, argon2.IDKey([]byte("a long password"), salt, old.time, old.memory, old.threads, 32))
	if ok, rehash, err := h.Verify(t.Context(), phc, "a long password"); !ok || !rehash || err != nil {
		t.Errorf("right: %v, %v, %v", ok, rehash, err)
	}
	if ok, rehash, err := h.Verify(t.Context(), phc, "a wrong password"); ok || rehash || err != nil {
		t.Errorf("wrong: %v, %v, %v", ok, rehash, err)
	}
}

// The decoy costs what a new hash does, and no text is its password.
func TestDecoyCostsWhatAVerifyDoes(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	p, salt, sum, err := decode(h.decoy)
	if err != nil || p != current || len(salt) != saltLen || len(sum) != hashLen {
		t.Fatalf("the decoy is %+v, %v", p, err)
	}
	if err := h.Decoy(t.Context(), "whatever it is"); err != nil {
		t.Error(err)
	}
}

func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	h := New(Options{Parallel: 1})
	h.running <- struct{}{} // somebody hashes
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	results := make(chan error, 1+waiting)
	for range 1 + waiting {
		wg.Go(func() {
			_, err := h.Hash(ctx, "a long password")
			results <- err
		})
	}
	for len(h.queue) < cap(h.queue) {
		select {
		case err := <-results:
			t.Fatalf("one did not wait: %v", err)
		default:
		}
	}
	if _, err := h.Hash(t.Context(), "one too many"); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	wg.Wait()
	for range 1 + waiting {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who went: %v", err)
		}
	}
	<-h.running
	if _, err := h.Hash(t.Context(), "there is room again"); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	for text, want := range map[string]string{
		"correct horse battery":      "",
		"四个不相干的词语放在一起":               "",
		"Tr0ub4dor&3xyz":             "",
		"anna likes long walks":      "",
		strings.Repeat("ab cd", 25):  "",
		"":                           "required",
		"short":                      "too_short",
		"九个字的密码太短了":                  "too_short",
		strings.Repeat("abcde ", 22): "too_long",
		"bad\xffbytes and more":      "not_text",
		"nul\x00byte and more":       "not_text",
		"1234567890":                 "password_common",
		"qwertyuiop":                 "password_common",
		"QwErTyUiOp":                 "password_common",
		"password123":                "password_common",
		"Password2026!":              "password_common",
		"!!dragon12":                 "password_common",
		"aaaaaaaaaaaa":               "password_common",
		"121212121212":               "password_common",
		"anna.nowak@example.com":     "password_personal",
		"Anna.Nowak@Example.com1":    "password_personal",
		"anna.nowak99":               "password_personal",
		"Anna Nowak":                 "password_personal",
		"nowaknowak":                 "password_personal",
		"ｎｏｗａｋｎｏｗａｋ":                 "password_personal",
	} {
		err := h.Check("new", text, "anna.nowak@example.com", "Anna Nowak")
		if want == "" {
			if err != nil {
				t.Errorf("%.30q: %v", text, err)
			}
			continue
		}
		fields := fault.As(err).Fields
		if len(fields) != 1 || fields[0].Name != "new" || fields[0].Code != want || strings.Contains(err.Error(), text) && text != "" {
			t.Errorf("%.30q: %+v, %v; want %s", text, fields, err, want)
		}
	}
}

func TestCommonListIsWhole(t *testing.T) {
	t.Parallel()
	if n := len(New(Options{}).common()); n < 10_000 {
		t.Errorf("the list has %d entries", n)
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=+8,t= 2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, phc string) {
		p, salt, sum, err := decode(phc)
		if err != nil {
			return
		}
		if encode(p, salt, sum) != phc || !bounded(p, salt, sum) {
			t.Errorf("%q decodes to %+v", phc, p)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	h := New(Options{})
	phc, err := h.Hash(b.Context(), "a long password")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if ok, _, err := h.Verify(b.Context(), phc, "a long password"); !ok || err != nil {
			b.Fatal(err)
		}
	}
}
