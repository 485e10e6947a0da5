package e2e

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

// reader is somebody with an account and a browser that keeps cookies, follows
// redirects and sends forms, and can do no more: there is no JavaScript in it.
type reader struct {
	web      *http.Client
	identity *url.URL
	email    string
	// entering is held by the one browser of the person that signs in just now: tries
	// count before they are looked at, and many at once are taken for guessing.
	entering *sync.Mutex
	entered  bool
}

// reads registers somebody.
func reads(t *testing.T, s *server, email, name string) *reader {
	t.Helper()
	identity, err := url.Parse(s.service("identity"))
	if err != nil {
		t.Fatal(err)
	}
	r := (&reader{identity: identity, email: email, entering: new(sync.Mutex)}).elsewhere(t, s)
	at, err := r.sends(t.Context(), "/register", url.Values{"name": {name}, "email": {email}, "password": {firstOne}})
	if err != nil || at.url.Path != "/register/code" {
		t.Fatalf("registering ends at %s, %v", at.url, err)
	}
	code := person{typist{t: t}, s, map[string]bool{}}.code(email, "your code")
	if at, err = r.sends(t.Context(), "/register/code", url.Values{"code": {code}}); err != nil || at.url.Path != "/" {
		t.Fatalf("registering ends at %s, %v", at.url, err)
	}
	return r
}

// elsewhere is the same person with another browser, in which nobody is signed in.
func (r *reader) elsewhere(t *testing.T, s *server) *reader {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	web := s.browser(t)
	web.Jar = jar
	return &reader{web: web, identity: r.identity, email: r.email, entering: r.entering}
}

// place is where a browser is.
type place struct {
	url *url.URL
	// text is the page of identity, form what is posted to another site.
	text string
	form url.Values
}

// opens follows an address until nothing is asked any more: it signs in where it has
// to and decides ("allow" or "deny") what applications and devices may. It ends at a
// page of identity that asks nothing, or where the browser was sent to.
func (r *reader) opens(ctx context.Context, address, decision string) (place, error) {
	if !r.entered {
		r.entering.Lock()
		defer r.entering.Unlock()
		r.entered = true
	}
	at, err := r.goes(ctx, http.MethodGet, address, nil)
	for range 12 {
		if err != nil || at.text == "" || at.url.Path == "/applications" {
			return at, err
		}
		asked, ok := r.answers(at, decision)
		if !ok || asked.url.Host != r.identity.Host {
			return asked, nil
		}
		at, err = r.sends(ctx, asked.url.String(), asked.form)
	}
	return at, fmt.Errorf("there is no end to the forms, the last at %s", at.url)
}

// sends sends a form of identity.
func (r *reader) sends(ctx context.Context, address string, form url.Values) (place, error) {
	return r.goes(ctx, http.MethodPost, address, form)
}

// goes follows what the answers lead to, as far as it is identity's.
func (r *reader) goes(ctx context.Context, method, address string, form url.Values) (place, error) {
	at := r.identity
	for range 10 {
		to, err := at.Parse(address)
		if err != nil || to.Host != r.identity.Host {
			return place{url: to}, err
		}
		at = to
		var text string
		if address, text, err = r.asks(ctx, method, at.String(), form); err != nil || address == "" {
			return place{url: at, text: text}, err
		}
		method, form = http.MethodGet, nil
	}
	return place{}, fmt.Errorf("there is no end to the redirects, the last to %s", at)
}

// asks sends one request and returns where it leads to, or else the page.
func (r *reader) asks(ctx context.Context, method, address string, form url.Values) (next, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := r.web.Do(req)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return cmp.Or(res.Header.Get("Location"), strings.TrimPrefix(res.Header.Get("Refresh"), "0;url=")), string(body), err
}

// answers fills the first form of a page. Without one it stays where it is.
func (r *reader) answers(at place, decision string) (place, bool) {
	page, err := html.Parse(strings.NewReader(at.text))
	if err != nil {
		return at, false
	}
	for form := range elements(page, "form") {
		inside := slices.ContainsFunc(slices.Collect(form.Ancestors()), func(n *html.Node) bool { return n.Data == "main" })
		action, err := at.url.Parse(attribute(form, "action"))
		if inside && err == nil {
			return place{url: action, form: r.fills(form, decision)}, true
		}
	}
	return at, false
}

func (r *reader) fills(form *html.Node, decision string) url.Values {
	filled := url.Values{}
	for input := range elements(form, "input") {
		filled.Set(attribute(input, "name"), attribute(input, "value"))
	}
	for name, value := range map[string]string{"email": r.email, "password": firstOne} {
		if filled.Has(name) {
			filled.Set(name, value)
		}
	}
	var offered []string
	for button := range elements(form, "button") {
		if attribute(button, "name") == "decision" {
			offered = append(offered, attribute(button, "value"))
		}
	}
	if i := slices.Index(offered, decision); len(offered) > 0 {
		filled.Set("decision", offered[max(i, 0)])
	}
	return filled
}

// elements are those with the name below a node.
func elements(under *html.Node, name string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for n := range under.Descendants() {
			if n.Type == html.ElementNode && n.Data == name && !yield(n) {
				return
			}
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
