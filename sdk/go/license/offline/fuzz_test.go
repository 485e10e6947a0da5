package offline_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"guildhall/sdk/go/license/offline"
)

// Whatever is pasted: nothing but what was issued is accepted, and what can be read has
// one plain form, which its armour keeps.
func FuzzLicence(f *testing.F) {
	plain := issue(f, claims(), "new")
	f.Add(plain)
	f.Add(armour(f, plain))
	f.Add("> " + plain[:100])
	f.Fuzz(func(t *testing.T, text string) {
		l, err := offline.Verify(text, options())
		got, unreadable := offline.Plain(text)
		if err == nil && got != plain {
			t.Fatalf("accepted %+v", l)
		}
		if err != nil && offline.CodeOf(err) == "" {
			t.Fatal(err)
		}
		if unreadable != nil {
			return
		}
		if u, err := offline.Inspect(text); err == nil {
			_ = u.String()
			_ = u.Claims.Check()
		}
		if again, err := offline.Plain(armour(t, got)); err != nil || again != got {
			t.Fatalf("%v: %q, then %q", err, got, again)
		}
	})
}

// A request that passes its check can be issued, and is the same when it is read again.
func FuzzRequest(f *testing.F) {
	text, err := json.Marshal(request(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"v":1,"nodes":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := offline.ParseRequest(text)
		if err != nil {
			if offline.CodeOf(err) != offline.RequestWrong {
				t.Fatal(err)
			}
			return
		}
		if len(r.Check()) > 0 {
			return
		}
		c := r.Claims()
		c.LicenseID, c.IssuedAt, c.ExpiresAt = "lic_1", issued, expires
		for _, n := range r.Nodes {
			if n.PublicKey == "" {
				continue
			}
			if err := c.SealTo(n.Name, n.PublicKey, []byte("secret")); err != nil {
				t.Fatal(err)
			}
		}
		if found := c.Check(); len(found) > 0 {
			t.Fatal(found)
		}
	})
}

// A key set that is read is whole: its keys are all trusted, and it is the same when it is
// written and read again.
func FuzzKeySet(f *testing.F) {
	text, err := offline.NewKeySet("meter", public("new"), public("old")).Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"v":1,"product":"meter","keys":[{"id":"","public":""}]}`))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := offline.ParseKeySet(text)
		if err != nil {
			if offline.CodeOf(err) != offline.KeyFile {
				t.Fatal(err)
			}
			return
		}
		if s.Product == "" || len(s.Keys) == 0 || len(s.Trusted()) != len(s.Keys) {
			t.Fatalf("%+v", s)
		}
		out, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := offline.ParseKeySet(out)
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%v: %+v, then %+v", err, s, again)
		}
	})
}

// Whatever is typed for a code opens nothing but what it is for, and says why.
func FuzzCode(f *testing.F) {
	c := claims()
	code, err := c.SealToCode([]byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	l := &offline.Licence{Claims: c}
	f.Add(code)
	f.Add(strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	f.Add("OIL-\u00a0\u2013\u0131")
	f.Fuzz(func(t *testing.T, typed string) {
		secret, err := l.SecretByCode(typed)
		if err == nil && string(secret) != "secret" {
			t.Fatalf("opened %q", secret)
		}
		if why := offline.CodeOf(err); err != nil && why != offline.CodeTypo && why != offline.SecretClosed {
			t.Fatal(err)
		}
	})
}
