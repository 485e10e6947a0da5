package identity

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"guildhall/identity/internal/oauth"
)

// FuzzApplicationRequest reads the form and the header Authorization of a request of
// an application: what is wrong with it is the application's fault, told as RFC 6749
// tells it, and what is read is what was sent.
func FuzzApplicationRequest(f *testing.F) {
	for _, seed := range [][2]string{
		{"grant_type=client_credentials&scope=a", "Basic YTpi"},
		{"client_id=a&client_secret=b", ""},
		{"a=1&a=2", "Basic YTpiOmM="},
		{"resource=a&resource=b&a=", "Basic JTAwOiVmZg=="},
		{"a=%00", "Bearer x"}, {"a=%zz", "Basic !"}, {"%ff=1", "Basic Og=="}, {"a;b", "basic YTol"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequest(http.MethodPost, tokenPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		values, err := readForm(httptest.NewRecorder(), r)
		if err == nil {
			_, err = presented(r, values)
		}
		if err != nil {
			if status, e := statusOf(err); status >= 500 || e.Code != oauth.InvalidRequest && e.Code != oauth.InvalidClient {
				t.Errorf("%q, %q: %d %v", body, authorization, status, err)
			}
			return
		}
		sent, err := url.ParseQuery(body)
		for name, list := range values {
			if err != nil || strings.Join(list, "\x00") != strings.Join(sent[name], "\x00") || len(list) > 1 && name != "resource" {
				t.Errorf("%q was read as %v: %v", body, values, err)
			}
		}
	})
}
