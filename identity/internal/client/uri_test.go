package client_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"guildhall/identity/internal/client"
)

func with(t testing.TB, kind, uri string) client.Metadata {
	t.Helper()
	m := preset(t, kind)
	m.RedirectURIs = []string{uri}
	return m
}

func TestRedirectURIsThatAreRegistered(t *testing.T) {
	t.Parallel()
	good := []struct {
		kind, uri   string
		development bool
	}{
		{client.Web, "https://shop.example.org/back", false},
		{client.Web, "https://shop.example.org", false},
		{client.Web, "https://shop.example.org/", false},
		{client.Web, "https://shop.example.org:8443/back?tenant=1&x=%20", false},
		{client.Web, "https://xn--bcher-kva.example/r%C3%BCck", false},
		{client.Web, "https://192.0.2.7/back", false},
		{client.Web, "https://[2001:db8::1]:8443/back", false},
		{client.Web, "https://intranet/back", false},
		{client.Web, "https://shop.example.org/a..b/c...d", false},
		{client.Web, "https://shop.example.org/@back", false},
		{client.SPA, "https://app.example.org/", false},
		{client.Web, "http://localhost:3000/back", true},
		{client.SPA, "http://app.localhost/back", true},
		{client.Web, "http://127.0.0.1:3000/back", true},
		{client.Native, "http://127.0.0.1/back", false},
		{client.Native, "http://127.0.0.1:7777/back", false},
		{client.Native, "http://[::1]/back", false},
		{client.Native, "org.example.shop:/back", false},
		{client.Native, "org.example.shop://back", false},
		{client.Native, "org.example.shop:///back?x=1", false},
		{client.Native, "https://app.example.org/back", false},
	}
	for _, test := range good {
		if err := client.Check(with(t, test.kind, test.uri), test.development); err != nil {
			t.Errorf("%s %s: %v", test.kind, test.uri, err)
		}
	}
	bad := []struct{ kind, uri string }{
		// not absolute, or not https
		{client.Web, ""},
		{client.Web, "/back"},
		{client.Web, "//shop.example.org/back"},
		{client.Web, "shop.example.org/back"},
		{client.Web, "https:shop.example.org/back"},
		{client.Web, "https:/shop.example.org/back"},
		{client.Web, "https:///back"},
		{client.Web, "https://"},
		{client.Web, "HTTPS://shop.example.org/back"},
		{client.Web, "ftp://shop.example.org/back"},
		{client.Web, "http://shop.example.org/back"},
		{client.Web, "http://localhost/back"},
		{client.Web, "http://app.localhost/back"},
		{client.Web, "http://127.0.0.1/back"},
		{client.SPA, "http://[::1]/back"},
		{client.Native, "http://localhost/back"},
		{client.Native, "http://127.0.0.2/back"},
		{client.Native, "http://127.1/back"},
		{client.Native, "http://0x7f000001/back"},
		{client.Native, "http://2130706433/back"},
		{client.Native, "http://127.0.0.1.evil.example/back"},
		{client.Native, "http://127.0.0.1@evil.example/back"},
		{client.Native, "http://[::ffff:127.0.0.1]/back"},
		{client.Native, "http://[0:0:0:0:0:0:0:1]/back"},
		{client.Native, "http://[::1%25eth0]/back"},
		// schemes
		{client.Web, "org.example.shop:/back"},
		{client.SPA, "org.example.shop:/back"},
		{client.Native, "shop:/back"},
		{client.Native, "javascript:alert(1)"},
		{client.Native, "javascript://x/%0aalert(1)"},
		{client.Native, "data:text/html,x"},
		{client.Native, "file:///etc/passwd"},
		{client.Native, "vbscript:/x"},
		{client.Native, "blob:https://shop.example.org/x"},
		{client.Native, "urn:ietf:wg:oauth:2.0:oob"},
		{client.Native, "org.example.shop:back"},
		{client.Native, "org.example.shop:"},
		{client.Native, "org.example.shop://"},
		{client.Native, "Org.Example.Shop:/back"},
		{client.Native, "org..shop:/back"},
		{client.Native, "org.example.shop://x@y/back"},
		{client.Native, "org.example.shop://x:80/back"},
		// user, fragment, wildcard
		{client.Web, "https://shop.example.org@evil.example/back"},
		{client.Web, "https://user:password@shop.example.org/back"},
		{client.Web, "https://@shop.example.org/back"},
		{client.Web, "https://shop.example.org/back#"},
		{client.Web, "https://shop.example.org/back#part"},
		{client.Web, "https://*.example.org/back"},
		{client.Web, "https://shop.example.org/*"},
		{client.Web, "https://shop.example.org/back?*"},
		// steps and encodings
		{client.Web, "https://shop.example.org/../back"},
		{client.Web, "https://shop.example.org/a/.."},
		{client.Web, "https://shop.example.org/./back"},
		{client.Web, "https://shop.example.org/%2e%2e/back"},
		{client.Web, "https://shop.example.org/%2E./back"},
		{client.Web, "https://shop.example.org/a%2f..%2fback"},
		{client.Web, "https://shop.example.org/..%5cback"},
		{client.Web, "https://shop.example.org/%252e%252e/back"},
		{client.Web, "https://shop.example.org/%00"},
		{client.Web, "https://shop.example.org/%0d%0aSet-Cookie:x"},
		{client.Web, "https://shop.example.org/%zz"},
		// characters
		{client.Web, `https://shop.example.org\back`},
		{client.Web, `https://shop.example.org\@evil.example/`},
		{client.Web, "https://shop.example.org/ba ck"},
		{client.Web, " https://shop.example.org/back"},
		{client.Web, "https://shop.example.org/back\n"},
		{client.Web, "https://shop.exa\tmple.org/back"},
		{client.Web, "https://shop.example.org/b\x00"},
		{client.Web, "https://shop.example.org/<x>"},
		{client.Web, `https://shop.example.org/"x"`},
		{client.Web, "https://bücher.example/back"},
		{client.Web, "https://shop.example。org/back"},
		// hosts
		{client.Web, "https://Shop.example.org/back"},
		{client.Web, "https://shop..example.org/back"},
		{client.Web, "https://.example.org/back"},
		{client.Web, "https://-shop.example.org/back"},
		{client.Web, "https://shop.example.org./back"},
		{client.Web, "https://shop_1.example.org/back"},
		{client.Web, "https://shop%2eexample.org/back"},
		{client.Web, "https://0300.0.2.7/back"},
		{client.Web, "https://1.2.3/back"},
		{client.Web, "https://shop.example.0x1/back"},
		{client.Web, "https://[2001:DB8::1]/back"},
		{client.Web, "https://[2001:db8::1/back"},
		{client.Web, "https://" + strings.Repeat("a", 64) + ".example/back"},
		{client.Web, "https://shop.example.org:/back"},
		{client.Web, "https://shop.example.org:0/back"},
		{client.Web, "https://shop.example.org:0443/back"},
		{client.Web, "https://shop.example.org:65536/back"},
		{client.Web, "https://shop.example.org:x/back"},
		{client.Web, "https://shop.example.org:443:443/back"},
		// what the answer brings, and length
		{client.Web, "https://shop.example.org/back?code=1"},
		{client.Web, "https://shop.example.org/back?x=1&st%61te=2"},
		{client.Web, "https://shop.example.org/back?iss=https://evil.example"},
		{client.Web, "https://shop.example.org/back?x=1;code=2"},
		{client.Web, "https://shop.example.org/" + strings.Repeat("a", 1000)},
	}
	for _, test := range bad {
		err := client.Check(with(t, test.kind, test.uri), false)
		if !slices.Equal(fields(err), []string{"redirect_uris[0]"}) {
			t.Errorf("%s %q: %v", test.kind, test.uri, err)
		}
	}
	if n := len(good) + len(bad); n < 60 {
		t.Errorf("only %d URIs", n)
	}
}

func TestRedirectURIsThatMatch(t *testing.T) {
	t.Parallel()
	const web, native, six = "https://shop.example.org/back?x=1", "http://127.0.0.1/back", "http://[::1]:7000/back"
	for _, test := range []struct {
		kind, registered, asked string
		want                    bool
	}{
		{client.Web, web, web, true},
		{client.Web, web, "", false},
		{client.Web, web, "https://shop.example.org/back", false},
		{client.Web, web, web + "&y=2", false},
		{client.Web, web, web + "#", false},
		{client.Web, web, "https://shop.example.org:443/back?x=1", false},
		{client.Web, web, "https://SHOP.example.org/back?x=1", false},
		{client.Web, web, "https://shop.example.org/back/?x=1", false},
		{client.Web, web, "https://shop.example.org/./back?x=1", false},
		{client.Web, web, "https://shop.example.org/%62ack?x=1", false},
		{client.Web, web, "https://shop.example.org.evil.example/back?x=1", false},
		{client.Web, web, "https://shop.example.org@evil.example/back?x=1", false},
		{client.Web, web, "http://shop.example.org/back?x=1", false},
		{client.Web, web, " " + web, false},
		{client.Web, web, web + "\x00", false},
		{client.Web, native, native, true},
		{client.Web, native, "http://127.0.0.1:5000/back", false},
		{client.Native, native, native, true},
		{client.Native, native, "http://127.0.0.1:5000/back", true},
		{client.Native, native, "http://127.0.0.1:65535/back", true},
		{client.Native, native, "http://127.0.0.1:/back", false},
		{client.Native, native, "http://127.0.0.1:123456/back", false},
		{client.Native, native, "http://127.0.0.1:80@evil.example/back", false},
		{client.Native, native, "http://127.0.0.1:80.evil.example/back", false},
		{client.Native, native, "http://127.0.0.1:80:80/back", false},
		{client.Native, native, "http://127.0.0.1@evil.example/back", false},
		{client.Native, native, "http://127.0.0.1.evil.example/back", false},
		{client.Native, native, "http://127.0.0.1:-1/back", false},
		{client.Native, native, "http://127.0.0.1:5000/other", false},
		{client.Native, native, "http://127.0.0.1:5000/back?x=1", false},
		{client.Native, native, "http://127.0.0.1:5000\\@evil.example/back", false},
		{client.Native, native, "https://127.0.0.1:5000/back", false},
		{client.Native, native, "http://localhost:5000/back", false},
		{client.Native, native, "http://[::1]:5000/back", false},
		{client.Native, six, "http://[::1]:5000/back", true},
		{client.Native, six, "http://[::1]/back", true},
		{client.Native, six, "http://[::1]]:5000/back", false},
		{client.Native, six, "http://[0:0:0:0:0:0:0:1]:5000/back", false},
		{client.Native, "org.example.shop:/back", "org.example.shop:/back", true},
		{client.Native, "org.example.shop:/back", "org.example.shop://back", false},
		{client.Native, "https://shop.example.org/back", "https://shop.example.org:5000/back", false},
		{client.Native, "http://127.0.0.1", "http://127.0.0.1:5000", true},
		{client.Native, "http://127.0.0.1", "http://127.0.0.1:5000/", false},
	} {
		m := with(t, test.kind, test.registered)
		m.PostLogoutURIs = m.RedirectURIs
		if m.RedirectAllowed(test.asked) != test.want || m.PostLogoutAllowed(test.asked) != test.want {
			t.Errorf("%s registered %s, asked for %q: want %v", test.kind, test.registered, test.asked, test.want)
		}
	}
	if none := (client.Metadata{}); none.RedirectAllowed("") {
		t.Error("nothing is registered, and nothing matches")
	}
}

// Whatever matches was registered, but for the port on the loopback address.
func TestOnlyTheRegisteredMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		registered := rapid.SampledFrom([]string{"https://shop.example.org/back", "http://127.0.0.1/back", "http://[::1]:80/back?x"}).Draw(rt, "registered")
		cut := rapid.IntRange(0, len(registered)).Draw(rt, "at")
		asked := registered[:cut] + rapid.StringMatching(`[a-z0-9:/?#@%.\\\[\]]{0,6}`).Draw(rt, "more") + registered[cut:]
		kind := rapid.SampledFrom([]string{client.Native, client.Web}).Draw(rt, "kind")
		m := client.Metadata{Kind: kind, RedirectURIs: []string{registered}}
		if !m.RedirectAllowed(asked) || asked == registered {
			return
		}
		four := strings.HasPrefix(asked, "http://127.0.0.1:") && strings.HasSuffix(asked, "/back")
		six := strings.HasPrefix(asked, "http://[::1]:") && strings.HasSuffix(asked, "/back?x")
		if kind != client.Native || !four && !six || strings.ContainsAny(asked, `@\#%`) {
			rt.Fatalf("%s: %q matches %q", kind, asked, registered)
		}
	})
}

func FuzzCheckRedirect(f *testing.F) {
	f.Add("https://shop.example.org/back")
	f.Add("http://127.0.0.1:80/back")
	f.Add("org.example.shop:/back")
	f.Fuzz(func(t *testing.T, uri string) {
		m := with(t, client.Native, uri)
		if client.Check(m, false) != nil {
			return
		}
		if strings.ContainsAny(uri, "#*\\ \r\n\t\x00") || strings.HasPrefix(uri, "javascript:") {
			t.Fatalf("%q is good", uri)
		}
		if !m.RedirectAllowed(uri) {
			t.Fatalf("%q does not match itself", uri)
		}
	})
}
