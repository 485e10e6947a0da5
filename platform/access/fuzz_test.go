package access_test

import (
	"encoding/json"
	"testing"

	sdk "guildhall/sdk/go/identity"
	"guildhall/sdk/go/identity/revocation"
)

// FuzzLine opens lines whose signature is good: what is let through can be, whoever
// has written it.
func FuzzLine(f *testing.F) {
	i := newIdentity(f)
	keys, err := sdk.ParseKeySet(i.keys)
	must(f, err)
	for _, text := range []string{
		`{"v":1,"iss":"i","keys":"k","base":0,"seq":2,"issued":1,"stale_after":2,"entries":[{"seq":1,"kind":"token","sub":"a","at":1,"exp":2}]}`,
		`{"v":1,"iss":"i","keys":"k","base":3,"seq":2,"issued":1,"stale_after":2}`,
		`{"v":1,"iss":"i","keys":"k","issued":9223372036854775807,"stale_after":-9223372036854775808}`,
		`{"v":1,"iss":"i","keys":"k","seq":18446744073709551615,"issued":1,"stale_after":9223372036854775807}`,
		`[]`, `{"v":1} {}`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		l, err := revocation.OpenLine(i.key.token(t, revocation.TypeRevocations, json.RawMessage(raw(payload))), keys)
		if err != nil {
			return
		}
		if l.StaleAfter <= l.Issued || l.StaleAfter-l.Issued > 24*3600*1e6 || l.Base > l.Sequence || l.Issuer == "" {
			t.Errorf("let through: %+v", l)
		}
		last := l.Base
		for _, e := range l.Entries {
			if e.Seq <= last || e.Seq > l.Sequence || e.Subject == "" || e.ExpiresAt < e.MadeAt {
				t.Errorf("let through: %+v", e)
			}
			last = e.Seq
		}
	})
}

// raw is what can be signed as it stands: JSON, or else a string of it.
func raw(text []byte) []byte {
	if json.Valid(text) {
		return text
	}
	quoted, _ := json.Marshal(string(text)) // never fails
	return quoted
}
