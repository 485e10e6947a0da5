package clientauth

import (
	"encoding/base64"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4/json"

	"guildhall/identity/internal/client"
)

func TestAudiences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{`"a"`: {"a"}, `["a","b"]`: {"a", "b"}, `[]`: nil, `7`: nil, `{"a":"b"}`: nil, `[7]`: nil, `null`: {""}} {
		var got audience
		err := json.Unmarshal([]byte(text), &got)
		if bad := text == `7` || text == `{"a":"b"}` || text == `[7]`; bad != (err != nil) || !bad && !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// FuzzAssertion has assertions of strangers: they are read, and none is good.
func FuzzAssertion(f *testing.F) {
	encode := base64.RawURLEncoding.EncodeToString
	f.Add(encode([]byte(`{"alg":"ES256"}`)) + "." + encode([]byte(`{"sub":"app_1","iss":"app_1","aud":["x"],"exp":1e9,"jti":"x"}`)) + ".AAAA")
	f.Add("a.b.c")
	f.Add(encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(`{"sub":"app_1"}`)) + ".")
	registered := &client.Client{ID: "app_1", Metadata: client.Metadata{JWKS: []byte(`{"keys":[{"kty":"EC","crv":"P-256",
		"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`)}}
	if len(keys(registered)) != 1 {
		f.Fatal("the key cannot be read")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := subject(text); (id == "") != (err != nil) {
			t.Fatalf("subject %q, %v", id, err)
		}
		if _, why := verified(registered, text); why == "" {
			t.Fatalf("%q is signed by a key that nobody has here", text)
		}
	})
}
